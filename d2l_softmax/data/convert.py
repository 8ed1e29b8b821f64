"""Convert arrays of common shapes and types to examples and labels.

Each conversion also returns notes, which commands print; there are none if nothing is ambiguous.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from d2l_softmax.errors import DatasetError

BLOCK = 1 << 24  # numbers that are converted at a time, to bound the memory
CHANNELS = (1, 3)
SMALLEST_WHITE = 128  # lowest maximum of images with fractions outside [0, 1], such as resized ones
DARKEST_WHITE = 31  # highest maximum of whole numbers that are certainly not of 0 to 255
SMALLEST_SIDE = 8  # of images that are stored as rows of numbers


def find_white(arrays: Sequence[np.ndarray]) -> int:
    """Return the value of white in images of whole numbers: 255, or a small maximum of all."""
    highest = 0
    for array in arrays:
        if array.dtype.kind not in "buif" or array.ndim < 2 or not array.size:
            return 255
        if not array[:1000].max() <= DARKEST_WHITE or not is_eight_bit(array):
            return 255
        highest = max(highest, *(int(array[rows].max()) for rows in blocks(array)))
    return highest if 0 < highest <= DARKEST_WHITE else 255


def to_examples(array: np.ndarray, path: Path | str, white: int) -> tuple[np.ndarray, list[str]]:
    """Return images (n, h, w) or (n, h, w, 3) of uint8, or features (n, d) of floats, and notes.

    Images are arrays of 3 or 4 dimensions, channels first or last. Their values are 0 to 255 (any
    numeric type), 0 to `white`, or floats in [0, 1]. Rows (n, d) are features, unless
    `side_of_images` finds pixels in them. Raises DatasetError for everything else.
    """
    if array.dtype.kind not in "buif" or array.ndim not in (2, 3, 4) or not array.size:
        raise DatasetError(
            f"{path} has {array.dtype} {array.shape}, expected numbers of shape (n, h, w), "
            "(n, h, w, c), (n, c, h, w) or (n, d)"
        )
    notes = []
    if array.ndim == 4:
        if array.shape[3] not in CHANNELS and array.shape[1] in CHANNELS:
            notes.append(f"{array.shape}, taken as channels first")
            array = array.transpose(0, 2, 3, 1)
        if array.shape[3] not in CHANNELS:
            raise DatasetError(f"{path} has shape {array.shape}, expected 1 or 3 channels")
        array = array[..., 0] if array.shape[3] == 1 else array
    if array.ndim == 2:
        side = side_of_images(array)
        if not side:
            return to_features(array), notes
        notes.append(f"rows of {side * side} pixels, taken as images of {side}×{side}")
        array = array.reshape(-1, side, side)
    if array.dtype == np.uint8 and white == 255:
        return np.asanyarray(array, order="C"), notes  # a mapped array stays mapped
    images, white = to_uint8(array, path, white)
    if white < 255 or array.dtype != np.uint8:
        values = "in [0, 1]" if white == 1 else f"0 to {white}"
        notes.append(f"{array.dtype} {values}, taken as images")
    return images, notes


def to_features(array: np.ndarray) -> np.ndarray:
    """Return features (n, d) as float32 in C order if that is exact, otherwise as float64."""
    if array.dtype.kind == "f":
        is_exact = array.dtype.itemsize <= 4
    else:
        is_exact = array.dtype.itemsize <= 2 or np.abs(array).max() <= 2**24
    return np.ascontiguousarray(array, dtype=np.float32 if is_exact else np.float64)


def side_of_images(array: np.ndarray) -> int:
    """Return the side of square images if rows (n, d) are their pixels, 0 if they are features.

    Pixels are whole numbers from 0 to 255, some above 1; images have at least 8×8 of them.
    """
    side = math.isqrt(array.shape[1])
    is_square = side * side == array.shape[1] and side >= SMALLEST_SIDE
    return side if is_square and is_eight_bit(array) and array[:1000].max() > 1 else 0


def is_eight_bit(array: np.ndarray) -> bool:
    """Return True if all values are whole numbers from 0 to 255."""
    return array.dtype in (np.uint8, np.bool_) or all(
        part.min() >= 0 and part.max() <= 255 and (part == np.floor(part)).all()
        for part in (array[rows] for rows in blocks(array))
    )


def to_uint8(array: np.ndarray, path: Path | str, white: int) -> tuple[np.ndarray, int]:
    """Return pixels as uint8 in C order, and the value of white: 255, 1 or a small maximum."""
    lowest = min(array[rows].min() for rows in blocks(array))
    highest = max(array[rows].max() for rows in blocks(array))
    if not (lowest >= 0 and highest <= 255):  # also NaN
        raise DatasetError(
            f"{path} has {array.dtype} from {lowest:g} to {highest:g}, expected pixels from 0 to "
            "255 or in [0, 1]"
        )
    if 1 < highest < SMALLEST_WHITE and not is_eight_bit(array):
        raise DatasetError(
            f"{path} has {array.dtype} with fractions, from {lowest:g} to {highest:g}, so the "
            "value of white is unknown; expected pixels from 0 to 255 or in [0, 1]"
        )
    if array.dtype.kind in "bf" and highest <= 1 and white == 255:
        white = 1
    images = np.empty(array.shape, np.uint8)
    for rows in blocks(array):
        images[rows] = np.rint(array[rows] * (255 / white))
    return images, white


def blocks(array: np.ndarray) -> Iterator[slice]:
    """Yield slices of rows with at most BLOCK numbers."""
    rows = max(1, BLOCK // max(1, math.prod(array.shape[1:])))
    for start in range(0, len(array), rows):
        yield slice(start, start + rows)


def to_labels(array: np.ndarray, path: Path | str) -> tuple[np.ndarray, list[str]]:
    """Return labels (n,), int64 or text, and notes.

    Labels may be whole numbers of any type or text, (n,) or (n, 1), or one-hot rows (n, q). Spaces
    around text are removed. Raises DatasetError for everything else, and for labels of text that
    are empty or NaN.
    """
    given = f"{path} has labels of {array.dtype} {array.shape}"
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and array.dtype.kind in "buif":
        if not (((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all()):
            raise DatasetError(f"{given}, expected (n,), or one-hot rows with a single 1 each")
        return array.argmax(axis=1).astype(np.int64), ["one-hot labels"]
    if array.ndim != 1 or not len(array) or array.dtype.kind not in "buifUS":
        raise DatasetError(f"{given}, expected whole numbers or text (n,)")
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "backslashreplace")
    if array.dtype.kind == "U":
        array = np.char.strip(array)
        is_missing = np.isin(np.char.lower(array), ("", "nan"))
        if is_missing.any():
            row = int(np.flatnonzero(is_missing)[0]) + 1
            raise DatasetError(
                f"{path}: row {row} of the data has no label; add it, or delete the row"
            )
        return array, []
    if not ((array == np.floor(array)) & (np.abs(array) < 2.0**63)).all():
        raise DatasetError(f"{given} with fractions, NaN or infinity, expected whole numbers")
    return array.astype(np.int64), []
