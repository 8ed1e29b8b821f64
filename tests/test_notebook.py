"""The notes as notebooks: both languages say the same, and what is stored is what is built."""

import ast
import itertools
import re
from collections import Counter

import jupytext
import nbformat
import pytest
import torch

import scratch
from d2l_softmax.i18n import LANGUAGES, chinese
from notebooks import build
from notebooks.exercises import texts_of

SOURCE = jupytext.read(build.SOURCE, fmt="py:percent")
STORED = {language: nbformat.read(path, 4) for language, path in build.NOTEBOOKS.items()}
FORMULA = r"\$\$.+?\$\$|\$.+?\$"
MATRIX = re.compile(r"(\S+) = \\begin\{bmatrix\}(.+?)\\end\{bmatrix\}")
HAN = r"[\u4e00-\u9fff]"
each_language = pytest.mark.parametrize("language", LANGUAGES)


def texts(language):
    """Return the source's Markdown in a language, cell by cell."""
    return [cell.source for cell in SOURCE.cells if cell.metadata.get("lang") == language]


def test_each_english_text_stands_right_before_its_chinese():
    written = [cell for cell in SOURCE.cells if cell.cell_type == "markdown"]
    languages = [cell.metadata["lang"] for cell in written if "exercises" not in cell.metadata]
    assert languages == ["en", "zh"] * (len(languages) // 2)


@pytest.mark.parametrize("pattern", [r"^#+ \d?", FORMULA, r"`.+?`", r"<details>", r"\]\(.+?\)"])
def test_both_languages_have_the_same_headings_formulas_and_names(pattern):
    for pair in zip(texts("en"), texts("zh"), strict=True):
        found = [Counter(re.findall(pattern, text, re.MULTILINE)) for text in pair]
        assert found[0] == found[1]


def test_nine_sections_each_end_with_their_exercises():
    headings = [cell.source for cell in SOURCE.cells if cell.source.startswith("## ")]
    assert [int(heading[3]) for heading in headings] == [n for n in range(1, 10) for _ in LANGUAGES]
    places = {cell.metadata.get("exercises"): i for i, cell in enumerate(SOURCE.cells)}
    for section in range(1, 10):
        following = SOURCE.cells[places[section] + 1 :][:1]
        assert all(cell.source.startswith(f"## {section + 1}. ") for cell in following)


def test_emphasis_in_chinese_is_seen_by_markdown():
    """Between punctuation and a character CommonMark ends no emphasis: `**词。**词` shows stars."""
    for text in texts("zh"):
        for _, words, following in re.findall(r"(\*+)(.+?)\1(.?)", text):
            assert not (re.match(r"\W", words[-1]) and re.match(r"\w", following)), words


# Worked by hand


@each_language
def test_the_numbers_in_the_text_follow_from_its_images_and_weights(language):
    text = "\n".join(texts(language))
    matrices = {}
    for name, rows in MATRIX.findall(text):
        numbers = [[float(number) for number in row.split("&")] for row in rows.split(r"\\")]
        matrices[name] = torch.tensor(numbers, dtype=torch.float64)
    X, W = matrices.pop(r"$$\mathbf{X}"), matrices.pop(r"\mathbf{W}")
    y, b = torch.tensor([0, 1, 2]), torch.zeros(1, 3, dtype=torch.float64)
    error = scratch.softmax(X @ W) - torch.eye(3)
    dW, db = X.T @ error / 3, error.mean(dim=0, keepdim=True)
    after = scratch.softmax(X @ (W - dW) + b - db)
    computed = {
        r"\mathbf{O}": X @ W,
        r"$$\hat{\mathbf{Y}}": scratch.softmax(X @ W),
        r"\mathbf{Y}": error,
        r"\mathbf{W}}": dW,
        r"\mathbf{b}}": db,
        r"$$\mathbf{W}'": W - dW,
        r"\hat{\mathbf{Y}}'": after,
    }
    assert set(matrices) == set(computed)
    for name, matrix in computed.items():
        torch.testing.assert_close(matrices[name], matrix, rtol=0, atol=0.5e-4, msg=name)
    losses = -scratch.softmax(X @ W).diagonal().log()
    said = [*losses.tolist(), float(losses.mean()), float(scratch.cross_entropy(after, y))]
    assert all(f"${loss:.4f}$" in text or f" = {loss:.4f}$" in text for loss in said)


# What is built


@each_language
def test_the_stored_notebook_is_what_the_source_gives(language):
    built, stored = build.notebook_in(language), STORED[language]
    nbformat.validate(stored)
    expected, found = (
        [(cell.id, cell.cell_type, cell.source) for cell in notebook.cells]
        for notebook in (built, stored)
    )
    assert found == expected, "run `make notebook`"
    assert stored.metadata.kernelspec == built.metadata.kernelspec
    assert stored.metadata.language_info.name == "python"


@each_language
def test_the_stored_notebook_ran_from_top_to_bottom_without_errors_or_warnings(language):
    cells = [cell for cell in STORED[language].cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = list(itertools.chain.from_iterable(cell.outputs for cell in cells))
    assert {output.output_type for output in outputs} <= {"stream", "execute_result"}
    assert all(output.get("name") != "stderr" for output in outputs)
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 12
    assert build.NOTEBOOKS[language].stat().st_size < 1.5e6


@each_language
def test_every_figure_is_followed_by_what_one_sees(language):
    said = {"en": "*What one sees:*", "zh": "*图中可见*："}[language]
    cells = STORED[language].cells
    for cell, following in itertools.pairwise(cells):
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", ())):
            assert following.source.startswith(said)


@each_language
def test_exercises_stand_where_the_source_marks_them(language):
    sources = [cell.source for cell in STORED[language].cells]
    for section in range(1, 10):
        first, *_ = exercises = texts_of(section, language)
        place = sources.index(first)
        assert sources[place - 1] == {"en": "### Exercises", "zh": "### 练习"}[language]
        assert sources[place : place + len(exercises)] == exercises


# Figures in Chinese


def is_print(node):
    """Return True for a call of print and for a docstring."""
    call = isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
    return call or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def texts_in(node):
    """Yield the texts in code as they are written, f-strings whole, but for what is printed."""
    if isinstance(node, ast.JoinedStr | ast.Constant):
        yield node
    elif not is_print(node):
        for child in ast.iter_child_nodes(node):
            yield from texts_in(child)


def texts_of_figures():
    """Return the texts between quotes in the source's code, but for what is printed."""
    for cell in SOURCE.cells:
        if cell.cell_type == "code":
            code = re.sub("^%", "#", cell.source, flags=re.MULTILINE)
            for node in texts_in(ast.parse(code)):
                written = ast.get_source_segment(code, node)
                yield from re.findall(r'^f?"(.*)"$', written)


SAME_IN_CHINESE = {
    *("T = {T:g}", "{name}: {limit:.2f}"),
    *("X.sum(0, keepdim=True)", "X.sum(1, keepdim=True)"),
    "X / X.sum(1, keepdim=True)",
    *("center left", "lower right", "upper left"),  # places
    *("this loader", "the book's way"),  # printed
}


def test_every_text_of_the_figures_has_its_chinese():
    found = {text for text in texts_of_figures() if " " in text}
    assert found <= chinese().keys() | SAME_IN_CHINESE
    for text in found - SAME_IN_CHINESE:
        assert re.findall(r"\{.+?\}", text) == re.findall(r"\{.+?\}", chinese()[text])


def test_only_whole_texts_are_translated_and_only_in_chinese():
    code = 'axes.set(xlabel="class", title="class of its own")'
    assert build.code_in(code, "en") == code
    assert build.code_in(code, "zh") == 'axes.set(xlabel="类别", title="class of its own")'
