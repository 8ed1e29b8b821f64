"""Fashion-MNIST as tensors in memory, read in batches by ordinary DataLoaders.

Xiao, Rasul, Vollgraf (2017), "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
Learning Algorithms": 60,000 training and 10,000 test images, 28×28 pixels, 10 classes.
"""

import os
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from d2l_softmax.data.parsed import read_fashion_mnist
from d2l_softmax.data.sources import ensure_fashion_mnist

NUM_TRAIN = 60_000
LABELS = [
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
]


def load_data_fashion_mnist(
    batch_size: int,
    resize: int | tuple[int, int] | None = None,
    *,
    data_dir: str | os.PathLike | None = None,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    generator: torch.Generator | None = None,
    test_batch_size: int | None = None,
    validation: int = 0,
) -> tuple[DataLoader, ...]:
    """Return (train_iter, test_iter), which yield images X (n, 1, h, w) and labels y (n,).

    X is of `dtype`, in [0, 1], and 28×28 unless `resize` (a side or (height, width), in pixels)
    says otherwise; y is int64, 0 to 9. The training data come in a new random order in every
    pass: from `generator` if given, otherwise from torch's global one. The last batch of a pass
    may be smaller. The files come from `data_dir` or are fetched (see `sources`).

    With `validation`, the last so many training images are held out, to choose settings by, and
    (train_iter, test_iter, valid_iter) returned.

    Raises ValueError for a batch size or a side below 1, or if no image is left to train on;
    DataUnavailableError without data.
    """
    for name, size in {"batch_size": batch_size, "test_batch_size": test_batch_size}.items():
        if size is not None and not (isinstance(size, int) and size >= 1):
            raise ValueError(f"{name} is {size!r}, expected a whole number of at least 1")
    (images, labels), test = read_fashion_mnist(ensure_fashion_mnist(data_dir))
    if not 0 <= validation < len(labels):
        raise ValueError(f"validation is {validation!r}, expected 0 to {len(labels) - 1} images")

    def loader(images: Tensor, labels: Tensor, size: int, **order) -> DataLoader:
        dataset = FashionMNISTImages(images, labels, resize=resize, dtype=dtype, device=device)
        # batch_size=None: the sampler hands out whole batches of indices, one look-up each.
        return InMemoryLoader(dataset, sampler=Batches(dataset, size, **order), batch_size=None)

    n = len(labels) - validation
    train_iter = loader(images[:n], labels[:n], batch_size, shuffle=True, generator=generator)
    test_iter = loader(*test, test_batch_size or batch_size, shuffle=False)
    if not validation:
        return train_iter, test_iter
    valid_iter = loader(images[n:], labels[n:], test_batch_size or batch_size, shuffle=False)
    return train_iter, test_iter, valid_iter


def get_fashion_mnist_labels(labels: Iterable[int]) -> list[str]:
    """Return the names of the classes with the given indices, 0 to 9; IndexError for others."""
    indices = [int(label) for label in labels]
    for index in indices:
        if not 0 <= index < len(LABELS):
            raise IndexError(f"label {index} is not one of 0 to {len(LABELS) - 1}")
    return [LABELS[index] for index in indices]


def sides_of(resize: int | tuple[int, int] | None) -> list[int]:
    """Return [height, width] in pixels, empty if images keep their size; ValueError if neither."""
    if resize is None:
        return []
    sides = [resize, resize] if isinstance(resize, int) else list(resize)
    if len(sides) != 2 or not all(isinstance(side, int) and side >= 1 for side in sides):
        raise ValueError(f"resize is {resize!r}, expected a side or (height, width) in pixels")
    return sides


class FashionMNISTImages(Dataset):
    """Images (uint8, kept as they are in the file) and labels; scaled when they are looked up.

    Indexing a quarter of the bytes and scaling after is as fast as indexing floats.
    """

    def __init__(self, images: Tensor, labels: Tensor, *, resize=None, dtype, device):
        """Keep images (n, 28, 28) uint8 and labels (n,) int64 on the device."""
        self.images = images.unsqueeze(1).to(device)  # (n, 1, 28, 28)
        self.labels = labels.to(device)
        self.size = sides_of(resize)
        self.dtype = dtype

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    def __getitem__(self, index: int | Tensor) -> tuple[Tensor, Tensor]:
        """Return one image (1, h, w) and label, or for indices (n,) a batch of them."""
        if not isinstance(index, Tensor):
            image, label = self[torch.tensor([range(len(self))[index]], device=self.labels.device)]
            return image[0], label[0]
        images = self.images.index_select(0, index)  # 5 to 10 times faster than images[index]
        if self.size:
            from torchvision.transforms.v2.functional import resize

            images = resize(images, self.size, antialias=True)
        return images.to(self.dtype).div_(255), self.labels.index_select(0, index)


class InMemoryLoader(DataLoader):
    """A DataLoader that looks batches up itself: what serves workers costs 20 µs a batch."""

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Look up what the sampler names."""
        return map(self.dataset.__getitem__, self.sampler)


class Batches(Sampler):
    """The indices of each batch, as a tensor (n,); shuffled anew in every pass if asked to."""

    def __init__(self, dataset: FashionMNISTImages, batch_size: int, *, shuffle, generator=None):
        """Prepare batches of `batch_size` indices into the dataset; the last may be smaller."""
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.generator = generator

    def __len__(self) -> int:
        """Return the number of batches in a pass."""
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self) -> Iterator[Tensor]:
        """Draw the order on the CPU, equal on every device, and move it there once a pass."""
        n = len(self.dataset)
        order = torch.randperm(n, generator=self.generator) if self.shuffle else torch.arange(n)
        yield from order.to(self.dataset.labels.device).split(self.batch_size)
