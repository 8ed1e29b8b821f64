"""Data in files of arrays: NumPy's .npy, mapped from the disk, and IDX, as MNIST has them."""

import gzip
import math
import re
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from d2l_softmax.errors import UserError

CLASSES_FILE = "classes.txt"
LARGE = 1_000_000_000  # bytes; a larger array stays in its file
# "train-images-idx3-ubyte" as in MNIST, "emnist-letters-train-…", "train-images.idx3-ubyte"
IDX_NAME = re.compile(r"(.+-)?(train|t10k|test)-(images|labels)[-.]idx\d-ubyte(\.gz)?")
IDX_UINT8 = 0x08
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


class DatasetError(UserError, ValueError):
    """A data set can't be used; the message names the file and says why."""


class Split(NamedTuple):
    """Examples (n, ...), labels (n,) of any whole numbers, and the file that errors name."""

    examples: np.ndarray
    labels: np.ndarray
    path: Path


class Found(NamedTuple):
    """Training data, test data if there are any, and names of the classes if there are any."""

    train: Split
    test: Split | None
    names: Sequence[str] | None


def find_arrays(path: Path) -> Found | None:
    """Return the data of a directory with .npy or IDX files, None if it has neither."""
    files = find_npy(path) or find_idx(path)
    if not files:
        return None
    has_test = any(name.startswith("test") for name in files)
    expected = ARRAYS if has_test else ARRAYS[:2]
    if missing := [name for name in expected if name not in files]:
        raise DatasetError(
            f"{path} has {', '.join(sorted(file.name for file in files.values()))}, but no "
            f"{' and no '.join(missing)}"
        )
    train = read_split(files["train_images"], files["train_labels"])
    test = read_split(files["test_images"], files["test_labels"]) if has_test else None
    return Found(train, test, read_names(path / CLASSES_FILE))


def find_npy(path: Path) -> dict[str, Path]:
    """Return the .npy files of a data set, by what they are, such as `train_images`."""
    return {name: file for name in ARRAYS if (file := path / f"{name}.npy").exists()}


def find_idx(path: Path) -> dict[str, Path]:
    """Return the IDX files of a data set, by what they are; in torchvision's folder `raw`, too.

    Where a file is there plain and as .gz, the plain one is taken. DatasetError if the files are
    those of several data sets.
    """
    files, prefixes = {}, set()
    for folder in (path, path / "raw", *sorted(path.glob("*/raw"))):
        for file in sorted(folder.glob("*"), reverse=True):  # .gz first
            if match := IDX_NAME.fullmatch(file.name):
                prefix, split, kind, _ = match.groups()
                prefixes.add(prefix or "")
                files[f"{'train' if split == 'train' else 'test'}_{kind}"] = file
        if files:
            break
    if len(prefixes) > 1:
        raise DatasetError(
            f"{path} has the files of {len(prefixes)} data sets, "
            f"{' and '.join(sorted(prefixes))[:60]}; keep those of one in a directory of its own"
        )
    return files


def read_split(images: Path, labels: Path) -> Split:
    """Return the examples and labels of two files, checked; the examples stay on the disk."""
    read = read_npy if images.suffix == ".npy" else read_idx
    split = Split(read(images), read(labels), images)
    check_examples(split)
    check_labels(split.labels, labels)
    if len(split.examples) != len(split.labels):
        raise DatasetError(
            f"{images} has {len(split.examples):,} examples, but {labels} has "
            f"{len(split.labels):,} labels"
        )
    return split._replace(labels=np.array(split.labels, dtype=np.int64))


def read_npy(path: Path) -> np.ndarray:
    """Return an array mapped from its file; DatasetError if that is damaged or no .npy file."""
    try:
        return np.lib.format.open_memmap(path, mode="r")  # no Python object is ever unpickled
    except OSError as error:
        raise DatasetError(f"{path} can't be read: {error.strerror or error}") from error
    except (ValueError, SyntaxError, TypeError, EOFError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise DatasetError(f"{path} is damaged or no array that can be used: {reason}") from error


def read_idx(path: Path) -> np.ndarray:
    """Return the uint8 array of an IDX file (LeCun's format), mapped if it isn't compressed."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            start = file.read(4)
            zeros, kind, dimensions = struct.unpack(">HBB", start)
            if zeros or kind != IDX_UINT8:
                raise ValueError(f"it begins with {start.hex()}, expected 000008 and dimensions")
            shape = struct.unpack(f">{dimensions}I", file.read(4 * dimensions))
            if path.suffix != ".gz":
                check_size(path.stat().st_size - file.tell(), shape)
                return np.memmap(path, np.uint8, "r", file.tell(), shape)
            content = file.read(math.prod(shape) + 1)
            check_size(len(content), shape)
            return np.frombuffer(content, np.uint8).reshape(shape)
    except (ValueError, struct.error, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DatasetError(f"{path} is damaged or no IDX file: {error}") from error
    except OSError as error:
        raise DatasetError(f"{path} can't be read: {error.strerror or error}") from error


def check_size(number: int, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless a file has as many bytes as its shape says, and at least one."""
    if not number == math.prod(shape) > 0:
        raise ValueError(f"{number:,} bytes follow, for shape {shape}")


def check_examples(split: Split) -> None:
    """Raise DatasetError unless examples are images of uint8 or features of floats, in C order."""
    examples, came = (
        split.examples,
        f"{split.path} has {split.examples.dtype} {split.examples.shape}",
    )
    if not examples.dtype.isnative:
        raise DatasetError(f"{came}, in another byte order than this machine's")
    is_images = examples.dtype == np.uint8 and examples.ndim in (3, 4)
    is_features = examples.dtype.name in ("float16", "float32", "float64") and examples.ndim == 2
    if not (is_images or is_features) or examples.size == 0:
        raise DatasetError(
            f"{came}, expected images (n, h, w) or (n, h, w, c) of uint8, or features (n, d) of "
            "float32"
        )
    if not examples.flags.c_contiguous:
        raise DatasetError(
            f"{came} in Fortran order, in which an example is spread over the whole file; save "
            "numpy.ascontiguousarray of it"
        )


def check_labels(labels: np.ndarray, path: Path) -> None:
    """Raise DatasetError unless labels are whole numbers (n,)."""
    came = f"{path} has {labels.dtype} {labels.shape}"
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not len(labels):
        raise DatasetError(f"{came}, expected whole numbers (n,)")
    if labels.dtype == np.uint64 and labels.max() > np.iinfo(np.int64).max:
        raise DatasetError(f"{came}, up to {labels.max()}; expected less than 2**63")


def read_names(path: Path) -> list[str] | None:
    """Return the names of classes, a line each, None if there is no such file."""
    try:
        names = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} can't be read as UTF-8 text: {error}") from error
    while names and not names[-1]:
        names.pop()
    if not all(names) or len(set(names)) < len(names):
        raise DatasetError(f"{path} has an empty line, or a name twice; expected a name a class")
    return names


def and_more(number: int) -> str:
    """Return what follows the first of several things that are wrong."""
    return f"; the same is true of {number:,} more" if number else ""
