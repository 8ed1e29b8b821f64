"""The documents: their links, commands, options, examples and translations.

Every code block of the README and every example in a docstring is run. `make docs` builds the
documents with Sphinx, which checks their syntax and the API.
"""

import doctest
import functools
import importlib
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import write_pictures

import concise
import d2l_softmax
import scratch
from benchmarks import __main__ as benchmarks_main
from d2l_softmax import __main__ as d2l_main
from d2l_softmax.commands import train
from notebooks.exercises import __main__ as exercises_main

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/*.md", "notebooks/*.md")
    for path in sorted(ROOT.glob(pattern))
]
TRANSLATED = {"README.md": "README.zh-CN.md"} | {
    f"docs/{page}.md": f"docs/zh/{page}.md"
    for page in ("index", "install", "training", "data", "book", "agreement")
}
OF_OTHERS = {  # options of torchrun, Slurm and pytest
    *("--nproc-per-node", "--nnodes", "--max-restarts", "--rdzv-backend", "--rdzv-endpoint"),
    *("--rdzv-id", "--nodes", "--ntasks-per-node", "--cpus-per-task", "--lf"),
}
EPOCH = re.compile(
    r"epoch +(\d+) +train loss ([\d.]+) +train acc ([\d.]+) +test loss ([\d.]+) +test acc ([\d.]+)"
)


def read(document):
    """Return the text of a document."""
    return (ROOT / document).read_text(encoding="utf-8")


def without_code(text):
    """Return a Markdown text without blocks and spans of code."""
    return re.sub(r"`[^`\n]+`", "`code`", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))


def code_blocks(document, language):
    """Return the code blocks of a language, "" for plain ones."""
    found = re.findall(r"^```(.*?)\n(.*?)^```$", read(document), re.M | re.S)
    return [block for name, block in found if name == language]


@functools.cache
def anchors(path):
    """Return the anchors that code hosts and MyST give to the headings of a document."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_relative_links_lead_to_files_and_headings(document):
    text = without_code(read(document))
    links = re.findall(r"\]\(([^)\s]+)\)|(?:href|src)=\"([^\"]+)\"", text)
    for link in filter(None, (each for pair in links for each in pair)):
        if "://" in link or link.startswith("../../actions/"):  # pages of the code's host
            continue
        target, _, anchor = link.partition("#")
        path = (ROOT / document).parent / target if target else ROOT / document
        assert path.exists(), link
        assert not anchor or anchor in anchors(path), link


def test_the_version_and_its_date_are_the_same_everywhere():
    newest = re.search(r"^## (\S+) \((\S+)\)$", read("CHANGELOG.md"), re.M).groups()
    cited = re.findall(r"^(?:version|date-released): (.*)$", read("CITATION.cff"), re.M)
    assert (d2l_softmax.__version__, cited) == (newest[0], list(newest))


def test_commands_and_options_exist(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--help"])
    helps = [benchmarks_main.main, lambda: train.main(scratch, "scratch", ["--help"])]
    helps.append(lambda: exercises_main.main(["check", "--help"]))
    for command in d2l_main.COMMANDS:
        helps.append(functools.partial(d2l_main.main, [command.name, "--help"]))
    for print_help in helps:
        with pytest.raises(SystemExit):
            print_help()
    options = set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out)) | OF_OTHERS
    targets = set(re.search(r"^\.PHONY: (.*)$", read("Makefile"), re.M)[1].split())
    commands = {command.name for command in d2l_main.COMMANDS}
    for document in DOCUMENTS:
        if document == "CHANGELOG.md":  # has what was removed
            continue
        code = " ".join(re.findall(r"`[^`\n]+`", read(document)))
        for language in ("bash", "powershell", ""):
            code += "".join(code_blocks(document, language))
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", code)) <= options, document
        assert set(re.findall(r"\bmake ([a-z-]+)", code)) <= targets, document
        called = re.findall(r"(?:-m d2l_softmax|d2l-softmax) ([a-z][a-z-]*)", code)
        assert set(called) <= commands, document


# Translations


@pytest.mark.parametrize("english", TRANSLATED)
def test_both_languages_have_the_same_structure(english):
    chinese = TRANSLATED[english]
    for language in ("bash", "powershell", "python", ""):
        assert code_blocks(english, language) == code_blocks(chinese, language)
    for pattern in (r"^#+ ", r"^\|[-:|]+\|$", r"^(?:- |\d\. )"):
        found = [re.findall(pattern, without_code(read(name)), re.M) for name in (english, chinese)]
        assert found[0] == found[1]
    images, results = r"!\[.*?\]\((?:\.\./)?(.+?)\)", r"\d\.\d{4} ± \d\.\d{4}|\d\.\d{3} s"
    for pattern in (images, results):
        found = [re.findall(pattern, read(name)) for name in (english, chinese)]
        assert found[0] == found[1]
        assert found[0] or english != "README.md"


# Examples


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
@pytest.mark.usefixtures("real_data")
def test_commands_print_what_the_readme_says(tmp_path):
    """They run one after the other in a folder like a fresh clone.

    This Python's environment takes the place of .venv, which make would set up first.
    """
    clone = tmp_path / "clone"
    clone.mkdir()
    for path in ROOT.iterdir():
        if path.name not in (".git", ".venv", "runs", "build", "dist"):
            (clone / path.name).symlink_to(path)
    write_pictures(clone / "flowers")  # the reader's own
    stamps = " ".join(f"-o .venv/.installed{part}" for part in ("", "-test", "-dev"))
    make, binaries = tmp_path / "make", Path(sys.executable).parent
    script = f'#!/bin/sh\nexec "{shutil.which("make")}" {stamps} BIN="{binaries}" "$@"\n'
    make.write_text(script, encoding="utf-8")
    make.chmod(0o755)
    environment = {**os.environ, "PATH": os.pathsep.join([str(tmp_path), os.environ["PATH"]])}
    outputs = {}
    for command in "".join(code_blocks("README.md", "bash")).splitlines():
        if command != "make test":
            how = {"shell": True, "cwd": clone, "env": environment}
            done = subprocess.run(command, capture_output=True, encoding="utf-8", **how)
            assert done.returncode == 0, (command, done.stderr)
            outputs[command] = done.stdout

    (printed,) = code_blocks("README.md", "")
    claimed = {int(epoch): numbers for epoch, *numbers in EPOCH.findall(printed)}
    assert list(claimed) == [1, 2, 10]
    for command in ("make train-scratch", "make train-concise"):
        measured = {int(epoch): numbers for epoch, *numbers in EPOCH.findall(outputs[command])}
        assert list(measured) == list(range(1, 11))
        for epoch, numbers in claimed.items():
            # Another machine may round differently; 2e-4 is the last digit, or two test images.
            expected = pytest.approx([float(n) for n in numbers], abs=2e-4)
            assert [float(n) for n in measured[epoch]] == expected
    assert "ankle-boot.png: ankle boot" in outputs["make predict IMAGE=docs/ankle-boot.png"]
    # The sample is what the program prints, but for numbers and the path of the data.
    sample, output = (
        [re.sub(r"[\d.,]+", "0", re.sub(r"from \S+;", "from PATH;", line)) for line in lines]
        for lines in (printed.splitlines(), outputs["make train-scratch"].splitlines())
    )
    sample.remove("…")
    rest = iter(output)
    assert [line for line in sample if line not in rest] == []  # all of them, in this order


@pytest.mark.usefixtures("off_screen")
@pytest.mark.parametrize(
    ("document", "file"),
    [("README.md", "curves.png"), ("docs/training.md", "model.pt"), ("docs/book.md", "curves.png")],
)
def test_examples_run(document, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = code_blocks(document, "python")
    assert len(blocks) == 2
    for block in blocks:
        exec(block, {"__name__": "__main__"})
    assert (tmp_path / file).exists()


def test_examples_on_your_own_data_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_pictures(tmp_path / "flowers", [(28, 28)], ["RGB"], ("daisy", "rose", "tulip"), n=20)
    names = {"__name__": "__main__"}
    for block in code_blocks("docs/data.md", "python"):
        exec(block, names)
    epoch, valid_acc, test_acc = map(float, capsys.readouterr().out.split())
    assert 1 <= epoch <= 100
    assert 0 <= valid_acc <= 1 >= test_acc >= 0
    assert d2l_softmax.load_model("flowers.pt").classes == ("daisy", "rose", "tulip")
    assert names["dataset"].shape == (3, 28, 28)
    assert names["train_iter"].dataset.classes == ("0", "1")


def test_docstring_examples():
    attempted = 0
    for package in (d2l_softmax, scratch, concise):
        modules = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        for name in (package.__name__, *(module.name for module in modules)):
            results = doctest.testmod(importlib.import_module(name))
            assert results.failed == 0, name
            attempted += results.attempted
    assert attempted >= 8
