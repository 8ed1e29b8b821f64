"""The language of figures and reports: which text, which font, and what is done without one."""

import ast
import contextlib
import re
from pathlib import Path
from string import Formatter

import matplotlib
import pytest
from matplotlib import font_manager

from d2l_softmax import __main__ as d2l_main
from d2l_softmax import i18n
from d2l_softmax.commands.options import drawn_in
from d2l_softmax.figures import style
from d2l_softmax.figures.style import CHINESE_FONTS, chinese_font, default_style, shortened
from d2l_softmax.i18n import chinese, current_language, tr, use_language


@pytest.fixture
def other_fonts():
    """Let the fonts be looked for anew, in this test and after it."""
    chinese_font.cache_clear()
    yield
    chinese_font.cache_clear()


def test_a_text_is_english_unless_chinese_is_asked_for():
    with contextlib.suppress(ZeroDivisionError), use_language("zh"):
        assert tr("bag") == "包"
        with use_language("en"):
            assert tr("bag") == "bag"
        assert (shortened("ankle boot"), shortened("tulip")) == ("短靴", "tulip")
        1 / 0  # noqa: B018
    assert tr("bag") == "bag"
    assert shortened("0123456789abcdef") == "0123456789abcdef"
    assert shortened("0123456789abcdefg") == "0123456789abcde…"


def test_values_stand_in_a_text_in_both_languages(monkeypatch):
    monkeypatch.setitem(chinese(), "{n} of {total}", "共 {total}，其中 {n}")
    assert tr("{n} of {total}", n=1, total=2) == "1 of 2"
    with use_language("zh"):
        assert tr("{n} of {total}", n=1, total=2) == "共 2，其中 1"
        assert tr("a name with {braces}") == "a name with {braces}"


@pytest.mark.usefixtures("font_for_chinese")
def test_texts_are_drawn_in_matplotlib_s_font_and_chinese_in_another():
    before = matplotlib.rcParams["font.family"]
    with default_style():
        first, second = matplotlib.rcParams["font.family"]
    assert matplotlib.rcParams["font.family"] == before
    assert (first, second) == ("DejaVu Sans", chinese_font())
    path = font_manager.findfont(second, fallback_to_default=False)
    assert font_manager.get_font(path).get_char_index(ord("类"))


@pytest.mark.usefixtures("font_for_chinese", "other_fonts")
def test_a_font_that_was_installed_after_matplotlib_made_its_list_is_found(monkeypatch):
    manager = font_manager.fontManager
    files = {entry.fname for entry in manager.ttflist if entry.name in CHINESE_FONTS}
    others = [entry for entry in manager.ttflist if entry.fname not in files]
    monkeypatch.setattr(manager, "ttflist", others)
    assert chinese_font() in CHINESE_FONTS


@pytest.mark.usefixtures("other_fonts")
def test_without_a_font_a_command_says_so_once_and_draws_in_english(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(style, "CHINESE_FONTS", ())
    assert d2l_main.main(["losses", "--lang=zh", f"--output-dir={tmp_path}"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert "no installed font has Chinese characters" in line
    with drawn_in("zh"):
        assert current_language() == "en"


# The catalogue

ROOT = Path(i18n.__file__).parents[1]
FILES = [
    path
    for folder in ("d2l_softmax", "notebooks", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
]


def texts_in_code():
    """Return the texts that are passed to tr."""
    passed, constants, named = set(), {}, set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                constants.setdefault(node.targets[0].id, []).append(node.value)
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "FigureSpec":
                passed.update(caption.value for caption in node.args[1:2])
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "tr":
                text = node.args[0]
                if isinstance(text, ast.Constant):
                    passed.add(text.value)
                else:  # tr(CAPTION)
                    named |= {n.id for n in ast.walk(text) if isinstance(n, ast.Name)}
    for path in (ROOT / "d2l_softmax").rglob("*.jinja"):
        passed.update(re.findall(r'\btr\("([^"]+)"', path.read_text(encoding="utf-8")))
    for name in filter(str.isupper, named):
        for value in constants.get(name, ()):
            for part in value.values if isinstance(value, ast.Dict) else [value]:
                found = (n.value for n in ast.walk(part) if isinstance(n, ast.Constant))
                passed.update(text for text in found if isinstance(text, str))
    return passed


def test_every_text_that_is_shown_has_its_chinese():
    passed = texts_in_code()
    assert len(passed) > 40
    assert passed - chinese().keys() == set()


def test_chinese_has_the_same_values_in_place():
    def fields(text):
        return sorted((name, form) for _, name, form, _ in Formatter().parse(text) if name)

    assert {text: zh for text, zh in chinese().items() if fields(text) != fields(zh)} == {}


def test_chinese_has_spaces_beside_latin_letters():
    beside = r"[\u4e00-\u9fff](?!恤)[A-Za-z0-9]|[A-Za-z0-9](?!恤)[\u4e00-\u9fff]"
    assert [text for text in chinese().values() if re.search(beside, text)] == []
