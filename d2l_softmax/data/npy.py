"""Read data sets in NumPy's files: .npy, which are memory-mapped, and .npz."""

import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from d2l_softmax.data.arrays import (
    CLASSES_FILE,
    LARGE,
    DatasetFiles,
    make_dataset,
    read_names,
)
from d2l_softmax.data.files import reading
from d2l_softmax.data.names import group_by_role, split_of
from d2l_softmax.errors import DatasetError

NAMES = {"target_names", "class_names", "classes", "label_names"}  # arrays of class names in .npz


def find_npy(path: Path, size: list[int] | None = None) -> DatasetFiles | None:
    """Read the data set in a directory's .npy files, such as `X_train.npy`; None without any.

    `size` is not used: images are resized on look-up.
    """
    if not path.is_dir():
        return None
    files = {file.stem: file for file in sorted(path.glob("*.npy"))}
    roles = {role: [files[name] for name in names] for role, names in group_by_role(files).items()}
    if not roles:
        return None
    arrays = {
        role: (read_npy(only_file(each, path)), only_file(each, path))
        for role, each in roles.items()
    }
    return make_dataset(arrays, read_names(path / CLASSES_FILE), path)


def only_file(files: list[Path], path: Path) -> Path:
    """Return the only file for a role, such as training images; DatasetError for several."""
    if len(files) > 1:
        raise DatasetError(
            f"{path} has {' and '.join(file.name for file in files[:3])} for the same array; keep "
            "one of them"
        )
    return files[0]


def read_npy(path: Path) -> np.ndarray:
    """Memory-map the array of a .npy file; DatasetError if damaged or with Python objects."""
    with reading(path, "an array"):
        return np.lib.format.open_memmap(path, mode="r")  # never unpickles Python objects


def find_npz(path: Path, size: list[int] | None = None) -> DatasetFiles | None:
    """Read the data set in a .npz file, or in those of a directory; None without any.

    Arrays are recognized by their names: `x_train`, `train_images`, `X` or similar. There may be a
    file for each split, such as `train.npz` and `test.npz`.
    """
    files = [path] if path.is_file() else sorted(path.glob("*.npz"))
    files = [file for file in files if file.suffix.lower() == ".npz"]
    arrays: dict[str, tuple[np.ndarray, Path | str]] = {}
    names = None
    for file in files:
        members = read_npz(file)
        for role, found in group_by_role(members.keys() - NAMES).items():
            split = split_of(file.stem) if split_of(found[0]) is None else None
            role = f"{split}_{role.partition('_')[2]}" if split else role
            if len(found) > 1 or role in arrays:
                raise DatasetError(f"{file} has several arrays of {role}: {', '.join(found)}")
            arrays[role] = members[found[0]], f"{file}: {found[0]}"
        if not arrays:
            raise DatasetError(
                f"{file} has {', '.join(sorted(members)[:8])}; expected names such as x_train, "
                "y_train, x_test, y_test"
            )
        for name in NAMES & members.keys():
            names = [str(each) for each in members[name].ravel()]
    if not arrays:
        return None
    folder = path if path.is_dir() else path.parent
    return make_dataset(arrays, names or read_names(folder / CLASSES_FILE), path)


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of a .npz file; DatasetError if one is damaged or has Python objects.

    Also raises DatasetError if the arrays would need more than LARGE bytes of memory.
    """
    arrays = {}
    with reading(path, "a .npz file of arrays"), zipfile.ZipFile(path) as archive:
        claimed = 0
        for member in archive.namelist():
            with archive.open(member) as file:
                shape, nbytes = claimed_size(file)
            claimed += nbytes
            if claimed > LARGE:
                raise DatasetError(
                    f"{path}: with {member} of shape {shape}, its arrays need more than "
                    f"{LARGE / 1e9:.0f} GB; save them as .npy files, which are memory-mapped"
                )
        for member in archive.namelist():
            with archive.open(member) as file:
                array = np.lib.format.read_array(file, allow_pickle=False)
            arrays[member.removesuffix(".npy")] = array
    return arrays


def claimed_size(file: IO[bytes]) -> tuple[tuple[int, ...], int]:
    """Return the shape and the size in bytes that the header of a .npy file claims."""
    version = np.lib.format.read_magic(file)
    read_header = getattr(np.lib.format, f"read_array_header_{version[0]}_0")
    shape, _, dtype = read_header(file)
    return shape, math.prod(shape) * dtype.itemsize
