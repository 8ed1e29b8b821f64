"""How values and errors are written for a learner, in lines with labels.

`pick` is a language's place in LANGUAGES: texts are pairs, English and Chinese.
"""

import textwrap
import traceback
from typing import Any

LABELS = {
    "called": ("called with", "传入参数"),
    "returned": ("returned", "返回结果"),
    "expected": ("expected", "正确结果"),
    "shape": ("shape", "结果形状"),
    "raised": ("raised", "抛出异常"),
    "hint": ("hint", "修改提示"),
    "printed": ("printed", "打印内容"),
}
WIDTH = 13  # columns of a label


def entry(name: str, text: str, pick: int) -> str:
    """Return a text behind its label."""
    label = LABELS[name][pick]
    columns = len(label) * (1 + pick)  # a Chinese character takes two
    if name == "hint" and pick == 0:
        text = textwrap.fill(text, 80)
    return label + hanging(" " * WIDTH, text)[columns:]


def shown(value: Any, start: str = "") -> str:
    """Return a value as Python writes it, behind a start under which its other lines don't go."""
    if isinstance(value, list | tuple):
        opening, closing = "[]" if isinstance(value, list) else "()"
        text = hanging(opening, ",\n".join(map(shown, value))) + closing
        if not any("\n" in shown(item) for item in value):
            text = repr(value)
    elif isinstance(value, dict):
        text = "\n".join(f"{key}: {item}" for key, item in value.items())
    else:
        text = repr(value).replace("\n\n", "\n")
    return hanging(start, text)


def hanging(start: str, text: str) -> str:
    """Return a text behind its start, its other lines indented as the first."""
    return start + text.replace("\n", "\n" + " " * len(start))


def located(error: BaseException, file: str, pick: int) -> str:
    """Return an exception's message, and the last line of a learner's file that led to it."""
    text = "".join(traceback.format_exception_only(error)).strip()
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename == file:
            where = ("line {}: {}", "第 {} 行：{}")[pick]
            return f"{text}\n{where.format(frame.lineno, frame.line)}"
    return text
