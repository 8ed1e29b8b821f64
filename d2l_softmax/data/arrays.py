"""Labelled arrays of a data set, and the checks that all formats share."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from d2l_softmax.errors import UserError

CLASSES_FILE = "classes.txt"
LARGE = 1_000_000_000  # bytes; a larger array is mapped from its file, not read into memory
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


class DatasetError(UserError, ValueError):
    """A data set can't be used; the message names the file and the reason."""


class LabelledArrays(NamedTuple):
    """Examples (n, ...), integer labels (n,), and the file that error messages name."""

    examples: np.ndarray
    labels: np.ndarray
    path: Path


class DatasetFiles(NamedTuple):
    """The arrays of a data set; `test`, `valid` and `names` of classes are None if there are none.

    `names` are those of the labels in ascending order, or of the labels 0, 1, 2, ….
    """

    train: LabelledArrays
    test: LabelledArrays | None
    names: Sequence[str] | None
    valid: LabelledArrays | None = None


def read_dataset(
    path: Path, files: dict[str, Path], read: Callable[[Path], np.ndarray]
) -> DatasetFiles:
    """Read and check the files of a data set, given by their names in ARRAYS; test data may lack.

    Raises DatasetError if a file is missing or can't be used.
    """
    has_test = any(name.startswith("test") for name in files)
    expected = ARRAYS if has_test else ARRAYS[:2]
    if missing := [name for name in expected if name not in files]:
        raise DatasetError(
            f"{path} has {', '.join(sorted(file.name for file in files.values()))}, but no "
            f"{' and no '.join(missing)}"
        )
    splits = []
    for name in ("train", "test") if has_test else ("train",):
        images, labels = files[f"{name}_images"], files[f"{name}_labels"]
        examples, y = read(images), read(labels)
        check_examples(examples, images)
        check_labels(y, labels)
        if len(examples) != len(y):
            raise DatasetError(
                f"{images} has {len(examples):,} examples, but {labels} has {len(y):,} labels"
            )
        splits.append(LabelledArrays(examples, np.array(y, dtype=np.int64), images))
    return DatasetFiles(splits[0], splits[1] if has_test else None, read_names(path / CLASSES_FILE))


def check_examples(examples: np.ndarray, path: Path) -> None:
    """Raise DatasetError unless examples are images of uint8 or features of floats, in C order."""
    given = f"{path} has {examples.dtype} {examples.shape}"
    if not examples.dtype.isnative:
        raise DatasetError(f"{given}, in another byte order than this machine's")
    is_images = examples.dtype == np.uint8 and examples.ndim in (3, 4)
    is_features = examples.dtype.name in ("float16", "float32", "float64") and examples.ndim == 2
    if not (is_images or is_features) or examples.size == 0:
        raise DatasetError(
            f"{given}, expected images (n, h, w) or (n, h, w, c) of uint8, or features (n, d) of "
            "float32"
        )
    if not examples.flags.c_contiguous:
        raise DatasetError(
            f"{given} in Fortran order, where an example is spread over the whole file; save "
            "numpy.ascontiguousarray of it"
        )


def check_labels(labels: np.ndarray, path: Path) -> None:
    """Raise DatasetError unless labels are integers (n,) below 2**63."""
    given = f"{path} has {labels.dtype} {labels.shape}"
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not len(labels):
        raise DatasetError(f"{given}, expected whole numbers (n,)")
    if labels.dtype == np.uint64 and labels.max() > np.iinfo(np.int64).max:
        raise DatasetError(f"{given}, up to {labels.max()}; expected less than 2**63")


def check_splits(train: LabelledArrays, test: LabelledArrays) -> None:
    """Raise DatasetError unless test data have the shape, kind and classes of the training data."""
    kinds = [(split.examples.shape[1:], split.examples.dtype.kind) for split in (train, test)]
    if kinds[0] != kinds[1]:
        descriptions = (f"{s.path}: {s.examples.shape} {s.examples.dtype}" for s in (train, test))
        raise DatasetError(f"training and test examples differ: {', '.join(descriptions)}")
    is_unknown = ~np.isin(test.labels, train.labels)
    unknown, counts = np.unique(test.labels[is_unknown], return_counts=True)
    if len(unknown):
        raise DatasetError(
            f"{test.path} has the label {unknown[0]} ({counts[0]:,} times), which {train.path} "
            f"has not{and_more(len(unknown) - 1)}"
        )


def read_names(path: Path) -> list[str] | None:
    """Read the names of classes, one per line; None if there is no such file."""
    try:
        names = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} can't be read as UTF-8 text: {error}") from error
    while names and not names[-1]:
        names.pop()
    if not all(names) or len(set(names)) < len(names):
        raise DatasetError(f"{path} has an empty line or a name twice; expected one name per class")
    return names


def and_more(number: int) -> str:
    """Return the end of a message that names the first of several problems."""
    return f"; the same is true of {number:,} more" if number else ""
