"""The exercises of the notebooks: one file per section, one function per exercise.

Each function is the solution, which gives the expected results of `make check`. Its docstring is
the task in the notebook, and in the skeleton for learners that `make exercises` writes.
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
    """Return the exercises of a section as Markdown with folded solutions, in a language."""
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
