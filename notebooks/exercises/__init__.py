"""The exercises of the notebooks: one file per section, one function per exercise.

The function and its docstring give the text in the notebook, the skeleton that a learner fills in
(`make exercises`), and the expected results (`make check`).
"""

import importlib

from d2l_softmax.i18n import tr, use_language

from .exercise import Exercise, in_language

SECTIONS = range(1, 10)


def exercises_of(section: int) -> dict[str, Exercise]:
    """Return the exercises of a section by number, "3.1" and so on, the hardest last."""
    module = importlib.import_module(f"{__name__}.section_{section}")
    return {f"{section}.{k}": exercise for k, exercise in enumerate(module.EXERCISES, start=1)}


def texts_of(section: int, language: str) -> list[str]:
    """Return the exercises of a section in one of LANGUAGES as Markdown, solutions folded."""
    texts = []
    with use_language(language):
        for level, (number, exercise) in enumerate(exercises_of(section).items(), start=1):
            heading = tr(
                "Exercise {n} {stars}: `{name}`.",
                n=number,
                stars="★" * level,
                name=exercise.signature,
            )
            remark = in_language(exercise.remark)
            solution = f"```python\n{exercise.code()}\n```\n\n" + f"{remark}\n\n" * bool(remark)
            summary = f"<summary>{tr('Solution')}</summary>\n\n"
            texts.append(
                f"**{heading}** {exercise.task()}\n\n<details>{summary}{solution}</details>"
            )
    return texts
