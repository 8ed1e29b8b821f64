"""Read IDX files (LeCun's format), the format of MNIST, Fashion-MNIST, KMNIST and EMNIST."""

import gzip
import math
import struct
from pathlib import Path

import numpy as np

from d2l_softmax.data.arrays import LARGE, DatasetFiles, make_dataset
from d2l_softmax.data.files import reading
from d2l_softmax.data.names import by_role, words_of
from d2l_softmax.errors import DatasetError

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
UPRIGHT = "EMNIST's images, stored transposed, are turned upright"


def find_idx(path: Path) -> DatasetFiles | None:
    """Read the data set in a directory's IDX files; None if there are no such files.

    Files are recognized by "idx" or "ubyte" in their names. They may be in a folder `raw`, as
    torchvision stores them, or each in a folder of the same name. They may be compressed; an
    uncompressed file is preferred. Raises DatasetError if the files belong to several data sets.
    """
    for folder in (path, path / "raw", *sorted(path.glob("*/raw"))):
        files = {}
        for entry in sorted(folder.glob("*"), reverse=True):  # the uncompressed file replaces .gz
            file = entry / entry.name if entry.is_dir() else entry
            if "idx" in entry.name or "ubyte" in entry.name:
                files[entry.name.removesuffix(".gz")] = file
        if roles := by_role(files, folder):
            break
    else:
        return None
    is_emnist = any("emnist" in words_of(name) for name in files)
    arrays = {}
    for role, name in roles.items():
        array = read_idx(files[name])
        array = array.swapaxes(1, 2) if is_emnist and array.ndim == 3 else array
        arrays[role] = array, files[name]
    data = make_dataset(arrays, path)
    return data._replace(notes=(*data.notes, UPRIGHT)) if is_emnist else data


def read_idx(path: Path) -> np.ndarray:
    """Return the array in an IDX file, memory-mapped unless compressed; or raise DatasetError."""
    is_zipped = path.suffix == ".gz"
    with reading(path, "an IDX file"), gzip.open(path) if is_zipped else open(path, "rb") as file:
        start = file.read(4)
        zeros, kind, dimensions = struct.unpack(">HBB", start)
        if zeros or kind not in TYPES:
            raise ValueError(f"it begins with {start.hex()}, expected 000008 and dimensions")
        shape = struct.unpack(f">{dimensions}I", file.read(4 * dimensions))
        dtype = np.dtype(TYPES[kind])
        size = math.prod(shape) * dtype.itemsize
        content: np.ndarray
        if not is_zipped:
            content = np.memmap(path, np.uint8, "r", offset=file.tell())
        elif size > LARGE:
            raise DatasetError(f"{path} claims more than {LARGE:,} bytes; decompress it")
        else:
            content = np.frombuffer(file.read(size + 1), np.uint8)
        if not len(content) == size > 0:
            raise ValueError(f"it has {len(content):,} bytes of data for shape {shape}")
        return content.view(dtype).reshape(shape)
