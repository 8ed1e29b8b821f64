"""Read data sets in NumPy's files: .npy, which are memory-mapped, and .npz."""

import zipfile
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
from d2l_softmax.data.names import by_role, split_of
from d2l_softmax.errors import DatasetError

NAMES = {"target_names", "class_names", "classes", "label_names"}  # arrays of class names in .npz


def find_npy(path: Path, size: list[int] | None = None) -> DatasetFiles | None:
    """Read the data set in a directory's .npy files, such as `X_train.npy`; None without any.

    `size` is not used: images are resized on look-up.
    """
    if not path.is_dir():
        return None
    files = {file.stem: file for file in sorted(path.glob("*.npy"))}
    roles = {role: files[name] for role, name in by_role(files, path).items()}
    if not roles:
        return None
    arrays = {role: (read_npy(file), file) for role, file in roles.items()}
    return make_dataset(arrays, read_names(path / CLASSES_FILE), path)


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
        for role, name in by_role(members.keys() - NAMES, file).items():
            split = split_of(file.stem) if split_of(name) is None else None
            role = f"{split}_{role.partition('_')[2]}" if split else role
            if role in arrays:
                raise DatasetError(f"{path} has several arrays of {role}; keep one of them")
            arrays[role] = members[name], f"{file}: {name}"
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
        if sum(member.file_size for member in archive.infolist()) > LARGE:
            raise DatasetError(
                f"{path}: its arrays need more than {LARGE / 1e9:.0f} GB; save them as .npy files, "
                "which are memory-mapped"
            )
        for member in archive.namelist():
            with archive.open(member) as file:
                array = np.lib.format.read_array(file, allow_pickle=False)
            arrays[member.removesuffix(".npy")] = array
    return arrays
