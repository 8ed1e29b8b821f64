"""Fashion-MNIST: its ten classes, its arrays, and load_data_fashion_mnist.

Xiao, Rasul, Vollgraf (2017), "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
Learning Algorithms": 60,000 training and 10,000 test images, 28×28 pixels, 10 classes.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from d2l_softmax.data.arrays import DatasetFiles, LabelledArrays
from d2l_softmax.data.augmentation import Augmentation
from d2l_softmax.data.batches import ArrayLoader
from d2l_softmax.data.loaders import check_validation, make_loaders
from d2l_softmax.data.sources import read_files

FASHION_MNIST = "Fashion-MNIST"  # name of the data set that is used without --dataset
NUM_TRAIN = 60_000
TEST_BATCH_SIZE = 1_000  # 3 MB as float32, and nearly as fast as a single batch
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
    drop_last: bool = False,
    transform: Callable[[Tensor], Tensor] | None = None,
    augment: Augmentation | None = None,
) -> tuple[ArrayLoader, ...]:
    """Return (train_iter, test_iter), which yield images X (n, 1, h, w) and labels y (n,).

    X has `dtype`, is in [0, 1], and is 28×28 unless `resize` is given: a side or (height, width),
    in pixels. y is int64, 0 to 9. Training data are shuffled in every epoch, on the CPU, with
    `generator` or torch's global generator. The last batch of an epoch may be smaller. The files
    are read from `data_dir`, or fetched if they are missing (see `sources`).

    The loaders are DataLoaders that look batches up in memory: they have no worker processes. With
    `validation`, that number of training images, the last ones, are held out for choosing settings,
    and (train_iter, test_iter, valid_iter) is returned. `shuffle` is that of load_data. With
    `drop_last`, the last batch of an epoch is dropped if it is smaller. `transform` is applied to
    X, for example a normalization. With `augment`, training images are varied at random in every
    epoch, before `transform` (see Augmentation); other images are not.

    Raises ValueError for a batch size or a side below 1, for a dtype that is not floating-point, or
    if no training image is left; DataUnavailableError if the files can't be fetched.
    """
    return make_loaders(
        hold_out_last(read_fashion_mnist(data_dir), validation),
        batch_size,
        resize=resize,
        device=device,
        dtype=dtype,
        generator=generator,
        test_batch_size=test_batch_size,
        validation=validation,
        shuffle=shuffle,
        drop_last=drop_last,
        transform=transform,
        augment=augment,
    )


def read_fashion_mnist(data_dir: str | os.PathLike | None = None) -> DatasetFiles:
    """Return the arrays of Fashion-MNIST: images uint8 (n, 28, 28), labels uint8 (n,).

    The files are not read with torchvision: importing it takes 1 s, reading them takes 0.1 s.
    """
    files = read_files(data_dir)  # verified, so their IDX headers are known: 16 bytes, and 8
    images, test_images = (
        np.frombuffer(file, np.uint8, offset=16).reshape(-1, 28, 28) for file in files[::2]
    )
    labels, test_labels = (np.frombuffer(file, np.uint8, offset=8) for file in files[1::2])
    train = LabelledArrays(images, labels, Path("train-images-idx3-ubyte"))
    test = LabelledArrays(test_images, test_labels, Path("t10k-images-idx3-ubyte"))
    return DatasetFiles(train, test, CLASSES)


def hold_out_last(data: DatasetFiles, number: int) -> DatasetFiles:
    """Hold out the last `number` training examples for validation.

    Raises DatasetError if that is not possible.
    """
    n = len(data.train.labels)
    check_validation(number, n)
    if not number:
        return data
    train, valid = (
        data.train._replace(examples=data.train.examples[part], labels=data.train.labels[part])
        for part in (slice(n - number), slice(n - number, n))
    )
    return data._replace(train=train, valid=valid)


def get_fashion_mnist_labels(labels: Iterable[float]) -> list[str]:
    """Return the names of the classes with the given indices, 0 to 9.

    Raises IndexError for an index outside this range, ValueError for one with a fraction.
    """
    indices = [float(label) for label in labels]
    for index in indices:
        if not index.is_integer():
            raise ValueError(f"label {index} is not a whole number")
        if not 0 <= index < len(CLASSES):
            raise IndexError(f"label {index:.0f} is not one of 0 to {len(CLASSES) - 1}")
    return [CLASSES[int(index)] for index in indices]
