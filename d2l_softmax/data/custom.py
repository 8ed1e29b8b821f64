"""One's own data: load_data, with the conventions of load_data_fashion_mnist."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from d2l_softmax.data.arrays import (
    ARRAYS,
    CLASSES_FILE,
    LARGE,
    DatasetError,
    Found,
    Split,
    and_more,
    find_arrays,
)
from d2l_softmax.data.batches import (
    ArrayDataset,
    ArrayLoader,
    check_shuffle,
    is_whole,
    sides_of,
    sizes_of_batches,
)

LAYOUTS = (
    "train/CLASS/… and test/CLASS/… with pictures, the four IDX files of MNIST, or "
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
    """Return (train_iter, test_iter) for one's own data, in a directory.

    The directory has one of these:

    - pictures in `train/CLASS/…` and `test/CLASS/…`, gray or in colour, all of one size, or of any
      with `resize`; they are read once and kept as arrays;
    - the four IDX files of MNIST and its like, plain or .gz;
    - `train_images.npy`, `train_labels.npy`, `test_images.npy`, `test_labels.npy`: images (n, h, w)
      or (n, h, w, c) of uint8, or features (n, d) of floating-point numbers; labels (n,) of any
      whole numbers.

    X is images (n, c, h, w) in [0, 1], or features (n, d) as they are; y is int64, 0 to q - 1, in
    the order of the labels in the files. `classes.txt` names the classes in that order, a line
    each. Without test data a tenth of each class is taken from the training data, always the same.

    Training data come in a new random order in every pass: any order ("full"), or one that reads a
    disk in long runs ("block"). "auto" takes the latter for arrays of more than 1 GB, which stay in
    their files. The other arguments are those of load_data_fashion_mnist, except that the
    examples held out for `validation` are drawn at random, always the same.

    Raises DatasetError, which says what is wrong with the data; ValueError for other arguments.
    """
    batch_size, test_batch_size = sizes_of_batches(batch_size, test_batch_size)
    check_shuffle(shuffle)
    train, test, names = find(Path(path), sides_of(resize))
    values = np.unique(train.labels)
    classes = name_classes(values, names, train)
    in_blocks = shuffle == "block" or (shuffle == "auto" and train.examples.nbytes > LARGE)
    y = as_classes(train, values)
    rows, test_rows, valid_rows = choose_rows(y, test is not None, validation)
    train = read_unless_large(train)
    test = train if test is None else read_unless_large(test)

    def loader(split: Split, rows: Tensor | None, size: int, **order: Any) -> ArrayLoader:
        dataset = ArrayDataset(
            split.examples,
            y if split is train else as_classes(split, values),
            classes,
            resize=resize,
            dtype=dtype,
            device=device,
            rows=rows,
            name=str(split.path),
        )
        return ArrayLoader(dataset, size, **order)

    train_iter = loader(
        train, rows, batch_size, shuffle=True, by_blocks=in_blocks, generator=generator
    )
    test_iter = loader(test, test_rows, test_batch_size)
    if valid_rows is None:
        return train_iter, test_iter
    return train_iter, test_iter, loader(train, valid_rows, test_batch_size)


def find(path: Path, sides: list[int]) -> Found:
    """Return what a directory has, whichever its layout; DatasetError if that is none of them."""
    if not path.is_dir():
        what = "is not a directory" if path.exists() else "does not exist"
        raise DatasetError(f"{path} {what}; a data set is a directory with {LAYOUTS}")
    from d2l_softmax.data.folders import find_pictures  # and with it Pillow, 0.1 s

    found = find_pictures(path, sides) or find_arrays(path)
    if not found:
        raise DatasetError(f"{path} has no data that are known here: {LAYOUTS}")
    if sides and found.train.examples.ndim == 2:
        raise DatasetError(f"{found.train.path} has features;", "leave {resize} out")
    if found.test:
        check_that_splits_fit(found.train, found.test)
    return found


def check_that_splits_fit(train: Split, test: Split) -> None:
    """Raise DatasetError unless training and test data have the same shape, type and classes."""
    kinds = [(split.examples.shape[1:], split.examples.dtype.kind) for split in (train, test)]
    if kinds[0] != kinds[1]:
        descriptions = (f"{s.path}: {s.examples.shape} {s.examples.dtype}" for s in (train, test))
        raise DatasetError(f"training and test examples differ: {', '.join(descriptions)}")
    unknown, counts = np.unique(
        test.labels[~np.isin(test.labels, train.labels)], return_counts=True
    )
    if len(unknown):
        raise DatasetError(
            f"{test.path} has the label {unknown[0]} ({counts[0]:,} times), which {train.path} "
            f"has not{and_more(len(unknown) - 1)}"
        )


def name_classes(values: np.ndarray, names: Sequence[str] | None, train: Split) -> Sequence[str]:
    """Return a name for each of the labels that the training data have; DatasetError if none fit.

    The names are given for these labels in their order, or for 0, 1, 2 and so on.
    """
    if len(values) < 2:
        raise DatasetError(
            f"{train.path}: all examples are of one class, {values[0]}; expected two or more"
        )
    if names is None:
        return [str(value) for value in values]
    if len(names) == len(values):
        return names
    if values[0] >= 0 and values[-1] < len(names):
        missing = [k for k in range(len(names)) if k not in values]
        raise DatasetError(
            f"{CLASSES_FILE} has {len(names)} names, but {train.path} has no example of "
            f"{names[missing[0]]!r}{and_more(len(missing) - 1)}"
        )
    raise DatasetError(
        f"{CLASSES_FILE} has {len(names)} names, but {train.path} has {len(values)} different "
        f"labels, from {values[0]} to {values[-1]}"
    )


def as_classes(split: Split, values: np.ndarray) -> Tensor:
    """Return the labels (n,) as numbers of classes, 0 to q - 1, int64."""
    return torch.from_numpy(np.searchsorted(values, split.labels))


def read_unless_large(split: Split) -> Split:
    """Return a split with its examples in memory, or, if they are large, mapped as they are."""
    if split.examples.nbytes > LARGE:
        return split
    return split._replace(examples=np.array(split.examples))


def choose_rows(
    y: Tensor, has_test_data: bool, validation: int
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the rows of the training data to train on, to test on and to validate on.

    None stands for all rows to train on, and for none to validate on; and for test data of its
    own, all of them.
    """
    rows = test_rows = None
    if not has_test_data:
        drawn = stratified_holdout(y)
        rows, test_rows = torch.where(~drawn)[0], torch.where(drawn)[0]
    rows, valid_rows = hold_out(rows, len(y), validation)
    return rows, test_rows, valid_rows


def stratified_holdout(y: Tensor) -> Tensor:
    """Return a mask (n,) of a tenth of each class, always the same; of two examples it has one."""
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    by_class = order[y[order].argsort(stable=True)]
    sizes = torch.bincount(y)
    places = torch.arange(len(y)) - (sizes.cumsum(0) - sizes).repeat_interleave(sizes)
    tenth = torch.where(sizes > 1, (sizes // 10).clamp(min=1), 0)
    mask = torch.zeros(len(y), dtype=torch.bool)
    mask[by_class[places < tenth.repeat_interleave(sizes)]] = True
    return mask


def hold_out(rows: Tensor | None, n: int, number: int) -> tuple[Tensor | None, Tensor | None]:
    """Return the rows to train on and, drawn at random and always the same, those held out.

    None stands for all n rows, or for none held out. Raises DatasetError if none would be left.
    """
    if number == 0:
        return rows, None
    rows = torch.arange(n) if rows is None else rows
    if not (is_whole(number) and 0 < number < len(rows)):
        raise DatasetError(
            f"{number!r} of {len(rows):,} training examples can't be held out;",
            f"choose {{validation}} from 0 to {len(rows) - 1:,}",
        )
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))
    return rows[order[number:].sort().values], rows[order[:number].sort().values]
