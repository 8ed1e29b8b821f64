"""Collect the arrays of a data set, and check them; shared by all formats."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from d2l_softmax.data.convert import find_white, to_examples, to_labels
from d2l_softmax.data.files import reading_text
from d2l_softmax.data.names import SPLITS
from d2l_softmax.errors import DatasetError

CLASSES_FILE = "classes.txt"
LARGE = 1_000_000_000  # bytes; a larger array is mapped from its file, not read into memory
MAX_NAMES_BYTES = 10_000_000  # of a file of class names


class LabelledArrays(NamedTuple):
    """Examples (n, ...), labels (n,) as integers or text, and their source, for messages."""

    examples: np.ndarray
    labels: np.ndarray
    path: Path | str


class DatasetFiles(NamedTuple):
    """The arrays of a data set; `test`, `valid` and `names` are None if the data set lacks them.

    `names` are the class names, in ascending order of the labels. `notes` explain how ambiguous
    data were interpreted.
    """

    train: LabelledArrays
    test: LabelledArrays | None
    names: Sequence[str] | None
    valid: LabelledArrays | None = None
    notes: tuple[str, ...] = ()


def make_dataset(
    arrays: Mapping[str, tuple[np.ndarray, Path | str]],
    path: Path,
    names: Sequence[str] | None = None,
) -> DatasetFiles:
    """Convert and check the arrays of a data set; the default names are those in classes.txt.

    `arrays` maps roles, "train_images", "train_labels", "test_images" and so on, to arrays and
    their sources. Raises DatasetError if an array is missing or can't be used; the message names
    the data set, `path`, or the source.
    """
    folder = path if path.is_dir() else path.parent
    names = names or read_names(folder / CLASSES_FILE)
    splits, notes = {}, []
    white = find_white([array for name, (array, _) in arrays.items() if name.endswith("images")])
    for split in SPLITS:
        images, labels = (arrays.get(f"{split}_{kind}") for kind in ("images", "labels"))
        if images and not labels and split == "test":  # as in competitions
            notes.append(f"{images[1]} has no labels, not used")
            continue
        if not (images and labels):
            if images or labels or split == "train":
                missing = f"{split}_{'labels' if images else 'images'}"
                there = ", ".join(str(source) for _, source in arrays.values())
                raise DatasetError(f"{path} has {there}, but no {missing}")
            continue
        examples, example_notes = to_examples(*images, white)
        y, label_notes = to_labels(*labels)
        notes += [note for note in (*example_notes, *label_notes) if note not in notes]
        if len(examples) != len(y):
            raise DatasetError(
                f"{images[1]} has {len(examples):,} examples, but {labels[1]} has {len(y):,} labels"
            )
        splits[split] = LabelledArrays(examples, y, images[1])
    return DatasetFiles(
        splits["train"], splits.get("test"), names, splits.get("valid"), tuple(notes)
    )


def check_splits(train: LabelledArrays, test: LabelledArrays) -> None:
    """Raise DatasetError unless test data have the shape, kind and classes of the training data."""
    kinds = [(split.examples.shape[1:], split.examples.dtype.kind) for split in (train, test)]
    if kinds[0] != kinds[1]:
        descriptions = (f"{s.path}: {s.examples.shape} {s.examples.dtype}" for s in (train, test))
        raise DatasetError(f"training and test examples differ: {', '.join(descriptions)}")
    if (train.labels.dtype.kind == "U") != (test.labels.dtype.kind == "U"):
        raise DatasetError(
            f"{train.path} and {test.path} have different types of labels: text and numbers"
        )
    is_unknown = ~np.isin(test.labels, train.labels)
    unknown, counts = np.unique(test.labels[is_unknown], return_counts=True)
    if len(unknown):
        raise DatasetError(
            f"{test.path} has the label {unknown[0]} ({counts[0]:,} times), which {train.path} "
            f"lacks{and_more(len(unknown) - 1)}"
        )


def read_names(path: Path) -> list[str] | None:
    """Read the names of classes, one per line; None if there is no such file."""
    if not os.path.lexists(path):
        return None
    with reading_text(path, "UTF-8 text", MAX_NAMES_BYTES):
        names = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    while names and not names[-1]:
        names.pop()
    if not all(names) or len(set(names)) < len(names):
        raise DatasetError(
            f"{path} has an empty line or a repeated name; expected one name per class"
        )
    return names


def and_more(number: int) -> str:
    """Return the end of a message on the first of several equal problems; "" for no more."""
    return f"; the same is true of {number:,} more" if number else ""
