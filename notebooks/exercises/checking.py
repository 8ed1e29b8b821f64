"""Is a learner's function right? If not: what it was called with, what came, and a hint."""

import copy
import inspect
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from .exercise import LANGUAGES, Exercise

LABELS = {
    "called": ("called with", "传入参数"),
    "returned": ("returned", "返回结果"),
    "expected": ("expected", "正确结果"),
    "shape": ("shape", "结果形状"),
    "raised": ("raised", "抛出异常"),
    "hint": ("hint", "修改提示"),
}
NOTHING = (
    "The function ends without a `return`.",
    "函数没有 return 就结束了。",
)
INSTEAD_OF = ("{}, not {}", "{}，应为 {}")
IN_LINE = ("{}\nline {}: {}", "{}\n第 {} 行：{}")
WIDTH = 13  # columns of a label


class NotWritten(Exception):  # noqa: N818 - it is no error
    """The function is the skeleton still."""


class Outcome(NamedTuple):
    """What a call came to: a value, or an exception."""

    value: Any = None
    error: Exception | None = None

    def is_like(self, other: "Outcome") -> bool:
        """Return whether both are the same, up to rounding."""
        if self.error or other.error:
            return repr(self.error) == repr(other.error)
        return same(self.value, other.value)


def fault(exercise: Exercise, answer: Callable, language: str) -> str | None:
    """Return what is wrong with a learner's function, for its author to read; None if it is right.

    Raises NotWritten for a skeleton.
    """
    outcomes = outcomes_of(exercise, answer)
    if any(type(outcome.error) is NotImplementedError for outcome in outcomes):
        raise NotWritten
    for arguments, outcome, right in zip(
        exercise.calls, outcomes, outcomes_of(exercise, exercise.solution), strict=True
    ):
        if not outcome.is_like(right):
            lines = [entry("called", named(exercise, arguments), language)]
            lines += differences(outcome, right.value, answer, language)
            hint = hint_for(exercise, outcomes)[LANGUAGES.index(language)]
            return "\n".join([*lines, entry("hint", hint, language)])
    return None


def outcomes_of(exercise: Exercise, function: Callable) -> list[Outcome]:
    """Call a function with each of the exercise's arguments, which it may change."""
    outcomes = []
    for arguments in copy.deepcopy(exercise.calls):
        try:
            result = function(*arguments)
            outcomes.append(Outcome(None if result is None else exercise.seen(result)))
        except Exception as error:  # whatever a learner's code raises is for the learner to read
            outcomes.append(Outcome(error=error))
    return outcomes


def same(a: Any, b: Any) -> bool:
    """Return whether numbers, tensors, or tuples of them are the same up to rounding."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    try:
        a, b = (torch.as_tensor(x).detach().double() for x in (a, b))
    except (TypeError, ValueError, RuntimeError):  # no numbers
        return type(a) is type(b) and not isinstance(a, list) and a == b
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True)


def hint_for(exercise: Exercise, outcomes: list[Outcome]) -> tuple[str, str]:
    """Return the hint of the mistake that comes to the same in every call, or the general one."""
    if any(outcome == Outcome() for outcome in outcomes):
        return NOTHING
    for mistake in exercise.mistakes:
        if all(map(Outcome.is_like, outcomes, outcomes_of(exercise, mistake.answer))):
            return mistake.hint
    return exercise.hint


def differences(outcome: Outcome, right: Any, answer: Callable, language: str) -> list[str]:
    """Return the lines that say what came and what was expected."""
    pick = LANGUAGES.index(language)
    if outcome.error:
        text = f"{type(outcome.error).__name__}: {outcome.error}"
        file = inspect.unwrap(answer).__code__.co_filename
        for frame in reversed(traceback.extract_tb(outcome.error.__traceback__)):
            if frame.filename == file:
                text = IN_LINE[pick].format(text, frame.lineno, frame.line)
                break
        return [entry("raised", text, language)]
    lines = [entry("returned", repr(outcome.value), language)]
    lines += [entry("expected", repr(right), language)]
    shapes = [getattr(value, "shape", None) for value in (outcome.value, right)]
    if None not in shapes and shapes[0] != shapes[1]:
        text = INSTEAD_OF[pick].format(*map(tuple, shapes))
        lines.append(entry("shape", text, language))
    return lines


def named(exercise: Exercise, arguments: tuple) -> str:
    """Return arguments with the names that they have in the function, one a line."""
    names = inspect.signature(exercise.solution).parameters
    return "\n".join(
        hanging(f"{name} = ", repr(value)) for name, value in zip(names, arguments, strict=True)
    )


def entry(label: str, text: str, language: str) -> str:
    """Return a text behind its label."""
    pick = LANGUAGES.index(language)
    label = LABELS[label][pick]
    columns = len(label) * (1 + pick)  # a Chinese character takes two
    return label + " " * (WIDTH - columns) + hanging(" " * WIDTH, text)[WIDTH:]


def hanging(start: str, text: str) -> str:
    """Return a text of several lines, all of them indented as the first one by its start."""
    return start + text.replace("\n", "\n" + " " * len(start))
