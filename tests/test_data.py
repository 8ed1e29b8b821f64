"""The loaders of Fashion-MNIST: shapes, order, reproducibility, and torchvision's pixels."""

import weakref

import numpy as np
import pytest
import torch
from conftest import all_of
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import FashionMNIST

from d2l_softmax import get_fashion_mnist_labels, load_data_fashion_mnist
from d2l_softmax.data import sources
from d2l_softmax.data.batches import ArrayDataset, ArrayLoader
from d2l_softmax.data.fashion_mnist import CLASSES, read_fashion_mnist
from d2l_softmax.data.sources import DataUnavailableError, ensure_fashion_mnist


def sizes(loader):
    return [len(y) for _, y in loader]


# The same as torchvision


def test_same_arrays_as_torchvisions(real_data):
    root = ensure_fashion_mnist()
    for ours, train in zip(real_data, (True, False), strict=True):
        theirs = FashionMNIST(root, train=train, download=False)
        for tensor, expected in zip(ours, (theirs.data, theirs.targets), strict=True):
            assert tensor.dtype == expected.dtype
            assert torch.equal(tensor, expected)


def test_same_pixels_as_to_tensor(real_data):
    theirs = FashionMNIST(ensure_fashion_mnist(), train=False, transform=transforms.ToTensor())
    train_iter, test_iter = load_data_fashion_mnist(100)
    assert isinstance(train_iter, DataLoader)
    assert (len(train_iter), len(test_iter)) == (600, 100)
    ours = [*zip(*next(iter(test_iter)), range(100), strict=True), (*test_iter.dataset[-1], 9_999)]
    for X, y, i in ours:
        image, label = theirs[i]
        assert X.dtype == image.dtype
        assert torch.equal(X, image)
        assert y == label


# Files


def test_reading_writes_and_prints_nothing(made_up, capsys):
    """The directory may be read-only, and have a file that earlier versions wrote."""
    (made_up / "FashionMNIST" / "parsed.pt").write_bytes(b"of an earlier version")
    before = {path: path.stat().st_mtime_ns for path in made_up.rglob("*")}
    load_data_fashion_mnist(7, data_dir=made_up)
    assert {path: path.stat().st_mtime_ns for path in made_up.rglob("*")} == before
    assert capsys.readouterr().err == ""


def test_files_that_change_later_change_no_data(made_up, monkeypatch):
    raw = made_up / "FashionMNIST" / "raw"
    images = read_fashion_mnist(made_up).train.examples
    before, file = images.copy(), raw / "train-images-idx3-ubyte"
    file.write_bytes(bytes(file.stat().st_size))
    assert (images == before).all()
    # and one that changes after it was fetched is not used
    monkeypatch.setattr(sources, "fetch", lambda raw, missing: file.write_bytes(b"damaged"))
    with pytest.raises(DataUnavailableError, match=r"damaged .*: SHA-256"):
        load_data_fashion_mnist(7, data_dir=made_up)


# Batches


def test_the_last_training_images_are_held_out(made_up):
    arguments = {"batch_size": 7, "data_dir": made_up, "test_batch_size": 5}
    X, y = load_data_fashion_mnist(**arguments)[0].dataset[torch.arange(60)]
    train_iter, test_iter, valid_iter = load_data_fashion_mnist(**arguments, validation=11)
    assert [len(loader.dataset) for loader in (train_iter, test_iter, valid_iter)] == [49, 20, 11]
    assert sizes(valid_iter) == [5, 5, 1]
    X_valid, y_valid = all_of(valid_iter)
    assert torch.equal(X_valid, X[49:])
    assert torch.equal(y_valid, y[49:])
    trained = all_of(train_iter)[0]
    assert torch.equal(trained.flatten(1).unique(dim=0), X[:49].flatten(1).unique(dim=0))


def test_each_epoch_has_the_next_permutation_of_its_generator(made_up):
    arguments = {"batch_size": 16, "data_dir": made_up}
    own, expected = (torch.Generator().manual_seed(0) for _ in range(2))
    train_iter, _ = load_data_fashion_mnist(**arguments, generator=own)
    labels = train_iter.dataset.labels
    for _ in range(2):
        order = torch.randperm(60, generator=expected)
        assert torch.equal(all_of(train_iter)[1], labels[order])
    assert torch.equal(own.get_state(), expected.get_state())  # nothing else is drawn
    torch.manual_seed(3)
    _, y = all_of(load_data_fashion_mnist(**arguments)[0])
    torch.manual_seed(3)
    assert torch.equal(y, labels[torch.randperm(60)])


def test_a_transform_is_applied_to_each_batch(made_up):
    X, y = all_of(load_data_fashion_mnist(7, data_dir=made_up)[1])
    arguments = {"data_dir": made_up, "transform": lambda X: (X - 0.5) / 0.5}
    transformed, _ = all_of(load_data_fashion_mnist(7, **arguments)[1])
    torch.testing.assert_close(transformed, (X - 0.5) / 0.5)
    assert y.tolist() == [i % 10 for i in range(20)]  # the test data are in order


@pytest.mark.parametrize("dtype", [np.int64, np.uint8])
def test_numpys_whole_numbers_are_numbers(made_up, dtype):
    numbers = {"test_batch_size": dtype(5), "validation": dtype(10), "drop_last": True}
    loaders = load_data_fashion_mnist(dtype(16), dtype(14), data_dir=made_up, **numbers)
    assert [sizes(loader) for loader in loaders] == [[16] * 3, [5] * 4, [5, 5]]
    assert {loader.dataset.shape for loader in loaders} == {(1, 14, 14)}
    assert isinstance(ArrayLoader(loaders[0].dataset, dtype(7)).batch_size, int)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rows", [None, torch.arange(59, 9, -1)])
def test_the_fast_look_up_of_gray_images_gives_the_same_bits(made_up, dtype, rows):
    whole = load_data_fashion_mnist(8, data_dir=made_up)[0].dataset
    dataset = ArrayDataset(whole.images, whole.labels, whole.classes, dtype=dtype, rows=rows)
    X, y = dataset[torch.tensor([3, 0, 49])]
    assert X.dtype == dtype
    assert torch.equal(X * 255, (X * 255).round())
    assert dataset.gray is not None
    dataset.gray = None
    for one, other in zip((X, y), dataset[torch.tensor([3, 0, 49])], strict=True):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert torch.equal(one, other)


def test_labels_by_name():
    assert get_fashion_mnist_labels(torch.tensor([9, 0])) == ["ankle boot", "t-shirt"]
    assert get_fashion_mnist_labels(range(10)) == list(CLASSES)
    for wrong in (-1, 10):
        with pytest.raises(IndexError, match=f"label {wrong} .*0 to 9"):
            get_fashion_mnist_labels([wrong])


class LargestTensor(TorchDispatchMode):
    """Records the number of values of the largest tensor made in this context."""

    numbers = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, list | tuple) else [result]:
            self.numbers = max(self.numbers, tensor.numel())
        return result


def test_images_are_resized_by_batch_and_not_kept(made_up):
    with LargestTensor() as largest:
        _, test_iter = load_data_fashion_mnist(4, resize=224, data_dir=made_up)
        batches = [weakref.ref(X) for X, _ in test_iter]
    assert largest.numbers == 4 * 224 * 224
    assert [batch() for batch in batches] == [None] * 5
