"""Decode the images of a data set once, and cache them as .npy files.

The cache is in the folder itself or, if that is read-only, in the user's cache directory. It is
valid while the images have the same paths, sizes and modification times.
"""

import contextlib
import hashlib
import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import platformdirs
from PIL import Image
from tqdm import tqdm

from d2l_softmax.data.arrays import DatasetFiles, LabelledArrays, and_more
from d2l_softmax.data.files import reading
from d2l_softmax.data.npy import read_npy
from d2l_softmax.data.pictures import FORMATS, PictureError, is_coloured, load_picture, to_array
from d2l_softmax.errors import DatasetError
from d2l_softmax.io import PART, locked, reporting_output_errors

CACHE = ".d2l_softmax"  # a folder inside the folder of the images
NOTE = "note.txt"  # a note on the images, which may be empty
VERSION = 5  # of the format of the cached files
CHUNK = 64  # images that are decoded at a time, to bound the memory
SMALL = 100 * 100  # pixels; decoding a smaller image is faster than handing it to a thread
SIDE = 28  # pixels; images of different sizes are resized to it, unless a size is given

ImageFile = tuple[Path, int | str]  # its path and label


class ImageFolder(NamedTuple):
    """A folder's labelled images by split, and the names of the classes, if its labels lack them.

    `size` is [h, w], or [] to keep the size.
    """

    path: Path
    names: list[str] | None
    splits: dict[str, list[ImageFile]]
    size: list[int]
    notes: tuple[str, ...] = ()


def load_images(folder: ImageFolder) -> DatasetFiles:
    """Return the images of a folder as arrays, which are memory-mapped from the cache."""
    directory = cached(folder)
    with reading(directory / NOTE, "a note"):
        note = (directory / NOTE).read_text(encoding="utf-8")
    arrays = {
        split: LabelledArrays(
            read_npy(directory / f"{split}_images.npy"),
            np.array([label for _, label in members]),
            folder.path,
        )
        for split, members in folder.splits.items()
    }
    notes = (*folder.notes, note) if note else folder.notes
    return DatasetFiles(
        arrays["train"], arrays.get("test"), folder.names, arrays.get("valid"), notes
    )


def is_image_name(name: str) -> bool:
    """Return True if a file name has the extension of an image format."""
    return Image.registered_extensions().get(os.path.splitext(name)[1].lower()) in FORMATS


def read_headers(files: list[Path]) -> tuple[str, set[tuple[int, int]]]:
    """Return the mode, "RGB" if any image is in colour, else "L", and the sizes (w, h)."""
    mode, sizes = "L", set()
    for file in files:
        with contextlib.suppress(Exception), Image.open(file) as image:  # reported when decoded
            mode = "RGB" if is_coloured(image) else mode
            width, height = image.size
            # EXIF orientations from 5 swap width and height. Square images are skipped, because
            # Pillow may have to decode an image to find its orientation.
            if width != height and image.getexif().get(0x0112, 1) >= 5:
                width, height = height, width
            sizes.add((width, height))
    return mode, sizes


def cached(folder: ImageFolder) -> Path:
    """Return the directory of a folder's cached arrays; decode the images if there is none."""
    size, name = cache_name(folder)
    resolved = hashlib.sha256(os.fsencode(folder.path.resolve())).hexdigest()[:16]
    user_cache = platformdirs.user_cache_path("d2l_softmax", appauthor=False, opinion=False)
    caches = (folder.path / CACHE, user_cache / "folders" / resolved)
    for cache in caches:
        if (cache / name).exists():
            return cache / name
    cache = caches[0] if os.access(folder.path, os.W_OK) else caches[1]
    with reporting_output_errors(cache):
        cache.mkdir(parents=True, exist_ok=True)
        with locked(cache):  # one process decodes, the others wait
            if not (cache / name).exists():
                with (
                    tempfile.TemporaryDirectory(PART, ".", cache) as temporary,
                    warnings.catch_warnings(),
                ):
                    # Threads may restore warning filters in the wrong order: they are global.
                    warnings.simplefilter("ignore")
                    decode(folder, Path(temporary) / name)
                    for earlier in cache.glob(f"{size}-*"):
                        shutil.rmtree(earlier, ignore_errors=True)
                    Path(temporary, name).replace(cache / name)
    return cache / name


def cache_name(folder: ImageFolder) -> tuple[str, str]:
    """Return the image size as text, and the cache's name: this size and a hash of the files."""
    digest = hashlib.sha256(f"{VERSION} {folder.size}".encode())
    prefix = os.path.join(folder.path, "")
    for split, members in folder.splits.items():
        digest.update(f"\0{split}".encode())
        for path, _ in members:
            name = str(path)
            status = os.stat(name)
            digest.update(os.fsencode(name.removeprefix(prefix)))
            digest.update(f"\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    size = "x".join(map(str, folder.size)) or "as-they-are"
    return size, f"{size}-{digest.hexdigest()[:16]}"


def decode(folder: ImageFolder, target: Path) -> None:
    """Decode the images, and write them as arrays; DatasetError if an image can't be used."""
    files = [file for file, _ in itertools.chain(*folder.splits.values())]
    (mode, sizes), size, note = read_headers(files), folder.size, ""
    if not size and len(sizes) > 1:
        size = [SIDE, SIDE]
        note = f"images of {len(sizes)} sizes, resized to {SIDE}x{SIDE}; --resize for another size"
    are_large = any(width * height > SMALL for width, height in sizes)
    images = read_images(files, mode, size, are_large)
    target.mkdir()
    for split, members in folder.splits.items():
        first = next(images)
        shape = (len(members), *first.shape)
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        with open(target / f"{split}_images.npy", "wb") as file:  # image by image, to save memory
            np.lib.format.write_array_header_1_0(file, header)
            for image in itertools.chain([first], itertools.islice(images, len(members) - 1)):
                file.write(image.tobytes())
    (target / NOTE).write_text(note, encoding="utf-8")


def read_images(
    files: list[Path], mode: str, size: list[int], are_large: bool
) -> Iterator[np.ndarray]:
    """Yield each image as an array (h, w) or (h, w, 3), resized to [h, w] if given.

    Raises DatasetError after the last image if some can't be used; the message names the first and
    counts the others.
    """

    def read(path: Path) -> np.ndarray | PictureError:
        try:
            return to_array(load_picture(path), mode, size)
        except PictureError as error:
            return error

    problems = []
    # Pillow decodes without Python's global lock, so threads share the work.
    with (
        ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool,
        tqdm(files, "decoding", unit=" pictures", leave=False, disable=None) as bar,
    ):
        run = pool.map if are_large else map
        for start in range(0, len(files), CHUNK):
            for image in run(read, files[start : start + CHUNK]):
                bar.update()
                if isinstance(image, PictureError):
                    problems.append(str(image))
                else:
                    yield image
    if problems:
        raise DatasetError(f"{problems[0]}{and_more(len(problems) - 1)}; remove such images")
