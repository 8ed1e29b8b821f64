"""Atomic writes, locks, and model files of any dtype and device."""

import math
import os
import pathlib
import re
import zipfile

import pytest
import torch
from conftest import load_history, load_parameters
from matplotlib.figure import Figure

import scratch
from d2l_softmax import io
from d2l_softmax.figures.style import save_figure
from d2l_softmax.io import OutputError, locked, prepare_directory, write_atomically, write_json
from d2l_softmax.models import ModelFileError, save_parameters
from d2l_softmax.training.fit import EpochRecord, save_history

WRITERS = {
    "model": lambda path: save_parameters(path, scratch.SoftmaxRegression()),
    "history": lambda path: save_history(path, [EpochRecord(1, 0.5, 0.6, 0.7, 0.9, 0.8)]),
    "figure": lambda path: save_figure(path, Figure()),
    "json": lambda path: write_json(path, {"a": 1}),
    "bytes": lambda path: write_atomically(path, b"new"),
}


# Writing


@pytest.mark.parametrize("what", WRITERS)
def test_a_full_disk_leaves_the_old_file_and_nothing_else(what, tmp_path, monkeypatch):
    def full(number):
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="file: No space left on device"):
        WRITERS[what](path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_content_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    events = []

    def replace(path, target):
        events.append(f"renamed to {target.name}")
        return rename(path, target)

    rename = pathlib.Path.replace
    monkeypatch.setattr(os, "fsync", lambda number: events.append(os.fstat(number).st_size))
    monkeypatch.setattr(pathlib.Path, "replace", replace)
    write_atomically(tmp_path / "file", b"content")
    assert events == [7, "renamed to file"]
    assert (tmp_path / "file").read_bytes() == b"content"


def test_a_history_is_read_back_digit_by_digit(tmp_path):
    history = [
        EpochRecord(1, 1 / 3, 2 / 3, 0.1, 0.2, math.pi),
        EpochRecord(2, 0.5, 0.6, 0.7, 2 / 7, 1.5),
    ]
    for written in (history, [record._replace(valid_acc=1 / 7) for record in history]):
        save_history(tmp_path / "history.csv", written)
        assert load_history(tmp_path / "history.csv") == written


def test_a_directory_is_created_with_its_parents_or_named(tmp_path):
    assert prepare_directory(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert list((tmp_path / "a" / "b").iterdir()) == []
    path = tmp_path / "file" / "out"
    path.parent.write_bytes(b"")
    with pytest.raises(OutputError, match=rf"{re.escape(str(path))}: .*output_dir"):
        prepare_directory(path)
    with pytest.raises(OutputError, match=rf"{re.escape(str(path.parent))}: File exists; cho"):
        prepare_directory(path.parent)
    with pytest.raises(OutputError, match="output_dir"):
        prepare_directory(tmp_path / ("long" * 100))


def test_a_file_that_cannot_be_removed_is_named(tmp_path):
    io.remove(tmp_path / "missing")
    with pytest.raises(OutputError, match=f"{re.escape(str(tmp_path))}: "):
        io.remove(tmp_path)  # a directory


# Locks


def test_a_lock_removes_what_killed_processes_left_and_nothing_else(tmp_path):
    stale = [tmp_path / f".model.pt.0123abcd{io.PART}", tmp_path / f".abcd_123{io.PART}"]
    stale[0].write_bytes(b"half")
    stale[1].mkdir()
    (stale[1] / "inside").write_bytes(b"half")
    kept = [tmp_path / name for name in ("notes.part", ".notes.0123abcd.part", f"a{io.PART}")]
    for path in kept:
        path.write_bytes(b"mine")
    with locked(tmp_path):
        assert sorted(tmp_path.iterdir()) == sorted([*kept, tmp_path / ".lock"])


# Model files


@pytest.fixture
def model():
    """Return a model of two pixels and three classes."""
    return scratch.SoftmaxRegression(2, 3)


def saved(path, W, b):
    torch.save({"W": W, "b": b}, path)
    return path


def change_members(path, change):
    """Rewrite a model file: `change` takes and returns its zip members by name."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in change(members).items():
            archive.writestr(name, content)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_models_of_half_precision_are_read(model, tmp_path, dtype):
    W, b = torch.arange(6.0).reshape(2, 3), torch.tensor([0.5, -0.25, 8.0])
    load_parameters(saved(tmp_path / "model.pt", W.to(dtype), b.to(dtype)), model)
    assert torch.equal(model.W, W)
    assert torch.equal(model.b, b)


def test_a_model_saved_on_a_gpu_is_read_on_the_cpu(model, tmp_path):
    W, b = torch.ones(2, 3), torch.ones(3)
    path = saved(tmp_path / "model.pt", W, b)

    def from_gpu(members):
        (name,) = (name for name in members if name.endswith("/data.pkl"))
        cpu, gpu = b"X\x03\0\0\0cpu", b"X\x06\0\0\0cuda:0"  # lengths and texts
        assert cpu in members[name]
        return members | {name: members[name].replace(cpu, gpu)}

    change_members(path, from_gpu)
    load_parameters(path, model)
    assert model.W.device.type == "cpu"
    assert torch.equal(model.W, W)


def test_a_torchscript_program_is_refused_without_warnings(model, tmp_path):
    """It is a zip file as a model is, with one more member."""
    path = saved(tmp_path / "model.pt", torch.ones(2, 3), torch.ones(3))
    change_members(path, lambda members: members | {"model/constants.pkl": b"\x80\x02)."})
    with pytest.raises(ModelFileError, match="damaged or not a model"):  # warnings are errors
        load_parameters(path, model)
