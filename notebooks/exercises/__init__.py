"""The exercises of the notes: one file a section, one function an exercise.

From the function and its docstring come the text in the notebook, the skeleton that a learner fills
in (`make exercises`) and what it is compared with (`make check`).
"""

import importlib

from .exercise import LANGUAGES, Exercise

SECTIONS = range(1, 10)
TEXT = {
    "en": "**Exercise {}: `{}`.** {}\n\n<details><summary>Solution</summary>{}</details>",
    "zh": "**练习 {}：`{}`。** {}\n\n<details><summary>解答</summary>{}</details>",
}


def exercises_of(section: int) -> dict[str, Exercise]:
    """Return the exercises of a section of the notes by their numbers, "3.1" and so on."""
    module = importlib.import_module(f"{__name__}.section_{section}")
    return {f"{section}.{k}": exercise for k, exercise in enumerate(module.EXERCISES, start=1)}


def texts_of(section: int, language: str) -> list[str]:
    """Return the exercises of a section in one of LANGUAGES, as Markdown, solutions folded."""
    texts = []
    for number, exercise in exercises_of(section).items():
        remark = exercise.remark[LANGUAGES.index(language)]
        solution = f"\n\n```python\n{exercise.code()}\n```\n\n{remark}" + "\n\n" * bool(remark)
        texts.append(
            TEXT[language].format(number, exercise.signature, exercise.task(language), solution)
        )
    return texts
