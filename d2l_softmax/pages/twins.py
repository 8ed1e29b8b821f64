"""The code of both twins, definition beside definition, its lines paired as `diff -y` pairs them.

Lines that both have, in order, are in the same rows (difflib); those between are paired from the
top.
"""

import ast
import difflib
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

Row = tuple[int | None, int | None]  # the lines of both texts, from 1; None where there is none

PLAIN = r'<span class="(?:n|nn|nb|bp|o|p|w)">(.*?)</span>'  # tokens in the colour of the text


class Line(NamedTuple):
    """A line of code, as HTML; without a number it only fills its row."""

    number: int | None
    html: str
    indent: int
    differs: bool


class Definition(NamedTuple):
    """A definition, or what stands before the first: its names, and its lines in both texts."""

    names: list[str]
    rows: int
    columns: list[list[Line]]


def side_by_side(left: str, right: str) -> Iterator[Definition]:
    """Yield the definitions of the left text, each with what stands beside it on the right."""
    texts = left.splitlines(), right.splitlines()
    html = colored(left), colored(right)
    names = definitions(left), definitions(right)
    for rows in by_definition(rows_of(*texts), names[0]):
        while not any(texts[side][n - 1].strip() for side, n in enumerate(rows[-1]) if n):
            rows.pop()
        columns = [
            [
                line_of(row[side], texts[side], html[side], differs=not is_same(row, texts))
                for row in rows
            ]
            for side in (0, 1)
        ]
        named = [names[side].get(number or 0, "") for side, number in enumerate(rows[0])]
        yield Definition(list(dict.fromkeys(filter(None, named))), len(rows), columns)


def rows_of(left: Sequence[str], right: Sequence[str]) -> list[Row]:
    """Return the pairs of lines that `diff -y` shows in one row."""
    rows: list[Row] = []
    i = j = 0
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    for p, q, size in matcher.get_matching_blocks():  # the last one is empty, at both ends
        rows += itertools.zip_longest(range(i + 1, p + 1), range(j + 1, q + 1))
        i, j = p + size, q + size
        rows += zip(range(p + 1, i + 1), range(q + 1, j + 1), strict=True)
    return rows


def definitions(code: str) -> dict[int, str]:
    """Return the names of functions, classes and methods by the number of their line."""
    found = {}
    for node in ast.parse(code).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found[node.lineno] = node.name
        if isinstance(node, ast.ClassDef):
            methods = (each for each in node.body if isinstance(each, ast.FunctionDef))
            found |= {method.lineno: f"{node.name}.{method.name}" for method in methods}
    return found


def by_definition(rows: Sequence[Row], starts: dict[int, str]) -> Iterator[list[Row]]:
    """Yield the rows of each definition, up to the next."""
    cuts = [place for place, (number, _) in enumerate(rows) if number in starts]
    for start, end in itertools.pairwise(sorted({0, *cuts, len(rows)})):
        yield list(rows[start:end])


def is_same(row: Row, texts: tuple[Sequence[str], Sequence[str]]) -> bool:
    """Tell whether both sides of a row have the same line."""
    one, other = (None if n is None else text[n - 1] for n, text in zip(row, texts, strict=True))
    return one == other


def line_of(number: int | None, text: Sequence[str], html: Sequence[str], differs: bool) -> Line:
    """Return a line as a page shows it."""
    if number is None:
        return Line(None, "", 0, differs)
    line = text[number - 1]
    return Line(number, html[number - 1], len(line) - len(line.lstrip()), differs)


def colored(code: str) -> list[str]:
    """Return the lines of Python code as HTML, tokens with the classes that Pygments gives them."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    html = highlight(code, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
    return re.sub(PLAIN, r"\1", html).split("\n")
