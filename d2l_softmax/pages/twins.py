"""Two source files side by side, definition by definition, in the rows of `diff -y`."""

import ast
import difflib
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

Row = tuple[int | None, int | None]  # line numbers on the left and right, from 1; None: no line

PLAIN = r'<span class="(?:n|nn|nb|bp|o|p|w)">(.*?)</span>'  # tokens in the colour of plain text


class CodeLine(NamedTuple):
    """A line of code as HTML; without a number, a blank that fills the row."""

    number: int | None
    html: str
    indent: int
    differs: bool


class Definition(NamedTuple):
    """A definition, or the code before the first one: its names, and its lines on both sides."""

    names: list[str]
    rows: int
    columns: list[list[CodeLine]]


def side_by_side(left: str, right: str) -> Iterator[Definition]:
    """Yield the definitions of the left file, each with the right file's lines in these rows."""
    texts = left.splitlines(), right.splitlines()
    html = colored(left), colored(right)
    names = definitions(left), definitions(right)
    rows = rows_of(*texts)
    starts = [place for place, (number, _) in enumerate(rows) if number in names[0]]
    for start, end in itertools.pairwise(sorted({0, *starts, len(rows)})):
        columns: list[list[CodeLine]] = [[], []]
        for row in rows[start:end]:
            pair = [None if n is None else text[n - 1] for n, text in zip(row, texts, strict=True)]
            for side, (number, line) in enumerate(zip(row, pair, strict=True)):
                indent = len(line) - len(line.lstrip()) if line else 0
                code = html[side][number - 1] if number else ""
                columns[side].append(CodeLine(number, code, indent, differs=pair[0] != pair[1]))
        while not any(column[-1].html.strip() for column in columns):  # blank lines at the end
            columns = [column[:-1] for column in columns]
        named = [names[side].get(number or 0, "") for side, number in enumerate(rows[start])]
        yield Definition(list(dict.fromkeys(filter(None, named))), len(columns[0]), columns)


def rows_of(left: Sequence[str], right: Sequence[str]) -> list[Row]:
    """Return pairs of line numbers, a pair for each row that `diff -y` shows of two texts.

    Lines between two matching blocks are paired from the top.
    """
    rows: list[Row] = []
    i = j = 0
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    for p, q, size in matcher.get_matching_blocks():  # the last one is empty, at both ends
        rows += itertools.zip_longest(range(i + 1, p + 1), range(j + 1, q + 1))
        i, j = p + size, q + size
        rows += zip(range(p + 1, i + 1), range(q + 1, j + 1), strict=True)
    return rows


def definitions(code: str) -> dict[int, str]:
    """Return the names of functions, classes and methods by line number."""
    found = named_statements(ast.parse(code).body)
    return {
        node.lineno: name
        for name, node in found
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }


def named_statements(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, ast.stmt]]:
    """Yield definitions, assignments, calls and returns with their qualified names."""
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield prefix + name, node
                yield from named_statements(node.body, f"{prefix}{name}.")
            case ast.Assign(targets=[ast.Name(id=name) | ast.Attribute(attr=name)]):
                yield prefix + name, node
            case ast.Expr(ast.Call(ast.Name(id=name) | ast.Attribute(attr=name))):
                yield prefix + name, node
            case ast.Return():
                yield prefix + "return", node
            case ast.If() | ast.For():
                yield from named_statements(node.body + node.orelse, prefix)


def colored(code: str) -> list[str]:
    """Return the lines of Python code as HTML with Pygments' token classes."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    html = highlight(code, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
    return re.sub(PLAIN, r"\1", html).split("\n")
