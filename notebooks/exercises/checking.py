"""Judges a learner's function: right, or what it was called with, what it returned, and a hint.

Texts are pairs, English and Chinese; `pick` is the place of a language in LANGUAGES.
"""

import copy
import inspect
import textwrap
import traceback
from collections.abc import Callable
from typing import Any

import torch

from .exercise import Exercise

RIGHT, WRONG, NOT_WRITTEN = ("right", "对"), ("wrong", "错"), ("not written yet", "还没有写")
CALLED, RETURNED = ("called with", "传入参数"), ("returned", "返回结果")
EXPECTED, SHAPE = ("expected", "正确结果"), ("shape", "结果形状")
RAISED, HINT = ("raised", "抛出异常"), ("hint", "修改提示")
NOTHING = ("The function ends without a `return`.", "函数没有 return 就结束了。")


def judge(exercise: Exercise, answer: Callable, pick: int) -> tuple[tuple[str, str], str]:
    """Return RIGHT, WRONG or NOT_WRITTEN, and the text that a learner reads below it."""
    results, expected = (results_of(exercise, f) for f in (answer, exercise.solution))
    if any(type(result) is NotImplementedError for result in results):
        return NOT_WRITTEN, ""
    for arguments, result, right in zip(exercise.calls, results, expected, strict=True):
        if not same(result, right):
            names = inspect.signature(exercise.solution).parameters
            called = map(hanging, [f"{name} = " for name in names], map(shown, arguments))
            lines = [entry(CALLED, "\n".join(called), pick)]
            if isinstance(result, BaseException):
                file = getattr(getattr(answer, "__code__", None), "co_filename", "")
                lines.append(entry(RAISED, located(result, file, pick), pick))
            else:
                lines += [entry(RETURNED, shown(result), pick), entry(EXPECTED, shown(right), pick)]
            shapes = [tuple(value.shape) for value in (result, right) if hasattr(value, "shape")]
            if len(set(shapes)) == 2:
                text = ("{}, not {}", "{}，应为 {}")[pick].format(*shapes)
                lines.append(entry(SHAPE, text, pick))
            hint = hint_for(exercise, results)[pick]
            lines.append(entry(HINT, hint if pick else textwrap.fill(hint, 80), pick))
            return WRONG, "\n".join(lines)
    return RIGHT, exercise.remark[pick]


def results_of(exercise: Exercise, function: Callable) -> list:
    """Call a function with each of the exercise's arguments; return its results and exceptions."""
    results = []
    for arguments in copy.deepcopy(exercise.calls):  # a learner's function may change them
        try:
            result = function(*arguments)
            results.append(None if result is None else exercise.seen(result))
        except (Exception, SystemExit) as error:
            results.append(error)
    return results


def same(a: Any, b: Any) -> bool:
    """Return whether exceptions, numbers, tensors, or lists of them are equal up to rounding."""
    if type(a) is type(b) and isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, BaseException):
        return repr(a) == repr(b)
    try:
        a, b = (torch.as_tensor(x).detach().double() for x in (a, b))
    except (TypeError, ValueError, RuntimeError):  # no numbers
        return type(a) is type(b) and a == b
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True)


def hint_for(exercise: Exercise, results: list) -> tuple[str, str]:
    """Return the hint of the mistake with the same results in every call, or the general one."""
    if any(result is None for result in results):
        return NOTHING
    for mistake in exercise.mistakes:
        if all(map(same, results, results_of(exercise, mistake.answer))):
            return mistake.en, mistake.zh
    return exercise.hint


def entry(label: tuple[str, str], text: str, pick: int) -> str:
    """Return a text behind its label, its other lines below its first."""
    columns = len(label[pick]) * (1 + pick)  # a Chinese character takes two
    return label[pick] + hanging(" " * 13, text)[columns:]


def hanging(start: str, text: str) -> str:
    """Return a text behind its start, its other lines indented as the first."""
    return start + text.replace("\n", "\n" + " " * len(start))


def shown(value: Any) -> str:
    """Return a value as Python writes it, items of several lines below one another."""
    if isinstance(value, dict):
        return "\n".join(f"{key}: {item}" for key, item in value.items())
    if isinstance(value, list | tuple) and "\n" in repr(value):
        opening, closing = "[]" if isinstance(value, list) else "()"
        return hanging(opening, ",\n".join(map(shown, value))) + closing
    return repr(value).replace("\n\n", "\n")


def located(error: BaseException, file: str, pick: int) -> str:
    """Return an exception's message, and the last line of a learner's file that led to it."""
    text = "".join(traceback.format_exception_only(error)).strip()
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename == file:
            where = ("line {}: {}", "第 {} 行：{}")[pick]
            return f"{text}\n{where.format(frame.lineno, frame.line)}"
    return text
