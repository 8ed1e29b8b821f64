"""Custom data: load_data, with the conventions of load_data_fashion_mnist."""

import os
from pathlib import Path

import torch

from d2l_softmax.data.arrays import ARRAYS, DatasetError, DatasetFiles, check_splits
from d2l_softmax.data.batches import ArrayLoader, parse_size
from d2l_softmax.data.idx import find_idx
from d2l_softmax.data.loaders import check_arguments, make_loaders
from d2l_softmax.data.npy import find_npy

LAYOUTS = (
    "train/CLASS/… and test/CLASS/… with images, the four IDX files of MNIST, or "
    + ", ".join(f"{name}.npy" for name in ARRAYS)
)


def load_data(
    path: str | os.PathLike,
    batch_size: int,
    resize: int | tuple[int, int] | None = None,
    *,
    device: torch.device | str | None = "cpu",
    dtype: torch.dtype = torch.float32,
    generator: torch.Generator | None = None,
    test_batch_size: int | None = None,
    validation: int = 0,
    shuffle: str = "auto",
) -> tuple[ArrayLoader, ...]:
    """Return (train_iter, test_iter) for a custom data set, a directory.

    The directory has one of these:

    - image files in `train/CLASS/…` and `test/CLASS/…`, gray or in colour, all of one size, or of
      any size with `resize`; they are read once and cached as arrays;
    - four IDX files as MNIST has them, plain or .gz;
    - `train_images.npy`, `train_labels.npy`, `test_images.npy`, `test_labels.npy`: images (n, h, w)
      or (n, h, w, c) of uint8, or features (n, d) of floating-point numbers; labels (n,) are any
      integers.

    X is images (n, c, h, w) in [0, 1], or features (n, d) unchanged; y is int64, 0 to q - 1, in the
    order of the labels in the files. `classes.txt` names the classes in that order, one per line.
    Without test data a tenth of each class is held out for it, always the same examples.

    With `validation`, that number of training examples is held out at random, always the same, and
    (train_iter, test_iter, valid_iter) is returned. Training data are shuffled for every epoch:
    completely ("full"), or by blocks, which reads a disk nearly sequentially ("block"). "auto"
    takes "block" for arrays of more than 1 GB, which are mapped from their files. The other
    arguments are those of load_data_fashion_mnist.

    Raises DatasetError if the data can't be used, ValueError for other arguments.
    """
    check_arguments(batch_size, test_batch_size, shuffle)
    return make_loaders(
        find_dataset(Path(path), parse_size(resize)),
        batch_size,
        resize,
        device=device,
        dtype=dtype,
        generator=generator,
        test_batch_size=test_batch_size,
        validation=validation,
        shuffle=shuffle,
    )


def find_dataset(path: Path, size: list[int]) -> DatasetFiles:
    """Return the data of a directory in any of the formats; DatasetError if it has none of them.

    Images in files are resized to `size`, [h, w], unless that is empty.
    """
    if not path.is_dir():
        problem = "is not a directory" if path.exists() else "does not exist"
        raise DatasetError(f"{path} {problem}; a data set is a directory with {LAYOUTS}")
    from d2l_softmax.data.folders import find_image_folder  # imports Pillow, 0.1 s

    for find in (find_image_folder, find_npy, find_idx):
        if data := find(path, size):
            break
    else:
        raise DatasetError(f"{path} has no data in a known format: {LAYOUTS}")
    if size and data.train.examples.ndim == 2:
        raise DatasetError(f"{data.train.path} has features;", "leave {resize} out")
    if data.test:
        check_splits(data.train, data.test)
    return data
