"""The tensors that are kept beside the files: used only if they are still the original's."""

import hashlib
import os

import pytest
import torch
from torchvision.datasets import FashionMNIST

from d2l_softmax import load_data_fashion_mnist
from d2l_softmax.data import parsed
from d2l_softmax.data.parsed import read_fashion_mnist, sha256_as_file
from d2l_softmax.data.sources import ensure_fashion_mnist
from d2l_softmax.storage.files import OutputError


@pytest.fixture
def forbidden(monkeypatch):
    """Fail the test if the files are parsed."""

    def fail(data_dir):
        raise AssertionError("parsed again")

    monkeypatch.setattr(parsed, "parse_with_torchvision", fail)


@pytest.fixture
def kept(made_up):
    """Return the path of the kept tensors of a data directory that was read once."""
    read_fashion_mnist(made_up)
    return made_up / "FashionMNIST" / "parsed.pt"


def assert_same(ours, theirs):
    for our_split, their_split in zip(ours, theirs, strict=True):
        assert all(map(torch.equal, our_split, their_split))


def test_same_tensors_as_torchvisions(real_data):
    data_dir = ensure_fashion_mnist()
    for ours, train in zip(real_data, (True, False), strict=True):
        theirs = FashionMNIST(data_dir, train=train)
        assert torch.equal(ours[0], theirs.data)
        assert torch.equal(ours[1], theirs.targets)


def test_digest_of_a_tensor_is_that_of_its_file(made_up):
    raw = made_up / "FashionMNIST" / "raw"
    (images, labels), _ = read_fashion_mnist(made_up)
    for name, tensor in (("images-idx3", images), ("labels-idx1", labels.to(torch.uint8))):
        content = (raw / f"train-{name}-ubyte").read_bytes()
        assert sha256_as_file(tensor) == hashlib.sha256(content).hexdigest()


@pytest.mark.usefixtures("kept", "forbidden")
def test_parsed_once(made_up):
    train_iter, test_iter = load_data_fashion_mnist(7, data_dir=made_up)
    assert (len(train_iter.dataset), len(test_iter.dataset)) == (60, 20)


def test_a_changed_pixel_is_not_used(kept, made_up):
    original = read_fashion_mnist(made_up)
    (images, labels), test = torch.load(kept, weights_only=True)
    images[3, 4, 5] += 1
    torch.save(((images, labels), test), kept)
    assert_same(read_fashion_mnist(made_up), original)
    assert_same(torch.load(kept, weights_only=True), original)


@pytest.mark.parametrize("split", [0, 1], ids=["train", "test"])
def test_a_changed_label_is_not_used(kept, made_up, split):
    original = read_fashion_mnist(made_up)
    splits = torch.load(kept, weights_only=True)
    splits[split][1][3] = 9 - splits[split][1][3]
    torch.save(splits, kept)
    assert_same(read_fashion_mnist(made_up), original)
    assert_same(torch.load(kept, weights_only=True), original)


@pytest.mark.parametrize("added", [256, -256, 2**32])
def test_a_label_that_wraps_round_is_not_used(kept, made_up, added):
    original = read_fashion_mnist(made_up)
    splits = torch.load(kept, weights_only=True)
    splits[0][1][3] += added
    torch.save(splits, kept)
    assert_same(read_fashion_mnist(made_up), original)
    assert_same(torch.load(kept, weights_only=True), original)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_in_its_place_is_not_waited_for(kept, made_up):
    original = read_fashion_mnist(made_up)
    kept.unlink()
    os.mkfifo(kept)
    assert_same(read_fashion_mnist(made_up), original)


def test_tensors_of_the_wrong_dtype_are_not_used(kept, made_up):
    original = read_fashion_mnist(made_up)
    for dtypes in ((torch.float32, torch.int64), (torch.uint8, torch.int32)):
        torch.save(
            tuple(tuple(t.to(d) for t, d in zip(s, dtypes, strict=True)) for s in original), kept
        )
        for images, labels in read_fashion_mnist(made_up):
            assert (images.dtype, labels.dtype) == (torch.uint8, torch.int64)


class Trap:
    """An object whose unpickling would make a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


def test_nothing_in_the_kept_file_is_executed(kept, made_up, tmp_path):
    original = read_fashion_mnist(made_up)
    torch.save(Trap(tmp_path / "sprung"), kept)
    assert_same(read_fashion_mnist(made_up), original)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("content", [b"", b"not a file of tensors", None])
def test_a_damaged_file_is_written_anew(kept, made_up, content):
    original = read_fashion_mnist(made_up)
    if content is None:
        torch.save({"something": torch.zeros(3)}, kept)
    else:
        kept.write_bytes(content)
    assert_same(read_fashion_mnist(made_up), original)
    assert_same(torch.load(kept, weights_only=True), original)


def test_a_directory_that_cannot_be_written_is_read(made_up, monkeypatch):
    def full(path, content):
        raise OutputError(f"can't write to {path}: No space left on device")

    monkeypatch.setattr(parsed, "write_atomically", full)
    (images, _), _ = read_fashion_mnist(made_up)
    assert images.shape == (60, 28, 28)
    assert not (made_up / "FashionMNIST" / "parsed.pt").exists()
