"""Is a learner's function right? If not: what it was called with, what came, and a hint."""

import copy
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from .exercise import Exercise
from .words import entry, located, shown

NOTHING = ("The function ends without a `return`.", "函数没有 return 就结束了。")


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


def fault(exercise: Exercise, answer: Callable, pick: int) -> str | None:
    """Return what is wrong with a learner's function, for its author to read; None if it is right.

    `pick` is a language's place in LANGUAGES. Raises NotWritten for a skeleton.
    """
    outcomes = outcomes_of(exercise, answer)
    if any(type(outcome.error) is NotImplementedError for outcome in outcomes):
        raise NotWritten
    for arguments, outcome, right in zip(
        exercise.calls, outcomes, outcomes_of(exercise, exercise.solution), strict=True
    ):
        if not outcome.is_like(right):
            lines = [entry("called", named(exercise, arguments), pick)]
            lines += differences(outcome, right.value, answer, pick)
            return "\n".join([*lines, entry("hint", hint_for(exercise, outcomes)[pick], pick)])
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
    """Return whether numbers, tensors, or lists of them are the same up to rounding."""
    if type(a) is type(b) and isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(same, a, b))
    try:
        a, b = (torch.as_tensor(x).detach().double() for x in (a, b))
    except (TypeError, ValueError, RuntimeError):  # no numbers
        return type(a) is type(b) and a == b
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True)


def hint_for(exercise: Exercise, outcomes: list[Outcome]) -> tuple[str, str]:
    """Return the hint of the mistake that comes to the same in every call, or the general one."""
    if Outcome() in [outcome for outcome in outcomes if outcome.value is None]:
        return NOTHING
    for mistake in exercise.mistakes:
        if all(map(Outcome.is_like, outcomes, outcomes_of(exercise, mistake.answer))):
            return mistake.hint
    return exercise.hint


def differences(outcome: Outcome, right: Any, answer: Callable, pick: int) -> list[str]:
    """Return the lines that say what came and what was expected."""
    if outcome.error:
        file = getattr(getattr(answer, "__code__", None), "co_filename", "")
        return [entry("raised", located(outcome.error, file, pick), pick)]
    lines = [entry("returned", shown(outcome.value), pick), entry("expected", shown(right), pick)]
    came, expected = (getattr(value, "shape", None) for value in (outcome.value, right))
    if came is not None and expected is not None and came != expected:
        shapes = ("{}, not {}", "{}，应为 {}")[pick].format(tuple(came), tuple(expected))
        lines.append(entry("shape", shapes, pick))
    return lines


def named(exercise: Exercise, arguments: tuple) -> str:
    """Return arguments behind the names that they have in the function, one a line."""
    names = inspect.signature(exercise.solution).parameters
    return "\n".join(
        shown(value, f"{name} = ") for name, value in zip(names, arguments, strict=True)
    )
