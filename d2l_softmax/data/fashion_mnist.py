"""Fashion-MNIST: its ten classes, its files as tensors, and load_data_fashion_mnist.

Xiao, Rasul, Vollgraf (2017), "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
Learning Algorithms": 60,000 training and 10,000 test images, 28×28 pixels, 10 classes.
"""

import os
import struct
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from d2l_softmax.data.batches import (
    ArrayDataset,
    ArrayLoader,
    as_tensor,
    check_shuffle,
    is_whole,
    sizes_of_batches,
)
from d2l_softmax.data.sources import read_files

FASHION_MNIST = "Fashion-MNIST"  # the name of the data without --dataset
NUM_TRAIN = 60_000
TEST_BATCH_SIZE = 1_000  # 3 MB as float32, and nearly as fast as all at once
CLASSES = (
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
)


def load_data_fashion_mnist(
    batch_size: int,
    resize: int | tuple[int, int] | None = None,
    *,
    data_dir: str | os.PathLike | None = None,
    device: torch.device | str | None = "cpu",
    dtype: torch.dtype = torch.float32,
    generator: torch.Generator | None = None,
    test_batch_size: int | None = None,
    validation: int = 0,
    shuffle: str = "auto",
) -> tuple[ArrayLoader, ...]:
    """Return (train_iter, test_iter), which yield images X (n, 1, h, w) and labels y (n,).

    X is of `dtype`, in [0, 1], and 28×28 unless `resize` (a side or (height, width), in pixels)
    says otherwise; y is int64, 0 to 9. The training data come in a new random order in every
    pass: from `generator` (a CPU one) if given, otherwise from torch's global one. The last batch
    of a pass may be smaller. The files come from `data_dir` or are fetched (see `sources`).

    The loaders are DataLoaders that look batches up in memory: they have no worker processes.
    With `validation`, the last so many training images are held out, to choose settings by, and
    (train_iter, test_iter, valid_iter) returned. `shuffle` is that of load_data.

    Raises ValueError for a batch size or a side below 1, for a dtype without fractions, or if no
    image is left to train on; DataUnavailableError without data.
    """
    check_shuffle(shuffle)
    batch_size, test_batch_size = sizes_of_batches(batch_size, test_batch_size)
    (images, labels), test = read_fashion_mnist(data_dir)
    if not (is_whole(validation) and 0 <= validation < len(labels)):
        raise ValueError(f"validation is {validation!r}, expected 0 to {len(labels) - 1} images")

    def dataset(images: Tensor, labels: Tensor) -> ArrayDataset:
        return ArrayDataset(images, labels, CLASSES, resize=resize, dtype=dtype, device=device)

    n = len(labels) - validation
    train_set, test_set = dataset(images[:n], labels[:n]), dataset(*test)
    train_iter = ArrayLoader(
        train_set, batch_size, shuffle=True, by_blocks=shuffle == "block", generator=generator
    )
    test_iter = ArrayLoader(test_set, test_batch_size)
    if not validation:
        return train_iter, test_iter
    return train_iter, test_iter, ArrayLoader(dataset(images[n:], labels[n:]), test_batch_size)


def read_fashion_mnist(
    data_dir: str | os.PathLike | None = None,
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return ((train images, labels), (test images, labels)), the same as torchvision's.

    Images are uint8 (n, 28, 28), labels int64 (n,). Reading the files takes 0.1 s; importing
    torchvision takes 1 s.
    """
    arrays = map(array_of_idx, read_files(data_dir))
    images, labels, test_images, test_labels = map(as_tensor, arrays)
    return (images, labels.long()), (test_images, test_labels.long())


def array_of_idx(content: bytes) -> np.ndarray:
    """Return the uint8 array in the bytes of an IDX file (LeCun's format) that was verified."""
    shape = struct.unpack_from(f">{content[3]}I", content, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def get_fashion_mnist_labels(labels: Iterable[float]) -> list[str]:
    """Return the names of the classes with the given indices, 0 to 9.

    Raises IndexError for another index, ValueError for one with a fraction.
    """
    indices = [float(label) for label in labels]
    for index in indices:
        if not index.is_integer():
            raise ValueError(f"label {index} is not a whole number")
        if not 0 <= index < len(CLASSES):
            raise IndexError(f"label {index:.0f} is not one of 0 to {len(CLASSES) - 1}")
    return [CLASSES[int(index)] for index in indices]
