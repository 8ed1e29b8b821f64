"""The documents: their links, commands, options, examples and translations.

`make docs` builds them with Sphinx, which checks their syntax and the API.
"""

import functools
import re
import sys
from pathlib import Path

import matplotlib as mpl
import pytest

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
TRANSLATED = ["index", "install", "training", "data", "book", "agreement"]
OF_OTHERS = {  # options of torchrun, Slurm and pytest
    *("--nproc-per-node", "--nnodes", "--max-restarts", "--rdzv-backend", "--rdzv-endpoint"),
    *("--rdzv-id", "--nodes", "--ntasks-per-node", "--cpus-per-task", "--lf"),
}


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


@pytest.mark.parametrize(
    ("page", "files"),
    [("training", "model.pt model.json"), ("book", "predictions.png curves.png")],
)
def test_examples_run(page, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mpl.use("agg")
    blocks = code_blocks(f"docs/{page}.md", "python")
    assert len(blocks) == 2
    for block in blocks:
        exec(block, {"__name__": "__main__"})
    assert set(files.split()) <= {path.name for path in tmp_path.iterdir()}
    d2l_softmax.plt.close("all")


@pytest.mark.parametrize("page", TRANSLATED)
def test_both_languages_have_the_same_structure(page):
    english, chinese = f"docs/{page}.md", f"docs/zh/{page}.md"
    for language in ("bash", "powershell", "python", ""):
        assert code_blocks(english, language) == code_blocks(chinese, language)
    for pattern in (r"^#+ ", r"^\|[-:|]+\|$", r"^(?:- |\d\. )"):
        found = [re.findall(pattern, without_code(read(name)), re.M) for name in (english, chinese)]
        assert len(found[0]) == len(found[1]), pattern
    images = [re.findall(r"!\[.+?\]\((?:\.\./)?(.+?)\)", read(name)) for name in (english, chinese)]
    assert images[0] == images[1]
