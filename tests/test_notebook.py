"""The notebooks: both languages say the same, and what is stored is what is built and ran."""

import importlib.metadata
import itertools
import re
import subprocess
import sys
from collections import Counter

import nbformat
import pytest
import torch

import scratch
from d2l_softmax.i18n import LANGUAGES
from notebooks import build

SOURCES = {name: build.source_of(name).cells for name in build.NAMES}
FORMULA = r"\$\$.+?\$\$|\$.+?\$"
MATRIX = re.compile(r"(\S+) = \\begin\{bmatrix\}(.+?)\\end\{bmatrix\}")
PREDICT = {"en": "**Predict first.**", "zh": "**先猜一猜**："}
EXPERIMENT = {"en": "**Experiment.**", "zh": "**实验**："}
each_source = pytest.mark.parametrize("name", build.NAMES)
each_language = pytest.mark.parametrize("language", LANGUAGES)


def texts(name, language):
    """Return a source's Markdown in a language, cell by cell."""
    cells = [cell for cell in SOURCES[name] if cell.cell_type == "markdown"]
    return [cell.source for cell in cells if cell.metadata.get("lang") == language]


# Texts


@each_source
def test_both_languages_have_the_same_cells_headings_formulas_names_and_links(name):
    marked = [cell.metadata.get("lang") for cell in SOURCES[name] if cell.cell_type == "markdown"]
    assert [lang for lang in marked if lang] == ["en", "zh"] * len(texts(name, "en"))
    for english, chinese in zip(texts(name, "en"), texts(name, "zh"), strict=True):
        chinese = chinese.replace(".zh-CN.ipynb", ".ipynb")
        for pattern in (r"^#+ \d?", FORMULA, r"`.+?`", r"\]\(.+?\)", "★+"):
            found = [Counter(re.findall(pattern, each, re.M)) for each in (english, chinese)]
            assert found[0] == found[1]


@each_source
def test_emphasis_in_chinese_is_seen_by_markdown(name):
    # between punctuation and a character CommonMark ends no emphasis: `**词。**词` shows stars
    for text in texts(name, "zh"):
        for _, words, following in re.findall(r"(\*+)(.+?)\1(.?)", text):
            assert not (re.match(r"\W", words[-1]) and re.match(r"\w", following)), words


@each_language
def test_the_numbers_in_the_text_follow_from_its_images_and_weights(language):
    text = "\n".join(itertools.chain.from_iterable(texts(name, language) for name in build.NAMES))
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


# What is stored


@each_source
@each_language
def test_the_stored_notebook_is_what_the_source_gives_and_ran_from_top_to_bottom(name, language):
    path = build.NOTEBOOKS[name, language]
    built, stored = build.notebook_in(name, language), nbformat.read(path, 4)
    nbformat.validate(stored)
    expected, found = (
        [(cell.id, cell.cell_type, cell.source) for cell in notebook.cells]
        for notebook in (built, stored)
    )
    assert found == expected, "run `make notebook`"
    cells = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = list(itertools.chain.from_iterable(cell.outputs for cell in cells))
    assert {output.output_type for output in outputs} <= {"stream", "execute_result"}
    assert all(output.get("name") != "stderr" for output in outputs)
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 2
    assert path.stat().st_size < 1e6


# The first cell

FIRST_CELL = build.FOLDER / "first_cell.py"


@pytest.mark.parametrize("installed", [True, False])
def test_the_first_cell_finds_the_project_and_installs_what_is_missing(installed, monkeypatch):
    def version(package):
        if package == "d2l_softmax" and not installed:
            raise importlib.metadata.PackageNotFoundError(package)
        return "9.9"

    commands = []
    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setattr(subprocess, "run", lambda command, check: commands.append(command[2:]))
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.chdir(build.FOLDER)
    exec(compile(FIRST_CELL.read_text("utf-8"), "first_cell.py", "exec"), {})
    root = str(build.FOLDER.parent)
    assert sys.path == [root]
    expected = ["pip", "install", "--quiet", "-e", root, "torch==9.9"]
    assert commands == ([] if installed else [expected])
