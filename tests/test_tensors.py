"""Damaged and hostile files of tensors: refused, and nothing in them is executed."""

import io
import os
import random
import zipfile

import pytest
import torch
from conftest import load_parameters

import scratch
from d2l_softmax.io import DamagedFileError, read_saved
from d2l_softmax.models import ModelFileError, save_parameters

MOST = 10_000


@pytest.fixture
def model():
    """Return a model of three pixels and two classes."""
    return scratch.SoftmaxRegression(3, 2)


@pytest.fixture
def path(model, tmp_path):
    """Return the path of its file."""
    save_parameters(tmp_path / "model.pt", model)
    return tmp_path / "model.pt"


def test_no_changed_bit_changes_a_number(model, path):
    """Flip one bit in every byte of a file: it is refused, or the numbers are the same."""
    content, refused = path.read_bytes(), 0
    chance = random.Random(0)
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        read = scratch.SoftmaxRegression(3, 2)
        try:
            load_parameters(path, read)
        except ModelFileError:
            refused += 1
        else:
            assert torch.equal(read.W, model.W), place
            assert torch.equal(read.b, model.b), place
    assert refused > len(content) / 3  # of the rest, most is padding


def test_a_file_cut_short_is_refused(model, path):
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(ModelFileError, match="damaged or not a model"):
            load_parameters(path, model)


def archive_of(program, compression=zipfile.ZIP_STORED, **members):
    """Return a zip file as torch.save writes it, with this pickle in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in {"data.pkl": program, "version": b"3\n", **members}.items():
            archive.writestr(f"archive/{name}", content)
    return buffer.getvalue()


HARMFUL = {
    "a function": b"\x80\x02cos\nmkdir\nX\x06\x00\x00\x00sprung\x85R.",
    "the same, by the stack": b"\x80\x04\x8c\x02os\x8c\x05mkdir\x93\x8c\x06sprung\x85R.",
    "no end": b"\x80\x02)",
    "nothing": b"",
}


@pytest.mark.parametrize("name", HARMFUL)
def test_nothing_in_a_file_is_executed(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "harmful.pt"
    path.write_bytes(archive_of(HARMFUL[name]))
    with pytest.raises(DamagedFileError):
        read_saved(path, MOST)
    assert not (tmp_path / "sprung").exists()


def test_compressed_members_are_not_unpacked(path):
    bomb = archive_of(b"\x80\x02).", zipfile.ZIP_DEFLATED, data=bytes(10_000_000))
    path.write_bytes(bomb)
    assert len(bomb) < 15_000
    with pytest.raises(DamagedFileError, match="compressed"):
        read_saved(path, 2 * MOST)


def test_an_expanded_tensor_is_not_written_out(path, model):
    """Its 1.6 GB are one number in the file, repeated by strides of zero."""
    torch.save({"W": torch.zeros(1).expand(20_000, 20_000), "b": torch.zeros(2)}, path)
    assert path.stat().st_size < MOST
    with pytest.raises(ModelFileError, match="W has shape"):
        load_parameters(path, model)


def test_a_file_that_is_too_large_is_not_read_to_its_end(path):
    size = path.stat().st_size
    assert read_saved(path, size)
    with pytest.raises(DamagedFileError, match=f"larger than {size - 1:,} bytes"):
        read_saved(path, size - 1)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_what_is_no_file_is_not_opened(path, tmp_path, model):
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "/dev/zero"):
        with pytest.raises(ModelFileError, match="damaged or not a model"):
            load_parameters(tmp_path / name, model)
