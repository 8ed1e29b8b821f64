"""Recognize split and kind in names such as `X_train`, `val_images`, `t10k-labels-idx1-ubyte`."""

import functools
import re
from collections.abc import Iterable
from pathlib import Path

from d2l_softmax.errors import DatasetError

SPLITS = {
    "train": {"train", "training", "trn"},
    "test": {"test", "testing", "t10k"},
    "valid": {"val", "valid", "validation", "dev"},
}
KINDS = {
    "images": {"x", "image", "images", "imgs", "data", "features", "inputs"},
    "labels": {"y", "label", "labels", "target", "targets"},
}
# Two words without a separator, such as "xtrain" and "trainX"
JOINED = re.compile(r"([xy])(train|test|val|valid)|(train|test|val|valid)([xy])")


def words_of(name: str) -> list[str]:
    """Split a name into words in lower case: `trainImages` and `train_images` have two."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    words = [word for word in re.split(r"[^0-9a-z]+", spaced.lower()) if word]
    split = [JOINED.fullmatch(word) for word in words]
    return [
        part
        for word, match in zip(words, split, strict=True)
        for part in (filter(None, match.groups()) if match else [word])
    ]


@functools.lru_cache
def split_of(name: str) -> str | None:
    """Return "train", "test" or "valid" if the name has words for one split only, else None."""
    words = set(words_of(name))
    found = [split for split, synonyms in SPLITS.items() if words & synonyms]
    return found[0] if len(found) == 1 else None


def kind_of(name: str) -> str | None:
    """Return "images" (also features) or "labels" if the name has a word for it, else None."""
    words = set(words_of(name))
    for kind in ("labels", "images"):  # "data_labels" are labels
        if words & KINDS[kind]:
            return kind
    return None


def is_submission(name: str) -> bool:
    """Return True for the name of a competition's table of made-up answers for the test data."""
    return "submission" in name.lower()


def by_role(names: Iterable[str], source: Path) -> dict[str, str]:
    """Return the name for each role: "train_images", "train_labels", "test_images" and so on.

    A name without a split, such as `X`, is for the training data. Names without a kind are left
    out. Raises DatasetError if two names have the same role.
    """
    roles: dict[str, str] = {}
    for name in sorted(names):
        if kind := kind_of(name):
            other = roles.setdefault(f"{split_of(name) or 'train'}_{kind}", name)
            if other != name:
                raise DatasetError(
                    f"{source} has {other} and {name} for the same array; keep one of them"
                )
    return roles
