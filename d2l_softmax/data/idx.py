"""Read IDX files (LeCun's format), the format of MNIST, Fashion-MNIST, KMNIST and EMNIST."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from d2l_softmax.data.arrays import (
    CLASSES_FILE,
    LARGE,
    DatasetFiles,
    make_dataset,
    read_names,
)
from d2l_softmax.data.files import reading
from d2l_softmax.data.names import group_by_role, kind_of, words_of
from d2l_softmax.errors import DatasetError

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MAX_HEADER = 4 + 4 * 255  # bytes: the number of dimensions is one byte
UPRIGHT = "EMNIST's images, stored transposed, are turned upright"


def find_idx(path: Path, size: list[int] | None = None) -> DatasetFiles | None:
    """Read the data set in a directory's IDX files; None if there are no such files.

    Files are recognized by their names or first bytes, and their roles by their names. They may be
    in a folder `raw`, as torchvision stores them, or each in a folder of the same name. They may be
    compressed; an uncompressed file is preferred. `size` is not used: images are resized on
    look-up.

    Raises DatasetError if the files belong to several data sets, or can't be used.
    """
    if not path.is_dir():
        return None
    for folder in (path, path / "raw", *sorted(path.glob("*/raw"))):
        files = {}
        for entry in sorted(folder.glob("*"), reverse=True):  # the uncompressed file replaces .gz
            file = entry / entry.name if entry.is_dir() else entry
            if kind_of(entry.name) and ("ubyte" in entry.name or is_idx(file)):
                files[entry.name.removesuffix(".gz")] = file
        if roles := group_by_role(files):
            break
    else:
        return None
    if several := [names for names in roles.values() if len(names) > 1]:
        raise DatasetError(
            f"{path} has the files of several data sets: {', '.join(sorted(several[0])[:3])}; give "
            "each a directory of its own"
        )
    arrays = {role: (read_idx(files[name]), files[name]) for role, (name,) in roles.items()}
    is_emnist = any("emnist" in words_of(name) for name in files)
    if is_emnist:
        arrays |= {
            role: (array.swapaxes(1, 2), file)
            for role, (array, file) in arrays.items()
            if array.ndim == 3
        }
    data = make_dataset(arrays, read_names(path / CLASSES_FILE), path)
    return data._replace(notes=(*data.notes, UPRIGHT)) if is_emnist else data


def is_idx(path: Path) -> bool:
    """Return True if a regular file, decompressed if it is .gz, begins like an IDX file."""
    if not path.is_file():
        return False
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            start = file.read(4)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return False
    except OSError:
        return True  # read_idx will report the error
    return len(start) == 4 and start[:2] == b"\0\0" and start[2] in TYPES


def read_idx(path: Path) -> np.ndarray:
    """Return the array in an IDX file, memory-mapped unless compressed; or raise DatasetError."""
    with reading(path, "an IDX file"):
        if path.suffix != ".gz":
            return parse_idx(np.memmap(path, np.uint8, "r"))
        with gzip.open(path) as file:
            start = file.read(MAX_HEADER)
            dtype, shape, offset = parse_header(np.frombuffer(start, np.uint8))
            if size_of(dtype, shape) > LARGE:
                raise DatasetError(f"{path} claims more than {LARGE:,} bytes; decompress it")
            rest = file.read(max(0, offset + size_of(dtype, shape) + 1 - len(start)))
            return parse_idx(np.frombuffer(start + rest, np.uint8))


def parse_idx(content: np.ndarray) -> np.ndarray:
    """Return the array in the bytes (n,) of an IDX file, without a copy.

    Raises ValueError or struct.error if they are not a valid IDX file.
    """
    dtype, shape, offset = parse_header(content)
    if not len(content) - offset == size_of(dtype, shape) > 0:
        raise ValueError(f"it has {len(content) - offset:,} bytes of data for shape {shape}")
    return content[offset:].view(dtype).reshape(shape)


def parse_header(content: np.ndarray) -> tuple[np.dtype, tuple[int, ...], int]:
    """Return dtype, shape and byte offset of the array in the bytes (n,) of an IDX file."""
    start = content[:MAX_HEADER].tobytes()
    zeros, kind, dimensions = struct.unpack_from(">HBB", start)
    if zeros or kind not in TYPES:
        raise ValueError(f"it begins with {start[:4].hex()}, expected 000008 and dimensions")
    shape = struct.unpack_from(f">{dimensions}I", start, 4)
    return np.dtype(TYPES[kind]), shape, 4 + 4 * dimensions


def size_of(dtype: np.dtype, shape: tuple[int, ...]) -> int:
    """Return the number of bytes of an array."""
    return math.prod(shape) * dtype.itemsize
