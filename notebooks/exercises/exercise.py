"""What an exercise is: a solution, and what a learner's function is judged by."""

import ast
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

LANGUAGES = ("en", "zh")
CHINESE = "中文："  # where the Chinese of a docstring begins
HAN = "[\u3000-\u9fff\uff00-\uffef]"  # a Chinese character, or punctuation of its width


class Mistake(NamedTuple):
    """A common wrong answer, and the hint for it in English and Chinese."""

    answer: Callable
    en: str
    zh: str


@dataclass(frozen=True)
class Exercise:
    """A function to write; its docstring is the task, in English and then in Chinese.

    A learner's function is called as the solution is, with each of `calls`, and has to return the
    same. Where it returns what one of the mistakes does, the hint is that mistake's, otherwise
    `hint`; `remark` is shown once it is right. `seen` returns what is compared of a result, where
    not all of it matters.
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

    def task(self, language: str) -> str:
        """Return the task in one of LANGUAGES, as Markdown."""
        english, chinese = inspect.getdoc(self.solution).split(CHINESE)
        if language == "en":
            return english.strip()
        return re.sub(rf"(?<={HAN})\n(?={HAN})", "", chinese.strip())  # Markdown makes it a space

    def skeleton(self, number: str) -> str:
        """Return the function with its docstring, and an exception for its body."""
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
