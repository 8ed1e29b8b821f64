"""Read data sets in NumPy's files: .npy, which are memory-mapped, and .npz."""

import zipfile
from pathlib import Path

import numpy as np

from d2l_softmax.data.arrays import LARGE, DatasetFiles, make_dataset
from d2l_softmax.data.files import reading
from d2l_softmax.data.names import by_role, kind_of, split_of
from d2l_softmax.errors import DatasetError

NAMES = {"target_names", "class_names", "classes", "label_names"}  # arrays of class names in .npz


def find_npy(path: Path) -> DatasetFiles | None:
    """Read the data set in a directory's .npy files, such as `X_train.npy`; None without any."""
    files = {file.stem: file for file in path.glob("*.npy")}
    roles = {role: files[name] for role, name in by_role(files, path).items()}
    arrays = {role: (read_npy(file), file) for role, file in roles.items()}
    return make_dataset(arrays, path) if arrays else None


def read_npy(path: Path) -> np.ndarray:
    """Memory-map the array of a .npy file; DatasetError if damaged or with Python objects."""
    with reading(path, "an array"):
        return np.lib.format.open_memmap(path, mode="r")  # never unpickles Python objects


def find_npz(path: Path) -> DatasetFiles | None:
    """Read the data set in a .npz file, or in those of a directory; None without any.

    Arrays are recognized by their names: `x_train`, `train_images`, `X` or similar. There may be a
    file for each split, such as `train.npz` and `test.npz`.
    """
    files = sorted(path.glob("*.npz"))
    if path.is_file() and path.suffix.lower() == ".npz":
        files = [path]
    arrays: dict[str, tuple[np.ndarray, Path | str]] = {}
    names = None
    for file in files:
        members = read_npz(file)
        for role, name in by_role(members.keys() - NAMES, file).items():
            if split_of(name) is None and (split := split_of(file.stem)):
                role = f"{split}_{kind_of(name)}"
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
    return make_dataset(arrays, path, names)


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
