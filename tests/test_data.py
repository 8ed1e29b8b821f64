"""The loader: shapes, order, reproducibility, and the same pixels as torchvision's own way."""

import os
import weakref

import pytest
import torch
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import FashionMNIST

from d2l_softmax import get_fashion_mnist_labels, load_data_fashion_mnist
from d2l_softmax.data import sources
from d2l_softmax.data.batches import ArrayDataset
from d2l_softmax.data.fashion_mnist import CLASSES, read_fashion_mnist
from d2l_softmax.data.sources import DataUnavailableError, ensure_fashion_mnist


def test_batches_of_the_real_data(real_data):
    train_iter, test_iter = load_data_fashion_mnist(256)
    assert isinstance(train_iter, DataLoader)
    assert (len(train_iter.dataset), len(test_iter.dataset)) == (60_000, 10_000)
    assert (len(train_iter), len(test_iter)) == (235, 40)
    sizes = [len(y) for _, y in train_iter]
    assert sizes == [256] * 234 + [96]
    X, y = next(iter(train_iter))
    assert (X.shape, X.dtype) == ((256, 1, 28, 28), torch.float32)
    assert (y.shape, y.dtype) == ((256,), torch.int64)
    assert (float(X.min()), float(X.max())) == (0.0, 1.0)


def test_same_tensors_as_torchvisions(real_data):
    root = ensure_fashion_mnist()
    for ours, train in zip(real_data, (True, False), strict=True):
        theirs = FashionMNIST(root, train=train, download=False)
        for tensor, expected in zip(ours, (theirs.data, theirs.targets), strict=True):
            assert tensor.dtype == expected.dtype
            assert torch.equal(tensor, expected)


def test_reading_writes_nothing(made_up):
    """The directory may be read-only; what an earlier version kept in it is left alone."""
    kept = made_up / "FashionMNIST" / "parsed.pt"
    kept.write_bytes(b"of an earlier version")
    before = {path: path.stat().st_mtime_ns for path in made_up.rglob("*")}
    load_data_fashion_mnist(7, data_dir=made_up)
    assert {path: path.stat().st_mtime_ns for path in made_up.rglob("*")} == before


def test_a_file_that_changes_later_changes_no_data(made_up):
    images = read_fashion_mnist(made_up).train.examples
    before = images.copy()
    file = made_up / "FashionMNIST" / "raw" / "train-images-idx3-ubyte"
    file.write_bytes(bytes(file.stat().st_size))
    assert (images == before).all()


def test_a_file_that_changes_after_it_was_fetched_is_not_used(made_up, monkeypatch):
    def fetch_and_damage(raw, missing):
        (raw / "t10k-labels-idx1-ubyte").write_bytes(b"damaged")

    (made_up / "FashionMNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    monkeypatch.setattr(sources, "fetch", fetch_and_damage)
    with pytest.raises(DataUnavailableError, match="damaged or not Fashion-MNIST's: SHA-256"):
        load_data_fashion_mnist(7, data_dir=made_up)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(made_up, tmp_path, monkeypatch):
    file = made_up / "FashionMNIST" / "raw" / "t10k-labels-idx1-ubyte"
    expected = read_fashion_mnist(made_up).test.labels
    monkeypatch.setattr(sources, "SYSTEM_COPY", tmp_path / "copy")
    (tmp_path / "copy").mkdir()
    file.rename(tmp_path / "copy" / file.name)
    os.mkfifo(file)
    assert (read_fashion_mnist(made_up).test.labels == expected).all()


def test_same_pixels_as_to_tensor(real_data):
    theirs = FashionMNIST(ensure_fashion_mnist(), train=False, transform=transforms.ToTensor())
    _, test_iter = load_data_fashion_mnist(100)
    X, y = next(iter(test_iter))
    for i in range(100):
        image, label = theirs[i]
        assert torch.equal(X[i], image)
        assert y[i] == label
    image, label = test_iter.dataset[-1]
    assert torch.equal(image, theirs[9_999][0])
    assert label == theirs[9_999][1]


def test_a_pass_sees_every_image_once(made_up):
    train_iter, test_iter = load_data_fashion_mnist(7, data_dir=made_up)
    images = torch.cat([X for X, _ in train_iter])
    assert len(images.flatten(1).unique(dim=0)) == 60
    assert torch.cat([y for _, y in test_iter]).tolist() == [i % 10 for i in range(20)]


def test_the_last_training_images_can_be_held_out(made_up):
    arguments = {"batch_size": 7, "data_dir": made_up}
    everything = load_data_fashion_mnist(**arguments)[0].dataset
    train_iter, test_iter, valid_iter = load_data_fashion_mnist(**arguments, validation=11)
    sizes = [len(loader.dataset) for loader in (train_iter, test_iter, valid_iter)]
    assert sizes == [49, 20, 11]
    X, y = everything[torch.arange(60)]
    trained_on = {
        bytes((image * 255).byte().flatten().tolist()) for X, _ in train_iter for image in X
    }
    assert trained_on == {bytes((image * 255).byte().flatten().tolist()) for image in X[:49]}
    batches = list(valid_iter)
    assert torch.equal(torch.cat([X for X, _ in batches]), X[49:])
    assert torch.equal(torch.cat([y for _, y in batches]), y[49:])


def test_held_out_images_come_in_batches_of_the_test_sets_size(made_up):
    _, _, valid_iter = load_data_fashion_mnist(
        7, data_dir=made_up, test_batch_size=5, validation=11
    )
    assert [len(y) for _, y in valid_iter] == [5, 5, 1]


@pytest.mark.parametrize("validation", [-1, 60, 61])
def test_an_image_is_left_to_train_on(made_up, validation):
    with pytest.raises(ValueError, match=f"can't hold out {validation} of 60 training"):
        load_data_fashion_mnist(7, data_dir=made_up, validation=validation)


def labels_of_two_passes(data_dir, seed):
    generator = torch.Generator().manual_seed(seed)
    train_iter, _ = load_data_fashion_mnist(16, data_dir=data_dir, generator=generator)
    return [torch.cat([y for _, y in train_iter]).tolist() for _ in range(2)]


def test_order_is_new_in_every_pass_and_given_by_the_seed(made_up):
    first, second = labels_of_two_passes(made_up, 0)
    assert first != second
    assert labels_of_two_passes(made_up, 0) == [first, second]
    assert labels_of_two_passes(made_up, 1)[0] != first


def test_without_a_generator_torchs_seed_decides(made_up):
    train_iter, _ = load_data_fashion_mnist(60, data_dir=made_up)
    orders = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        orders.append(next(iter(train_iter))[1].tolist())
    assert orders[0] == orders[1] != orders[2]


def test_batch_larger_than_the_data(made_up):
    train_iter, test_iter = load_data_fashion_mnist(1000, data_dir=made_up)
    assert [len(y) for _, y in train_iter] == [60]
    assert [len(y) for _, y in test_iter] == [20]


def test_a_batch_size_of_its_own_for_the_test_set(made_up):
    _, test_iter = load_data_fashion_mnist(1, data_dir=made_up, test_batch_size=15)
    assert [len(y) for _, y in test_iter] == [15, 5]


def test_float64(made_up):
    train_iter, _ = load_data_fashion_mnist(8, data_dir=made_up, dtype=torch.float64)
    X, _ = next(iter(train_iter))
    assert X.dtype == torch.float64
    assert torch.equal(X * 255, (X * 255).round())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rows", [None, torch.arange(59, 9, -1)])
def test_the_short_way_to_a_batch_gives_the_same_bits(made_up, dtype, rows):
    whole = load_data_fashion_mnist(8, data_dir=made_up)[0].dataset
    dataset = ArrayDataset(whole.images, whole.labels, whole.classes, dtype=dtype, rows=rows)
    short = dataset[torch.tensor([3, 0, 49])]
    assert dataset.gray is not None
    dataset.gray = None
    for one, other in zip(short, dataset[torch.tensor([3, 0, 49])], strict=True):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert torch.equal(one, other)


@pytest.mark.parametrize(("resize", "shape"), [(64, (64, 64)), ((20, 40), (20, 40))])
def test_resize_agrees_with_pil(real_data, resize, shape):
    size = resize if isinstance(resize, tuple) else (resize, resize)
    transform = transforms.Compose([transforms.Resize(size), transforms.ToTensor()])
    theirs = FashionMNIST(ensure_fashion_mnist(), train=False, transform=transform)
    _, test_iter = load_data_fashion_mnist(32, resize=resize)
    X, y = next(iter(test_iter))
    assert (X.shape, X.dtype) == ((32, 1, *shape), torch.float32)
    assert y.dtype == torch.int64
    expected = torch.stack([theirs[i][0] for i in range(32)])
    assert_close(X, expected, rtol=0, atol=1.001 / 255)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5])
def test_batch_sizes_that_cannot_be(made_up, batch_size):
    with pytest.raises(ValueError, match=f"batch_size is {batch_size}, expected a whole"):
        load_data_fashion_mnist(batch_size, data_dir=made_up)


@pytest.mark.parametrize("resize", [0, (28,), (1, 2, 3), (5, 0), (5.5, 5)])
def test_sides_that_cannot_be(made_up, resize):
    with pytest.raises(ValueError, match="expected a side or"):
        load_data_fashion_mnist(8, resize=resize, data_dir=made_up)


def test_labels_by_name():
    assert get_fashion_mnist_labels(torch.tensor([9, 0])) == ["ankle boot", "t-shirt"]
    assert get_fashion_mnist_labels(range(10)) == list(CLASSES)
    for wrong in (-1, 10):
        with pytest.raises(IndexError, match=f"label {wrong} is not one of 0 to 9"):
            get_fashion_mnist_labels([wrong])


class LargestTensor(TorchDispatchMode):
    """Notes how many numbers the largest tensor has that is made meanwhile."""

    numbers = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, list | tuple) else [result]:
            self.numbers = max(self.numbers, tensor.numel())
        return result


def test_resized_images_are_made_a_batch_at_a_time(made_up):
    with LargestTensor() as largest:
        _, test_iter = load_data_fashion_mnist(4, resize=224, data_dir=made_up)
        batches = [weakref.ref(X) for X, _ in test_iter]
    assert largest.numbers == 4 * 224 * 224
    assert [batch() for batch in batches] == [None] * 5  # and not kept


@pytest.fixture
def others_default_device():
    """Make "meta", where tensors have no values, torch's default device for one test."""
    torch.set_default_device("meta")
    yield
    torch.set_default_device(None)


@pytest.mark.usefixtures("others_default_device")
def test_an_image_is_looked_up_on_the_device_of_the_data(made_up):
    _, test_iter = load_data_fashion_mnist(4, data_dir=made_up)
    image, label = test_iter.dataset[13]
    assert (image.device.type, image.shape) == ("cpu", (1, 28, 28))
    assert label == 3
