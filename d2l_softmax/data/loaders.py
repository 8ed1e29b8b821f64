"""Create loaders from the arrays of a data set: name the classes and hold out examples."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from d2l_softmax.data.arrays import CLASSES_FILE, LARGE, DatasetFiles, LabelledArrays
from d2l_softmax.data.augmentation import Augmentation
from d2l_softmax.data.batches import ArrayDataset, ArrayLoader, is_positive_int
from d2l_softmax.errors import DatasetError

SHUFFLES = ("auto", "full", "block")


def make_loaders(
    data: DatasetFiles,
    batch_size: int,
    *,
    generator: torch.Generator | None,
    test_batch_size: int | None,
    validation: int,
    shuffle: str,
    drop_last: bool,
    augment: Augmentation | None,
    **how: Any,
) -> tuple[ArrayLoader, ...]:
    """Return (train_iter, test_iter), and valid_iter with `validation`.

    The arguments are those of load_data; `how` are those of ArrayDataset: `resize`, `dtype`,
    `device` and `transform`. Without test data, a tenth of each class is held out.

    Raises DatasetError if the classes or their names can't be used, or if no training example would
    be left.
    """
    if shuffle not in SHUFFLES:
        raise ValueError(f"shuffle is {shuffle!r}, expected one of {', '.join(SHUFFLES)}")
    valid = data.valid if validation else None
    splits = {"train": data.train, "test": data.test, "valid": valid}
    labels = [split.labels for name, split in splits.items() if split and name != "test"]
    values = np.unique(np.concatenate(labels))
    classes = name_classes(values, data.names, data.train)

    arrays = {name: load_split(split, values) for name, split in splits.items() if split}
    rows: dict[str, Tensor] = {}
    y = torch.from_numpy(arrays["train"].labels)
    if not data.test:
        arrays["test"], is_test = arrays["train"], stratified_holdout(y)
        if not is_test.any():
            raise DatasetError(
                f"{data.train.path} has one example of each class, so none can be held out for "
                "testing; expected test data, or two or more examples of a class"
            )
        rows |= {"train": torch.where(~is_test)[0], "test": torch.where(is_test)[0]}
    if validation and not valid:
        candidates = rows.get("train", torch.arange(len(y)))
        check_validation(validation, len(candidates))
        order = torch.randperm(len(candidates), generator=torch.Generator().manual_seed(0))
        arrays["valid"] = arrays["train"]
        rows["valid"] = candidates[order[:validation].sort().values]
        rows["train"] = candidates[order[validation:].sort().values]

    def loader(name: str, size: int, **order: Any) -> ArrayLoader:
        dataset = ArrayDataset(
            arrays[name].examples,
            torch.from_numpy(arrays[name].labels),
            classes,
            rows=rows.get(name),
            name=str(arrays[name].path),
            notes=data.notes,
            **how,
        )
        return ArrayLoader(dataset, size, **order)

    is_large = data.train.examples.nbytes > LARGE
    by_blocks = shuffle == "block" or (shuffle == "auto" and is_large)
    shuffled: dict[str, Any] = {"shuffle": True, "by_blocks": by_blocks, "generator": generator}
    train_iter = loader("train", batch_size, drop_last=drop_last, augment=augment, **shuffled)
    test_size = batch_size if test_batch_size is None else test_batch_size
    return train_iter, *(loader(name, test_size) for name in ("test", "valid") if name in arrays)


def load_split(split: LabelledArrays, values: np.ndarray) -> LabelledArrays:
    """Read examples into memory, unless they are large, and replace labels by 0 to q - 1."""
    examples = split.examples
    if isinstance(examples, np.memmap) and examples.nbytes <= LARGE:
        examples = np.array(examples)
    return split._replace(examples=examples, labels=np.searchsorted(values, split.labels))


def name_classes(
    values: np.ndarray, names: Sequence[str] | None, train: LabelledArrays
) -> Sequence[str]:
    """Return the class names: `names`, or the different labels `values`, sorted, as text.

    Labels of text name themselves. Raises DatasetError if there is only one class, if `names` does
    not have one name per class, or if it has others than labels of text.
    """
    if len(values) < 2:
        raise DatasetError(
            f"{train.path}: all examples are of one class, {values[0]}; expected two or more"
        )
    labels = [str(value) for value in values]
    if names is None:
        return labels
    if len(names) != len(values):
        raise DatasetError(
            f"{len(names)} class names are given, in {CLASSES_FILE} or with the data, but "
            f"{train.path} has {len(values)} different labels, from {values[0]} to {values[-1]}"
        )
    if values.dtype.kind == "U":
        if set(names) != set(labels):
            raise DatasetError(
                f"{train.path} has the labels {', '.join(labels[:8])}, but the given class names "
                f"are {', '.join(names[:8])}; labels that are text need no names"
            )
        return labels
    return names


def stratified_holdout(y: Tensor) -> Tensor:
    """Return a mask (n,) of a tenth of each class, at least one example; always the same.

    The only example of a class is not held out.
    """
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(len(y), dtype=torch.bool)
    by_class = order[y[order].argsort(stable=True)]
    for members in by_class.split(torch.bincount(y).tolist()):
        if len(members) > 1:
            mask[members[: max(1, len(members) // 10)]] = True
    return mask


def check_validation(validation: int, n: int) -> None:
    """Raise DatasetError unless `validation` is a whole number from 0 to n - 1."""
    if validation != 0 and not (is_positive_int(validation) and validation < n):
        raise DatasetError(
            f"can't hold out {validation!r} of {n:,} training examples;",
            f"choose {{validation}} from 0 to {n - 1:,}",
        )
