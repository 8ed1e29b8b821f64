"""Compare a learner's function with the solution, and explain a wrong result by a hint."""

import copy
import inspect
import textwrap
import traceback
from collections.abc import Callable
from typing import Any

import torch

from d2l_softmax.i18n import current_language, tr

from .exercise import Exercise, in_language

CORRECT, WRONG, NOT_WRITTEN = "correct", "wrong", "not written yet"


def judge(exercise: Exercise, answer: Callable, show_expected: bool = False) -> tuple[str, str]:
    """Return CORRECT, WRONG or NOT_WRITTEN, and a text that explains it.

    For a wrong answer, the text has the call, the result and a hint. With `show_expected` it also
    has the expected value.
    """
    results, expected = (results_of(exercise, f) for f in (answer, exercise.solution))
    if any(type(result) is NotImplementedError for result in results):
        return NOT_WRITTEN, ""
    for arguments, result, right in zip(exercise.calls, results, expected, strict=True):
        if same(result, right):
            continue
        names = inspect.signature(exercise.solution).parameters
        called = map(hanging, [f"{name} = " for name in names], map(shown, arguments))
        lines = [entry(tr("called with"), "\n".join(called))]
        if isinstance(result, BaseException):
            file = getattr(getattr(answer, "__code__", None), "co_filename", "")
            lines.append(entry(tr("raised"), located(result, file)))
        else:
            lines.append(entry(tr("returned"), shown(result)))
            if show_expected:
                lines.append(entry(tr("expected"), shown(right)))
        shapes = [tuple(value.shape) for value in (result, right) if hasattr(value, "shape")]
        if len(set(shapes)) == 2:
            text = tr("{shape}, expected {expected}", shape=shapes[0], expected=shapes[1])
            lines.append(entry(tr("shape"), text))
        lines.append(entry(tr("hint"), hint_for(exercise, results)))
        return WRONG, "\n".join(lines)
    return CORRECT, in_language(exercise.remark)


def results_of(exercise: Exercise, function: Callable) -> list:
    """Call a function with each tuple of arguments; return the results or exceptions."""
    results = []
    for arguments in copy.deepcopy(exercise.calls):  # a learner's function may change them
        try:
            result = function(*arguments)
            results.append(None if result is None else exercise.seen(result))
        except (Exception, SystemExit) as error:
            results.append(error)
        except KeyboardInterrupt as error:  # the learner ends an endless loop
            return [error] * len(exercise.calls)
    return results


def same(a: Any, b: Any) -> bool:
    """Return True if two results are equal, and numbers or tensors equal up to rounding."""
    if type(a) is type(b) and isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, BaseException):
        return repr(a) == repr(b)
    try:
        a, b = (torch.as_tensor(x).detach().double() for x in (a, b))
    except (TypeError, ValueError, RuntimeError):  # not numeric
        return type(a) is type(b) and a == b
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True)


def hint_for(exercise: Exercise, results: list) -> str:
    """Return the hint of the mistake with the same results, or the exercise's general hint."""
    if any(result is None for result in results):
        return tr("The function ends without a `return`.")
    hint = in_language(exercise.hint)
    for mistake in exercise.mistakes:
        if all(map(same, results, results_of(exercise, mistake.answer))):
            hint = in_language((mistake.en, mistake.zh))
            break
    return hint if current_language() == "zh" else textwrap.fill(hint, 80)


def entry(label: str, text: str) -> str:
    """Return a label and, from column 13 on, the text beside it."""
    columns = len(label) * (2 if current_language() == "zh" else 1)  # in a terminal
    return label + hanging(" " * 13, text)[columns:]


def hanging(start: str, text: str) -> str:
    """Return `start` followed by a text, whose further lines are indented by its length."""
    return start + text.replace("\n", "\n" + " " * len(start))


def shown(value: Any) -> str:
    """Return the repr of a value, with dictionaries and long items on several lines."""
    if isinstance(value, dict):
        return "\n".join(f"{key}: {item}" for key, item in value.items())
    if isinstance(value, list | tuple) and "\n" in repr(value):
        opening, closing = "[]" if isinstance(value, list) else "()"
        return hanging(opening, ",\n".join(map(shown, value))) + closing
    return repr(value).replace("\n\n", "\n")


def located(error: BaseException, file: str) -> str:
    """Return an exception's message, and the line of the learner's file that raised it."""
    text = "".join(traceback.format_exception_only(error)).strip()
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename == file:
            return f"{text}\n{tr('line {n}: {code}', n=frame.lineno, code=frame.line)}"
    return text
