"""Data sets in NumPy's .npy files, which are mapped, not read."""

from pathlib import Path

import numpy as np

from d2l_softmax.data.arrays import ARRAYS, DatasetError, DatasetFiles, read_dataset


def find_npy(path: Path, size: list[int] | None = None) -> DatasetFiles | None:
    """Return the data of `train_images.npy` and its like in a directory, None without such files.

    `size` is not used: images are resized when they are looked up.
    """
    files = {name: file for name in ARRAYS if (file := path / f"{name}.npy").exists()}
    return read_dataset(path, files, read_npy) if files else None


def read_npy(path: Path) -> np.ndarray:
    """Map the array of a .npy file; DatasetError if it is damaged or has Python objects."""
    try:
        return np.lib.format.open_memmap(path, mode="r")  # never unpickles Python objects
    except OSError as error:
        raise DatasetError(f"{path} can't be read: {error.strerror or error}") from error
    except (ValueError, SyntaxError, TypeError, EOFError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise DatasetError(f"{path} is damaged or no array that can be used: {reason}") from error
