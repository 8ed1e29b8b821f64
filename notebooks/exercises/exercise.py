"""The class Exercise: a solution, test inputs, and hints for common mistakes."""

import ast
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from d2l_softmax.i18n import LANGUAGES, current_language

CHINESE = "中文："  # the Chinese text of a docstring begins here
HAN = "[\u3000-\u9fff\uff00-\uffef]"  # a Chinese character, or punctuation of its width


class Mistake(NamedTuple):
    """A common wrong solution, and the hint for it in English and Chinese."""

    answer: Callable
    en: str
    zh: str


@dataclass(frozen=True)
class Exercise:
    """A function to write; its docstring is the task, in English and then in Chinese.

    A learner's function is called with each of `calls`, a tuple of arguments. It is correct if it
    returns the same as `solution`; then `remark` is shown. If it returns the same as one of the
    `mistakes`, the hint of that mistake is shown, otherwise `hint`. `seen` maps a result to the
    value that is compared. `hint` and `remark` are pairs, English and Chinese.
    """

    solution: Callable
    calls: list[tuple]
    hint: tuple[str, str]
    mistakes: list[Mistake]
    remark: tuple[str, str] = ("", "")
    seen: Callable[[Any], Any] = lambda result: result

    @property
    def name(self) -> str:
        """The function's name."""
        return self.solution.__name__

    @property
    def signature(self) -> str:
        """The function's name and parameters."""
        return f"{self.name}{inspect.signature(self.solution)}"

    def task(self) -> str:
        """Return the task in the current language, as Markdown."""
        text = in_language(inspect.getdoc(self.solution).split(CHINESE)).strip()
        return re.sub(rf"(?<={HAN})\n(?={HAN})", "", text)  # Markdown turns a newline into a space

    def skeleton(self, number: str) -> str:
        """Return the function with its docstring, whose body raises NotImplementedError."""
        lines, docstring = self._source()
        body = f'    raise NotImplementedError("{number}")  # your code here · 在这里写代码'
        return "\n".join([*lines[: docstring.end_lineno], body])

    def code(self) -> str:
        """Return the solution without its docstring."""
        lines, docstring = self._source()
        return "\n".join(lines[: docstring.lineno - 1] + lines[docstring.end_lineno :])

    def _source(self) -> tuple[list[str], ast.stmt]:
        source = inspect.getsource(self.solution)
        return source.splitlines(), ast.parse(source).body[0].body[0]


def in_language(pair: tuple[str, str]) -> str:
    """Return the text of a pair (English, Chinese) in the current language."""
    return pair[LANGUAGES.index(current_language())]
