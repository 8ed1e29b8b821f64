"""Odd names, numbers and sizes in users' data and options: a right result or one line."""

import contextlib
import csv
import importlib.util
import io
import os
import re
import struct
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TWINS, write_arrays, write_grays, write_pictures
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from d2l_softmax import __main__ as d2l_main
from d2l_softmax.commands import cli
from d2l_softmax.commands import train as training_command
from d2l_softmax.data.custom import load_data
from d2l_softmax.data.names import split_of
from d2l_softmax.description import Description, load_description, save_description
from d2l_softmax.errors import DatasetError, UserError
from d2l_softmax.figures.evaluation import draw_confusion
from d2l_softmax.figures.style import as_png, chinese_font, default_style, drawable, new_figure
from d2l_softmax.io import escape_controls, write_csv
from d2l_softmax.pages.page import as_svg
from d2l_softmax.training.evaluation import Evaluation

ODD_NAMES = {
    "empty formula": "$$",
    "wrong formula": "${$",
    "unknown command": r"$\frac{$",
    "a price": "$5",
    "emoji": "\U0001f9a5",
    "escape sequence": "\x1b[31mred",
    "bell": "\a",
    "NUL": "a\0b",
    "tab": "a\tb",
    "private use": "\ue000",
    "Chinese": "猫",
    "byte that is no UTF-8": "caf\udce9",
    "a spreadsheet's formula": "=cmd|' /C calc'!A0",
}


def write_features(folder, n=40, q=2, names=(), n_test=10):
    """Write features of q classes as .npy files, and classes.txt; return the folder."""
    X, y = np.random.default_rng(0).normal(size=(n, 5)), np.arange(n) % q
    return write_arrays(folder, (X, y), (X[:n_test], y[:n_test]) if n_test else (), names)


def run(command, *arguments):
    """Run a command of d2l_softmax, or train a twin; return the status, also of wrong usage."""
    try:
        if command in TWINS:
            argv = ["--epochs=1", "--device=cpu", *map(str, arguments)]
            return training_command.main(TWINS[command], command, argv)
        return d2l_main.main([command, *map(str, arguments)])
    except SystemExit as end:
        return end.code


# Files of users


OUTPUTS = {  # directories for output, and the path of --dataset
    "the same": ("data", "data"),
    "a link to it": ("link", "data"),
    "that of a file": ("data", "data/history.csv"),
    "a split": ("data/one", "data"),
    "a class": ("data/one/rose", "data"),
    "a new folder beside classes": ("data/runs/scratch", "data"),
}


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        *(("scratch", kind) for kind in OUTPUTS),
        *((each, "the same") for each in ("compare", "sweep", "learning-curve")),
        *((each, "the same") for each in ("figures", "predict")),
    ],
)
def test_no_output_directory_is_in_the_data(command, kind, tmp_path, capsys):
    """The user's history.csv would be replaced, and figures would become images of a class."""
    folder = write_features(tmp_path / "data", names=["cat", "dog"])
    (folder / "history.csv").write_text("mine")
    (folder / "one" / "rose").mkdir(parents=True)
    (tmp_path / "link").symlink_to(folder)
    output, dataset = (tmp_path / each for each in OUTPUTS[kind])
    model = tmp_path / "run" / "model.pt"
    if command in ("figures", "predict"):
        assert run("scratch", f"--dataset={folder}", f"--output-dir={model.parent}") == 0
    before = {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}
    arguments = {"figures": [model], "predict": [f"--model={model}", "--index=0"]}.get(command, [])
    capsys.readouterr()
    assert run(command, *arguments, f"--dataset={dataset}", f"--output-dir={output}") == 1
    assert re.fullmatch(".*another directory with --output-dir\n", capsys.readouterr().err)
    assert before == {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}


def test_output_beside_the_data_and_how_they_were_interpreted(tmp_path, monkeypatch, capsys):
    rows = "".join(f"{i},{'ab'[i % 2]}\n" for i in range(20))
    (tmp_path / "table.csv").write_text(f"size,kind\n{rows}")
    monkeypatch.chdir(tmp_path)
    assert run("scratch", "--dataset=table.csv") == 0
    assert "'kind' taken as the labels" in capsys.readouterr().out
    assert (tmp_path / "runs" / "scratch" / "model.pt").exists()


def test_drawing_of_a_picture_with_a_long_name(tmp_path):
    folder = write_pictures(tmp_path / "data", n=3)
    assert run("scratch", f"--dataset={folder}", f"--output-dir={tmp_path / 'run'}") == 0
    (tmp_path / "pictures").mkdir()
    picture = Image.fromarray(np.arange(24, dtype=np.uint8).reshape(4, 6) * 10)
    for stem in ("猫" * 76, "猫" * 75 + "a", "b" * 240, "short", os.fsdecode(b"\xe9" * 240)):
        picture.save(tmp_path / "pictures" / f"{stem}.png")
    model, output = f"--model={tmp_path / 'run' / 'model.pt'}", f"--output-dir={tmp_path / 'out'}"
    assert run("predict", tmp_path / "pictures", model, output) == 0
    assert len(list((tmp_path / "out").glob("*.png"))) == 5
    assert "short-prediction.png" in os.listdir(tmp_path / "out")


# Names in figures


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ODD_NAMES.values(), ids=ODD_NAMES)
def test_names_are_drawn_as_they_are_without_warnings(name):
    y = torch.tensor([0, 1, 1])
    evaluation = Evaluation(torch.tensor([[0.6, 0.4], [0.3, 0.7], [0.8, 0.2]]), y, (name, "$10"))
    with default_style():
        figure = draw_confusion(evaluation)
        drawn = [label.get_text() for label in figure.axes[0].get_xticklabels()]
        assert as_png(figure)
        assert "<svg" in as_svg(figure, "salt")
    assert drawn[1] == "$10"
    if name.isascii() and name.isprintable():
        assert drawn[0] == (name if len(name) <= 16 else f"{name[:15]}…")
    else:
        assert drawn[0] == name if name == "猫" and chinese_font() else "\ufffd" in drawn[0]


@given(st.text(max_size=12))
def test_any_text_is_drawn_without_warnings(name):
    with default_style(), warnings.catch_warnings():
        warnings.simplefilter("error")
        figure, (axes,) = new_figure(2, 2)
        axes.set_title(drawable(name))
        assert as_png(figure)


def test_a_training_with_odd_names_ends_as_any_other(tmp_path, recwarn, capsys):
    """Files name the classes as the user does; printed lines have no control characters."""
    names = [n for n in ODD_NAMES.values() if n.isprintable() or n == ODD_NAMES["private use"]]
    q = len(names)
    folder = write_features(tmp_path / os.fsdecode(b"caf\xe9"), 20 * q, q, names, n_test=2 * q)
    assert run("scratch", f"--dataset={folder}", f"--output-dir={tmp_path / 'run'}") == 0
    assert not capsys.readouterr().err
    assert not list(recwarn)
    model = tmp_path / "run" / "model.pt"
    assert load_description(model) == Description(folder.name, tuple(names), (5,), None, None)
    assert run("evaluate", model, f"--dataset={folder}") == 0
    assert "\\ue000" in capsys.readouterr().out
    for suffix, package in (("onnx", "onnxruntime"), ("safetensors", "safetensors")):
        if importlib.util.find_spec(package):
            exported = tmp_path / f"model.{suffix}"
            assert run("export", model, exported) == 0
            assert rb"caf\udce9" in exported.read_bytes().replace(rb"\\", b"\\")
    with open(tmp_path / "run" / "scores.csv", encoding="utf-8", newline="") as file:
        first = [row[0] for row in csv.reader(file)][1:]
    assert first == names


@given(st.lists(st.text(), min_size=2, unique=True))
def test_any_names_survive_in_model_json(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("model") / "model.pt"
    description = Description("\udce9", tuple(names), (5,), None, None)
    save_description(path, description)
    assert load_description(path) == description


# Tables and messages


@given(st.lists(st.text(st.characters(exclude_characters="\0\r")), min_size=1))
@example(["=1+1", "-foo.jpg", "+1", "@SUM(1)", "\t=1"])  # a file's name stays what it is
def test_any_texts_are_a_row_of_a_table(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    write_csv(path, texts, [texts])
    texts = [text.encode("utf-8", "backslashreplace").decode() for text in texts]
    with open(path, encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [texts] * 2


@given(st.text())
def test_escaped_texts_are_one_printable_line(text):
    escaped = escape_controls(text)
    assert escaped.isprintable()
    assert escaped == text or not text.isprintable()


@pytest.mark.parametrize("problem", ["9" * 5000, "name\n" * 40, "\x1b[2J" * 90])
def test_messages_are_one_line(problem, capsys):
    def fail():
        raise UserError(f"{problem} can't be read;", "choose another {dataset}")

    assert cli.exit_status("program", fail) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable()
    assert line.endswith("choose another --dataset")


# Options


@pytest.mark.parametrize("size", ["30000", "28x2049", "2147483648", "9" * 6000, "0", "²"])
def test_sizes_beyond_the_bound_are_wrong_usage(size, capsys):
    assert run("scratch", f"--resize={size}") == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("size", [2049, (28, 2049), 10**20])
def test_the_bound_of_sizes_in_python(size, tmp_path):
    with pytest.raises(ValueError, match="1 to 2,048"):
        load_data(write_features(tmp_path), 8, size)


# Data


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_8000_classes_of_two_examples_need_less_than_1500_megabytes(tmp_path):
    folder = write_features(tmp_path / "data", 16_000, 8_000, n_test=0)
    arguments = [f"--dataset={folder}", f"--output-dir={tmp_path / 'run'}", "--epochs=1"]
    code = (
        "import scratch\n"
        "from pathlib import Path\n"
        "from d2l_softmax.commands.train import main\n"
        f"status = main(scratch, 'scratch', {arguments!r})\n"
        # not getrusage, which counts what the parent process had before exec
        "print(status, Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True
    )
    status, kilobytes = map(int, done.stdout.splitlines()[-1].split())
    assert status == 0
    assert kilobytes < 1_500_000
    assert not (tmp_path / "run" / "confusion.png").exists()


@pytest.mark.parametrize("function", ["iterdir", "exists"])
def test_a_folder_that_may_not_be_read(function, tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, function, refuse)
    with pytest.raises(DatasetError, match="Permission denied"):
        load_data(tmp_path / "data" if function == "exists" else write_features(tmp_path), 8)


# Any bytes, any names


def in_memory(write, *arguments, **options):
    file = io.BytesIO()
    write(file, *arguments, **options)
    return file.getvalue()


def idx(*shape, content):
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + content


FILES = {
    "X.npy": in_memory(np.save, np.zeros((40, 3))),
    "data.npz": in_memory(np.savez, X=np.zeros((40, 3)), y=np.arange(40) % 2),
    "train-images-idx3-ubyte": idx(40, 1, 3, content=bytes(120)),
    "data.csv": b"a,b,label\n" + b"1,2,0\n3,4,1\n" * 20,
    "labels.csv": b"file,label\nrose/0.png,a\nrose/1.png,b\n",
    "rose/0.png": in_memory(Image.new("L", (8, 6), 100).save, "png"),
    "classes.txt": b"cat\ndog\n",
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", FILES)
@given(start=st.integers(0, 200), new=st.binary(max_size=40), insert=st.booleans())
def test_any_bytes_in_a_header_are_read_or_refused(tmp_path_factory, name, start, new, insert):
    folder = tmp_path_factory.mktemp("any")
    if name in ("labels.csv", "rose/0.png"):
        write_grays(folder / "rose", 0, 2)
        write_grays(folder / "daisy", 30, 2)
    elif name != "data.npz":
        np.save(folder / "y.npy", np.arange(40) % 2)
        labels = idx(40, content=bytes([0, 1] * 20))
        (folder / "train-labels-idx1-ubyte").write_bytes(labels)
        if name == "classes.txt":
            (folder / "X.npy").write_bytes(FILES["X.npy"])
    right = FILES[name]
    start = min(start, len(right))
    (folder / name).write_bytes(right[:start] + new + right[start + (0 if insert else len(new)) :])
    with contextlib.suppress(UserError):
        train_iter, _ = load_data(folder, 8)
        assert len(next(iter(train_iter))[1])


file_names = (
    st.binary(min_size=1, max_size=60)
    .map(os.fsdecode)
    .filter(lambda name: not set(name) & {"/", "\0"} and name[0] != "." and not split_of(name))
)


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes")
@given(
    names=st.lists(file_names, min_size=2, max_size=4, unique=True),
    file=file_names.filter(lambda name: name != "1"),
)
@example(
    names=[*("a\nb", "a\u2028b", "a\x85b", " ", "\u3000", " x", r"$\frac{$", "a\udcff")],
    file="a\nb",
)
def test_any_names_of_folders_and_files(tmp_path_factory, names, file):
    folder = tmp_path_factory.mktemp("any")
    for k, name in enumerate(names):
        write_grays(folder / name, 30 * k, 2)
    (folder / names[0] / "0.png").rename(folder / names[0] / f"{file}.png")
    places = [names.index(name) for name in sorted(names)]
    for _ in range(2):  # decoded, then cached
        train_iter, test_iter = load_data(folder, 8)
        assert list(train_iter.dataset.classes) == sorted(names)
        assert len(train_iter.dataset) + len(test_iter.dataset) == 2 * len(names)
        for X, y in train_iter:
            assert ((X[:, 0, 0, 0] * 255).round() // 30).tolist() == [places[k] for k in y]
