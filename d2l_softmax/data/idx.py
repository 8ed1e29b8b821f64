"""Data sets in IDX files (LeCun's format), as MNIST, Fashion-MNIST and EMNIST have them."""

import gzip
import math
import re
import struct
import zlib
from pathlib import Path

import numpy as np

from d2l_softmax.data.arrays import DatasetError, DatasetFiles, read_dataset

# "train-images-idx3-ubyte" as in MNIST, "emnist-letters-train-…", "train-images.idx3-ubyte"
FILE_NAME = re.compile(r"(.+-)?(train|t10k|test)-(images|labels)[-.]idx\d-ubyte(\.gz)?")
UINT8 = 0x08
MAX_HEADER = 4 + 4 * 255  # bytes: the number of dimensions is one byte


def find_idx(path: Path, size: list[int] | None = None) -> DatasetFiles | None:
    """Return the data of a directory's IDX files or of its folder `raw`, None without such files.

    An uncompressed file is preferred to its .gz. `size` is not used: images are resized when they
    are looked up. Raises DatasetError if the files are of several data sets, or can't be used.
    """
    files, prefixes = {}, set()
    for folder in (path, path / "raw", *sorted(path.glob("*/raw"))):  # the last: torchvision's
        for file in sorted(folder.glob("*"), reverse=True):  # .gz first
            if match := FILE_NAME.fullmatch(file.name):
                prefix, split, kind, _ = match.groups()
                prefixes.add(prefix or "")
                files[f"{'train' if split == 'train' else 'test'}_{kind}"] = file
        if files:
            break
    if len(prefixes) > 1:
        raise DatasetError(
            f"{path} has the files of {len(prefixes)} data sets, "
            f"{' and '.join(sorted(prefixes))[:60]}; give each a directory of its own"
        )
    return read_dataset(path, files, read_idx) if files else None


def read_idx(path: Path) -> np.ndarray:
    """Return the uint8 array of an IDX file, mapped if it isn't compressed; or DatasetError."""
    try:
        if path.suffix != ".gz":
            return parse_idx(np.memmap(path, np.uint8, "r"))
        with gzip.open(path) as file:
            start = file.read(MAX_HEADER)
            shape, offset = parse_header(np.frombuffer(start, np.uint8))
            rest = file.read(max(0, offset + math.prod(shape) + 1 - len(start)))
            return parse_idx(np.frombuffer(start + rest, np.uint8))
    except (
        ValueError,
        struct.error,
        EOFError,
        zlib.error,
        gzip.BadGzipFile,
        OverflowError,  # these two: a size that can't be read
        MemoryError,
    ) as error:
        raise DatasetError(f"{path} is damaged or no IDX file: {error}") from error
    except OSError as error:
        raise DatasetError(f"{path} can't be read: {error.strerror or error}") from error


def parse_idx(content: np.ndarray) -> np.ndarray:
    """Return the uint8 array in the bytes (n,) of an IDX file, without a copy.

    Raises ValueError or struct.error if the bytes are not those of such an array.
    """
    shape, offset = parse_header(content)
    if not len(content) - offset == math.prod(shape) > 0:
        raise ValueError(f"{len(content) - offset:,} bytes follow, for shape {shape}")
    return content[offset:].reshape(shape)


def parse_header(content: np.ndarray) -> tuple[tuple[int, ...], int]:
    """Return shape and offset of the array in the bytes (n,) of an IDX file."""
    start = content[:MAX_HEADER].tobytes()
    zeros, kind, dimensions = struct.unpack_from(">HBB", start)
    if zeros or kind != UINT8:
        raise ValueError(f"it begins with {start[:4].hex()}, expected 000008 and dimensions")
    return struct.unpack_from(f">{dimensions}I", start, 4), 4 + 4 * dimensions
