"""Folders of images, train/CLASS/… and test/CLASS/…, decoded once and cached as .npy files.

The cache is in the folder itself or, if that is read-only, in the user's cache directory. It is
valid while the images have the same paths, sizes and modification times.
"""

import contextlib
import hashlib
import itertools
import json
import os
import shutil
import sys
import tempfile
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import platformdirs
from PIL import Image
from tqdm import tqdm

from d2l_softmax.data.arrays import CLASSES_FILE, LARGE, DatasetError, DatasetFiles, and_more
from d2l_softmax.data.npy import find_npy
from d2l_softmax.data.pictures import FORMATS, PictureError, load_picture
from d2l_softmax.io import (
    locked,
    remove_stale_files,
    reporting_output_errors,
    write_json,
    write_text,
)

CACHE = ".d2l_softmax"  # a folder beside train and test
INDEX = "index.json"  # size and CRC-32 of each cached file
VERSION = 1  # of the cached files

ImageFile = tuple[Path, int]  # and the number of its class


class ImageFolder(NamedTuple):
    """The classes and the image files by split of a folder; `size` is [h, w], or [] to keep it."""

    path: Path
    classes: list[str]
    splits: dict[str, list[ImageFile]]
    size: list[int]


def find_image_folder(path: Path, size: list[int]) -> DatasetFiles | None:
    """Return the data of a folder of images, resized to [h, w] if given; None without `train`.

    Raises DatasetError if the images can't be used.
    """
    if not (path / "train").is_dir():
        return None
    try:
        return find_npy(cache_arrays(list_images(path, size)))
    except OSError as error:  # no permission to read a folder
        raise DatasetError(f"{error.filename} can't be read: {error.strerror}") from error


def list_images(path: Path, size: list[int]) -> ImageFolder:
    """List the images of a folder; DatasetError if its classes can't be trained."""
    classes = list_classes(path / "train")
    if not classes:
        raise DatasetError(f"{path / 'train'} has no folders, expected one for each class")
    splits = {}
    for split in ("train", "test"):
        if not (path / split).is_dir():
            continue
        if unknown := [name for name in list_classes(path / split) if name not in classes]:
            raise DatasetError(
                f"{path / split / unknown[0]} is of a class that {path / 'train'} has not"
                f"{and_more(len(unknown) - 1)}"
            )
        splits[split] = [
            (file, label)
            for label, name in enumerate(classes)
            for file in list_files(path / split / name)
        ]
    if empty := set(range(len(classes))) - {label for _, label in splits["train"]}:
        raise DatasetError(
            f"{path / 'train' / classes[min(empty)]} has no images{and_more(len(empty) - 1)}"
        )
    if not splits.get("test", True):
        raise DatasetError(
            f"{path / 'test'} has no images;",
            "remove it to test on a tenth of the training images",
        )
    return ImageFolder(path, classes, splits, size)


def list_classes(path: Path) -> list[str]:
    """Return the names of the folders in a folder, sorted, as torchvision's ImageFolder does."""
    return sorted(each.name for each in path.iterdir() if each.is_dir() and each.name[0] != ".")


def list_files(path: Path) -> list[Path]:
    """Return the image files in a folder and its subfolders, sorted; other files are ignored."""
    return sorted(
        Path(folder, name)
        for folder, _, names in os.walk(path, followlinks=True)
        for name in names
        if is_named_as_picture(name) and name[0] != "."
    )


def is_named_as_picture(name: str) -> bool:
    """Return True if a file name has the extension of an image format."""
    return Image.registered_extensions().get(os.path.splitext(name)[1].lower()) in FORMATS


# The cache


def cache_arrays(folder: ImageFolder) -> Path:
    """Return the directory of the folder's cached arrays; decode the images if there is none."""
    size, name = cache_name(folder)
    resolved = hashlib.sha256(os.fsencode(folder.path.resolve())).hexdigest()[:16]
    user_cache = platformdirs.user_cache_path("d2l_softmax", appauthor=False, opinion=False)
    caches = (folder.path / CACHE, user_cache / "folders" / resolved)
    for cache in caches:
        if is_intact(cache / name):
            return cache / name
    cache = next(filter(is_writable, caches), caches[0])
    # One process decodes, the others wait.
    with reporting_output_errors(cache), locked(cache):
        if not is_intact(cache / name):
            remove_stale_files(cache)
            with tempfile.TemporaryDirectory(".part", ".", cache) as temporary:
                decode_images(folder, Path(temporary) / name)
                for earlier in cache.glob(f"{size}-*"):
                    shutil.rmtree(earlier, ignore_errors=True)
                Path(temporary, name).replace(cache / name)
    return cache / name


def cache_name(folder: ImageFolder) -> tuple[str, str]:
    """Return the size of the images in words, and the name: this and a checksum of the files."""
    digest = hashlib.sha256(f"{VERSION} {folder.size} {folder.classes}".encode())
    for path, _ in itertools.chain(*folder.splits.values()):
        status = path.stat()
        digest.update(os.fsencode(path.relative_to(folder.path)))
        digest.update(f"\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    size = "x".join(map(str, folder.size)) or "as-they-are"
    return size, f"{size}-{digest.hexdigest()[:16]}"


def is_intact(directory: Path) -> bool:
    """Return True if all cached files of a directory have the checksums in its index."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        index = json.loads((directory / INDEX).read_text(encoding="utf-8"))
        return all(size_and_crc(directory / name) == value for name, value in index.items())
    return False


def size_and_crc(path: Path) -> list[int]:
    """Return a file's size in bytes and its CRC-32, or 0 if it is large."""
    size = path.stat().st_size
    return [size, zlib.crc32(path.read_bytes()) if size <= LARGE else 0]


def is_writable(directory: Path) -> bool:
    """Create a directory; return True if files can be written there."""
    with contextlib.suppress(OSError):
        directory.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=directory).close()
        return True
    return False


def decode_images(folder: ImageFolder, target: Path) -> None:
    """Write the images as arrays, with an index of checksums; in colour if any image is.

    Raises DatasetError if an image can't be used.
    """
    files = [*itertools.chain(*folder.splits.values())]
    if sys.stderr.isatty():
        print(f"{folder.path}: its {len(files):,} pictures are read once", file=sys.stderr)
    mode = "RGB" if any(is_coloured(path) for path, _ in files) else "L"
    images = read_images(files, mode, folder.size)
    target.mkdir()
    for split, members in folder.splits.items():
        first = next(images)
        shape = (len(members), *first.shape)
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        with open(target / f"{split}_images.npy", "wb") as file:  # image by image, to save memory
            np.lib.format.write_array_header_1_0(file, header)
            for image in itertools.chain([first], itertools.islice(images, len(members) - 1)):
                file.write(image.tobytes())
        np.save(target / f"{split}_labels.npy", np.array([label for _, label in members]))
    write_text(target / CLASSES_FILE, "".join(f"{name}\n" for name in folder.classes))
    write_json(target / INDEX, {path.name: size_and_crc(path) for path in sorted(target.iterdir())})


def is_coloured(path: Path) -> bool:
    """Return True if the header of an image file says that it is in colour."""
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path) as picture:
            return not picture.mode.startswith(("1", "L", "I", "F"))
    return False


def read_images(files: list[ImageFile], mode: str, size: list[int]) -> Iterator[np.ndarray]:
    """Yield each image as an array (h, w) or (h, w, 3), resized to [h, w] if given.

    Raises DatasetError after the last image if some can't be used, or differ in size from the
    first: it names one and counts the others.
    """
    expected, problems = (size[1], size[0]) if size else None, []
    for path, _ in tqdm(files, unit=" pictures", leave=False, disable=None):
        try:
            picture = load_picture(path).convert(mode)
        except PictureError as error:
            problems.append(str(error))
            continue
        if size and expected:
            picture = picture.resize(expected, Image.Resampling.BILINEAR)
        expected = expected or picture.size
        if picture.size == expected:
            yield np.asarray(picture)
        else:
            problems.append(
                f"{path} is {picture.width} pixels wide and {picture.height} high, the first "
                f"image {expected[0]} and {expected[1]}"
            )
    if problems:
        raise DatasetError(
            f"{problems[0]}{and_more(len(problems) - 1)};",
            "remove such images, or give all one size with {resize}",
        )
