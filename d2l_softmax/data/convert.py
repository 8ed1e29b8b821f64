"""Convert arrays of common shapes and types to examples and labels.

Each conversion also returns a note, which commands print; it is empty if the array is unchanged.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from d2l_softmax.errors import DatasetError

BLOCK = 1 << 24  # numbers that are converted at a time, to bound the memory
CHANNELS = (1, 3)
SMALLEST_WHITE = 128  # lowest maximum of images with fractions outside [0, 1], such as resized ones
SMALLEST_SIDE = 8  # of images that are stored as rows of numbers


def to_examples(
    array: np.ndarray, path: Path | str, rows_may_be_images: bool = True
) -> tuple[np.ndarray, str]:
    """Return images (n, h, w) or (n, h, w, 3) of uint8, or features (n, d) of floats, and a note.

    Images are arrays of 3 or 4 dimensions, channels first or last, with values 0 to 255 (any
    numeric type) or floats in [0, 1]. Rows (n, d) are features, unless `side_of_images` finds
    pixels in them. Raises DatasetError for everything else.
    """
    given = f"{array.dtype} {array.shape}"
    if array.dtype.kind not in "buif" or array.ndim not in (2, 3, 4) or not array.size:
        raise DatasetError(
            f"{path} has {given}, expected numbers of shape (n, h, w), (n, h, w, c), (n, c, h, w) "
            "or (n, d)"
        )
    notes = []
    if array.ndim == 4:
        array, note = to_channels_last(array, path)
        notes += [note] if note else []
    if array.ndim == 2:
        side = side_of_images(array) if rows_may_be_images else 0
        if not side:
            return to_features(array), ""
        array = array.reshape(-1, side, side)
        notes.append(f"rows of {side * side} pixels, taken as images of {side}×{side}")
    if array.dtype == np.uint8 and array.flags.c_contiguous:
        return array, "; ".join(notes)
    images, note = to_uint8(array, path)
    return images, "; ".join(notes + ([note] if note else []))


def to_channels_last(array: np.ndarray, path: Path | str) -> tuple[np.ndarray, str]:
    """Return images (n, h, w, 3), or (n, h, w) for one channel, and a note on the order."""
    first, last = array.shape[1] in CHANNELS, array.shape[3] in CHANNELS
    if first and last and array.shape[1] * array.shape[3] != 1:
        raise DatasetError(
            f"{path} has shape {array.shape}, so channels may be first or last; save it as "
            "(n, h, w, c)"
        )
    if not (first or last):
        raise DatasetError(f"{path} has shape {array.shape}, expected 1 or 3 channels")
    note = ""
    if first and not last:
        note = f"{array.shape}, taken as channels first"
        array = array.transpose(0, 2, 3, 1)
    return (array[..., 0] if array.shape[3] == 1 else array), note


def to_features(array: np.ndarray) -> np.ndarray:
    """Return features (n, d) as native floats in C order; integers as float32 if that is exact."""
    if array.dtype.kind == "f":
        is_long = array.dtype.itemsize > 8  # np.longdouble, which PyTorch lacks
        dtype = np.dtype(np.float64) if is_long else array.dtype.newbyteorder("=")
        with np.errstate(over="ignore"):  # infinity is refused on look-up
            return np.ascontiguousarray(array, dtype=dtype)
    exact = array.dtype.itemsize <= 2 or np.abs(array).max() <= 2**24
    return np.ascontiguousarray(array, dtype=np.float32 if exact else np.float64)


def blocks(array: np.ndarray) -> Iterator[slice]:
    """Yield slices of rows with at most BLOCK numbers."""
    rows = max(1, BLOCK // max(1, math.prod(array.shape[1:])))
    for start in range(0, len(array), rows):
        yield slice(start, start + rows)


def side_of_images(array: np.ndarray) -> int:
    """Return the side of square images if rows (n, d) are their pixels, 0 if they are features.

    Pixels are whole numbers from 0 to 255, some above 1; images have at least 8×8 of them.
    """
    side = math.isqrt(array.shape[1])
    is_square = side * side == array.shape[1] and side >= SMALLEST_SIDE
    return side if is_square and is_eight_bit(array) and array[:1000].max() > 1 else 0


def is_eight_bit(array: np.ndarray) -> bool:
    """Return True if all values are whole numbers from 0 to 255."""
    if array.dtype == np.uint8:
        return True
    for rows in blocks(array):
        part = array[rows]
        if not (part.min() >= 0 and part.max() <= 255 and (part == np.floor(part)).all()):
            return False
    return True


def to_uint8(array: np.ndarray, path: Path | str) -> tuple[np.ndarray, str]:
    """Return pixels as uint8 in C order, and a note on how they were converted."""
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255), "bool, taken as black and white"
    lowest = min(array[rows].min() for rows in blocks(array))
    highest = max(array[rows].max() for rows in blocks(array))
    if not (lowest >= 0 and highest <= 255):  # also NaN
        raise DatasetError(
            f"{path} has {array.dtype} from {lowest:g} to {highest:g}, expected pixels from 0 to "
            "255 or in [0, 1]"
        )
    is_float = array.dtype.kind == "f"
    if is_float and 1 < highest < SMALLEST_WHITE and not is_eight_bit(array):
        raise DatasetError(
            f"{path} has {array.dtype} with fractions, from {lowest:g} to {highest:g}, so the "
            "value of white is unknown; expected pixels from 0 to 255 or in [0, 1]"
        )
    scale = 255 if is_float and highest <= 1 else 1
    images = np.empty(array.shape, np.uint8)
    for rows in blocks(array):
        images[rows] = np.rint(array[rows] * scale) if is_float else array[rows]
    if array.dtype == np.uint8:
        return images, ""
    return images, f"{array.dtype} {'in [0, 1]' if scale == 255 else '0 to 255'}, taken as images"


def to_labels(array: np.ndarray, path: Path | str) -> tuple[np.ndarray, str]:
    """Return labels (n,), int64 or text, and a note.

    Labels may be whole numbers of any type or text, (n,) or (n, 1), or one-hot rows (n, q). Raises
    DatasetError for everything else.
    """
    given = f"{path} has labels of {array.dtype} {array.shape}"
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and array.dtype.kind in "buif":
        if not (((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all()):
            raise DatasetError(f"{given}, expected (n,), or one-hot rows with a single 1 each")
        return array.argmax(axis=1).astype(np.int64), "one-hot labels"
    if array.ndim != 1 or not len(array) or array.dtype.kind not in "buifUS":
        raise DatasetError(f"{given}, expected whole numbers or text (n,)")
    if array.dtype.kind == "S":
        try:
            return np.char.decode(array, "utf-8"), ""
        except UnicodeDecodeError as error:
            raise DatasetError(f"{given} that are not UTF-8 text") from error
    if array.dtype.kind == "f" and not (np.isfinite(array) & (array == np.floor(array))).all():
        raise DatasetError(f"{given} with fractions or NaN, expected whole numbers")
    if array.dtype.kind in "uf" and np.abs(array).max() >= 2**63:
        raise DatasetError(f"{given} up to ±{np.abs(array).max():.0f}, expected less than 2**63")
    return (array if array.dtype.kind == "U" else array.astype(np.int64)), ""
