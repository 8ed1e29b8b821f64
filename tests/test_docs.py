"""Every code block of both READMEs and every example in a docstring is run; see test_site."""

import doctest
import functools
import importlib
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib as mpl
import pytest
from conftest import write_pictures

import concise
import d2l_softmax
import scratch
from d2l_softmax import __main__ as d2l_main
from d2l_softmax.data.fashion_mnist import CLASSES

ROOT = Path(__file__).parents[1]
READMES = ["README.md", "README.zh-CN.md"]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EPOCH = re.compile(
    r"epoch +(\d+) +train loss ([\d.]+) +train acc ([\d.]+) +test loss ([\d.]+) +test acc ([\d.]+)"
)


def blocks(readme, language):
    """Return the code blocks of a language ("" for output) in the order of the text."""
    found = BLOCK.findall((ROOT / readme).read_text(encoding="utf-8"))
    return [block for name, block in found if name == language]


@functools.cache  # what both READMEs have in common runs once
def outputs_of(commands):
    """Run shell commands one after the other in a folder like a fresh clone; {command: output}.

    This Python's environment takes the place of .venv, which make would set up first.
    """
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        clone.mkdir()
        for path in ROOT.iterdir():
            if path.name not in (".git", ".venv", "runs", "build", "dist"):
                (clone / path.name).symlink_to(path)
        binaries = Path(sys.executable).parent
        stamps = " ".join(f"-o .venv/.installed{part}" for part in ("", "-test", "-dev"))
        make = Path(folder) / "make"
        make.write_text(
            f'#!/bin/sh\nexec "{shutil.which("make")}" {stamps} BIN="{binaries}" "$@"\n',
            encoding="utf-8",
        )
        make.chmod(0o755)
        path = os.pathsep.join([folder, os.environ["PATH"]])
        outputs = {}
        write_pictures(Path(clone) / "flowers")  # the reader's own
        for command in commands:
            done = subprocess.run(
                command,
                shell=True,
                cwd=clone,
                env={**os.environ, "PATH": path},
                capture_output=True,
                encoding="utf-8",
            )
            assert done.returncode == 0, (command, done.stderr)
            outputs[command] = done.stdout
    return outputs


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
@pytest.mark.parametrize("readme", READMES)
@pytest.mark.usefixtures("real_data")
def test_commands_print_what_the_readme_says(readme):
    commands = [line for block in blocks(readme, "bash") for line in block.splitlines()]
    assert commands[0] == "make train-scratch"
    outputs = outputs_of(tuple(command for command in commands if command != "make test"))
    (printed,) = blocks(readme, "")
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


def test_python_blocks_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mpl.use("agg")
    found = blocks(READMES[0], "python")  # the other README has the same, see below
    assert len(found) == 2
    for block in found:
        exec(block, {"__name__": "__main__"})
    assert (tmp_path / "curves.png").exists()
    d2l_softmax.plt.close("all")


def test_python_blocks_on_your_own_data_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_pictures(tmp_path / "flowers", [(28, 28)], ["RGB"], ("daisy", "rose", "tulip"), n=20)
    names = {"__name__": "__main__"}
    for block in blocks("docs/data.md", "python"):
        exec(block, names)
    epoch, valid_acc, test_acc = map(float, capsys.readouterr().out.split())
    assert 1 <= epoch <= 100
    assert 0 <= valid_acc <= 1 >= test_acc >= 0
    assert d2l_softmax.load_model("flowers.pt").classes == ("daisy", "rose", "tulip")
    assert names["dataset"].shape == (3, 28, 28)
    assert names["train_iter"].dataset.classes == ("0", "1")


@pytest.mark.slow
@pytest.mark.usefixtures("real_data")
def test_the_comparison_is_the_one_in_the_document(tmp_path, capsys):
    printed = blocks("docs/agreement.md", "")[0]
    argv = ["compare", "--dtype=float64", "--epochs=2", f"--output-dir={tmp_path}"]
    assert d2l_main.main([*argv, "--device=cpu"]) == 0
    measured = capsys.readouterr().out.splitlines()[1:4]
    claimed = printed.splitlines()[:3]
    assert measured[0] == claimed[0]
    for one, other in zip(measured[1:], claimed[1:], strict=True):
        assert one.split()[:5] == other.split()[:5]


def test_readmes_are_in_step():
    english, chinese = texts = [(ROOT / readme).read_text(encoding="utf-8") for readme in READMES]
    for pattern in (r"!\[.*?\]\((.*?)\)", r"(\d\.\d{4} ± \d\.\d{4}) ", r"(\d\.\d{3} s)"):
        found = re.findall(pattern, english, re.MULTILINE)
        assert found
        assert found == re.findall(pattern, chinese, re.MULTILINE)
    for language in ("bash", "", "python"):
        assert blocks(READMES[0], language) == blocks(READMES[1], language)
    assert english.count("\n## ") == chinese.count("\n## ")
    for text in texts:
        assert text.count("\n") <= 150
        assert [name for k, name in enumerate(CLASSES) if f"{k} {name}" not in text] == []


def modules():
    """Return the names of all modules of the three packages."""
    for package in (d2l_softmax, scratch, concise):
        yield package.__name__
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield module.name


def test_docstring_examples():
    attempted = 0
    for name in modules():
        results = doctest.testmod(importlib.import_module(name))
        assert results.failed == 0, name
        attempted += results.attempted
    assert attempted >= 8
