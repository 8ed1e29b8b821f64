"""Files that are whole or not there, and models that are read back from any dtype and device."""

import math
import os
import pathlib
import re
import sys
import warnings
import zipfile

import pytest
import torch
from matplotlib.figure import Figure

import scratch
from d2l_softmax import io as files
from d2l_softmax.figures.style import save_figure
from d2l_softmax.io import (
    OutputError,
    exclusive_lock,
    locked,
    prepare_directory,
    remove,
    remove_stale_files,
    write_atomically,
    write_json,
)
from d2l_softmax.models import ModelFileError, load_parameters, save_parameters
from d2l_softmax.training.history import EpochRecord, load_history, save_history

WRITERS = {
    "model": lambda path: save_parameters(path, scratch.SoftmaxRegression()),
    "history": lambda path: save_history(path, [EpochRecord(1, 0.5, 0.6, 0.7, 0.8)]),
    "figure": lambda path: save_figure(path, Figure()),
    "json": lambda path: write_json(path, {"a": 1}),
    "bytes": lambda path: write_atomically(path, b"new"),
}


@pytest.mark.parametrize("what", WRITERS)
def test_a_full_disk_leaves_the_old_file_and_nothing_else(what, tmp_path, monkeypatch):
    def full(number):
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"can't write to .*file: No space left on device"):
        WRITERS[what](path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_content_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    happened = []

    def sync(number):
        happened.append(f"synced {os.fstat(number).st_size} bytes")

    def replace(path, target):
        happened.append(f"renamed to {target.name}")
        return rename(path, target)

    rename = pathlib.Path.replace
    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(pathlib.Path, "replace", replace)
    write_atomically(tmp_path / "file", b"content")
    assert happened == ["synced 7 bytes", "renamed to file"]
    assert (tmp_path / "file").read_bytes() == b"content"


def test_history_is_read_back_digit_by_digit(tmp_path):
    history = [EpochRecord(1, 1 / 3, 2 / 3, 0.1, math.pi), EpochRecord(2, 0.5, 0.6, 0.7, 1.5)]
    for written in (history, [record._replace(valid_acc=1 / 7) for record in history]):
        save_history(tmp_path / "history.csv", written)
        assert load_history(tmp_path / "history.csv") == written


@pytest.fixture
def model():
    """Return a model of two pixels and three classes."""
    return scratch.SoftmaxRegression(2, 3)


def saved(path, W, b):
    """Write tensors as a model file, and return its path."""
    torch.save({"W": W, "b": b}, path)
    return path


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_models_of_any_precision_are_read(model, tmp_path, dtype):
    W, b = torch.arange(6.0).reshape(2, 3), torch.tensor([0.5, -0.25, 8.0])
    load_parameters(saved(tmp_path / "model.pt", W.to(dtype), b.to(dtype)), model)
    assert torch.equal(model.W, W)
    assert torch.equal(model.b, b)


def test_a_negative_bias_does_not_make_up_for_huge_weights(model, tmp_path):
    # W sums to the largest number there is, so a bias of -1e38 makes a logit that there isn't.
    W = torch.tensor([[3.4e38, 0.0, 0.0], [0.0, 0.0, 0.0]])
    load_parameters(saved(tmp_path / "fits.pt", W, torch.zeros(3)), model)
    for bias in (1e38, -1e38):
        path = saved(tmp_path / "model.pt", W, torch.tensor([bias, 0.0, 0.0]))
        with pytest.raises(ModelFileError, match="the numbers are too large"):
            load_parameters(path, model)


def rewrite(path, change):
    """Change the files of which a model file consists: `change` takes and returns them by name."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in change(files).items():
            archive.writestr(name, content)


def test_a_model_from_a_gpu_is_read_on_the_cpu(model, tmp_path):
    W, b = torch.ones(2, 3), torch.ones(3)
    path = saved(tmp_path / "model.pt", W, b)

    def from_gpu(files):
        """Let the tensors say they were on a GPU; a text is written with its length before it."""
        (name,) = (name for name in files if name.endswith("/data.pkl"))
        assert b"X\x03\0\0\0cpu" in files[name]
        there = files[name].replace(b"X\x03\0\0\0cpu", b"X\x06\0\0\0cuda:0")
        return {**files, name: there}

    rewrite(path, from_gpu)
    load_parameters(path, model)
    assert model.W.device.type == "cpu"
    assert torch.equal(model.W, W)


def test_a_program_is_refused_without_warnings(model, tmp_path):
    """A file of TorchScript, a program, is a zip file as a model is, with one more part."""
    path = saved(tmp_path / "model.pt", torch.ones(2, 3), torch.ones(3))
    rewrite(path, lambda files: {**files, "model/constants.pkl": b"\x80\x02)."})
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        with pytest.raises(ModelFileError, match="damaged or not a model of this project"):
            load_parameters(path, model)
    assert shown == []


def test_json_is_indented_and_ends_its_last_line(tmp_path):
    write_json(tmp_path / "config.json", {"lr": 0.1, "twin": "scratch"})
    text = (tmp_path / "config.json").read_text(encoding="utf-8")
    assert text == '{\n  "lr": 0.1,\n  "twin": "scratch"\n}\n'


def test_a_directory_is_made_with_those_above_it(tmp_path):
    assert prepare_directory(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_directory_that_cannot_be_made_is_named_with_a_remedy(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError) as caught:
        prepare_directory(tmp_path / "file" / "out")
    assert str(caught.value).startswith(f"can't write to {tmp_path / 'file' / 'out'}: ")
    assert str(caught.value).endswith("; choose another directory with output_dir")


def test_what_cannot_be_removed_is_named(tmp_path):
    remove(tmp_path / "not there")
    with pytest.raises(OutputError, match=f"can't write to {re.escape(str(tmp_path))}: "):
        remove(tmp_path)  # a directory


needs_locks = pytest.mark.skipif(sys.platform == "win32", reason="needs locks of files")


@needs_locks
def test_what_a_death_left_is_swept_and_nothing_else(tmp_path):
    left = [tmp_path / ".model.pt.0123abcd.part", tmp_path / ".abcd_123.part"]
    left[0].write_bytes(b"half")
    left[1].mkdir()
    (left[1] / "inside").write_bytes(b"half")
    os.mkfifo(tmp_path / ".pipe.0123abcd.part")
    kept = [tmp_path / name for name in ("notes.part", ".notes.part", ".a.0123abcd.part.txt")]
    for path in kept:
        path.write_bytes(b"mine")
    assert prepare_directory(tmp_path) == tmp_path
    assert sorted(tmp_path.iterdir()) == sorted(kept)


@needs_locks
def test_what_another_process_still_writes_is_not_swept(tmp_path):
    path = tmp_path / ".model.pt.0123abcd.part"
    path.write_bytes(b"half")
    with locked(path):  # locks of two descriptors exclude each other, as those of processes do
        prepare_directory(tmp_path)
        assert path.exists()
    prepare_directory(tmp_path)
    assert not path.exists()


@needs_locks
def test_a_file_is_held_while_it_is_written(tmp_path, monkeypatch):
    def sync_while_others_sweep(number):
        remove_stale_files(tmp_path)
        assert len(list(tmp_path.iterdir())) == 1

    monkeypatch.setattr(os, "fsync", sync_while_others_sweep)
    write_atomically(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"


def test_without_locks_files_are_written_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "fcntl", None)
    write_atomically(tmp_path / "file", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@needs_locks
def test_of_two_who_want_sole_use_one_is_refused(tmp_path):
    with (
        exclusive_lock(tmp_path),
        pytest.raises(OutputError, match="another training writes to"),
        exclusive_lock(tmp_path),
    ):
        pass
    with exclusive_lock(tmp_path):
        pass
