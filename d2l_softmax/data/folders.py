"""Folders of pictures, train/CLASS/… and test/CLASS/…, read once and kept as arrays.

What is kept is a data set of .npy files, in the folder itself or, where that can't be written, in
the user's cache. It is used from there as long as the pictures are the same.
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

from d2l_softmax.data.arrays import CLASSES_FILE, LARGE, DatasetError, Found, and_more, find_arrays
from d2l_softmax.data.pictures import FORMATS, PictureError, load_picture
from d2l_softmax.io import (
    locked,
    remove_stale_files,
    reporting_output_errors,
    write_json,
    write_text,
)

KEPT = ".d2l_softmax"  # a folder beside train and test
INDEX = "index.json"  # in it, the checksum of each file
VERSION = 1  # of what is kept


class Picture(NamedTuple):
    """A picture's file and the number of its class."""

    path: Path
    label: int


class Folder(NamedTuple):
    """A folder of pictures: its classes, its pictures by split, and the size [h, w], if given."""

    path: Path
    classes: list[str]
    splits: dict[str, list[Picture]]
    sides: list[int]


def find_pictures(path: Path, sides: list[int]) -> Found | None:
    """Return the data of a folder of pictures, None if it is no such folder.

    Pictures are resized to [h, w] if that is given. DatasetError if they can't be used.
    """
    if not (path / "train").is_dir():
        return None
    try:
        kept = keep(look_into(path, sides))
    except OSError as error:  # no permission to look into a folder
        raise DatasetError(f"{error.filename} can't be read: {error.strerror}") from error
    return find_arrays(kept)


def look_into(path: Path, sides: list[int]) -> Folder:
    """Return what is in a folder of pictures; DatasetError if its classes can't be trained."""
    classes = folders_in(path / "train")
    if not classes:
        raise DatasetError(f"{path / 'train'} has no folders, expected one for each class")
    splits = {}
    for split in ("train", "test"):
        if (path / split).is_dir():
            unknown = [name for name in folders_in(path / split) if name not in classes]
            if unknown:
                raise DatasetError(
                    f"{path / split / unknown[0]} is of a class that {path / 'train'} has not"
                    f"{and_more(len(unknown) - 1)}"
                )
            splits[split] = [
                Picture(file, label)
                for label, name in enumerate(classes)
                for file in pictures_in(path / split / name)
            ]
    without = set(range(len(classes))) - {picture.label for picture in splits["train"]}
    if without:
        raise DatasetError(
            f"{path / 'train' / classes[min(without)]} has no pictures{and_more(len(without) - 1)}"
        )
    if not splits.get("test", True):
        raise DatasetError(f"{path / 'test'} has no pictures; without it, a tenth is tested on")
    return Folder(path, classes, splits, sides)


def folders_in(path: Path) -> list[str]:
    """Return the names of the folders in a folder, sorted: the classes, as in ImageFolder."""
    return sorted(each.name for each in path.iterdir() if each.is_dir() and each.name[0] != ".")


def pictures_in(path: Path) -> list[Path]:
    """Return the pictures in a folder and in those within, sorted; other files are passed over."""
    return sorted(
        Path(folder, name)
        for folder, _, names in os.walk(path, followlinks=True)
        for name in names
        if is_named_as_picture(name) and name[0] != "."
    )


def is_named_as_picture(name: str) -> bool:
    """Tell from the ending of a file's name whether it is a picture."""
    return Image.registered_extensions().get(os.path.splitext(name)[1].lower()) in FORMATS


def keep(folder: Folder) -> Path:
    """Return the directory of arrays that was made of the pictures; make it if there is none."""
    name = name_of_kept(folder)
    absolute = hashlib.sha256(os.fsencode(folder.path.resolve())).hexdigest()[:16]
    cache = platformdirs.user_cache_path("d2l_softmax", appauthor=False, opinion=False)
    homes = (folder.path / KEPT, cache / "folders" / absolute)
    for home in homes:
        if is_whole(home / name):
            return home / name
    home = next(filter(can_be_written, homes), homes[0])
    with (
        reporting_output_errors(home),
        locked(home),
    ):  # of several processes one reads, and the others wait for it
        if not is_whole(home / name):
            remove_stale_files(home)
            with tempfile.TemporaryDirectory(".part", ".", home) as temporary:
                made = convert(folder, Path(temporary) / name)
                remove_earlier(home, name)
                made.replace(home / name)
    return home / name


def name_of_kept(folder: Folder) -> str:
    """Return the name of a directory of arrays: their size, and a checksum of what they are of."""
    digest = hashlib.sha256(f"{VERSION} {folder.sides} {folder.classes}".encode())
    for picture in (picture for split in folder.splits.values() for picture in split):
        status = picture.path.stat()
        relative = picture.path.relative_to(folder.path)
        digest.update(os.fsencode(relative))
        digest.update(f"\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    size = "x".join(map(str, folder.sides)) or "as-they-are"
    return f"{size}-{digest.hexdigest()[:16]}"


def is_whole(kept: Path) -> bool:
    """Tell whether a directory of arrays is as it was written; of large files, their size only."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        index = json.loads((kept / INDEX).read_text(encoding="utf-8"))
        return all(checksum(kept / name) == value for name, value in index.items())
    return False


def checksum(path: Path) -> list[int]:
    """Return a file's size and, unless that is large, its CRC-32."""
    size = path.stat().st_size
    return [size, zlib.crc32(path.read_bytes()) if size <= LARGE else 0]


def can_be_written(home: Path) -> bool:
    """Make a directory and tell whether files can be written there."""
    with contextlib.suppress(OSError):
        home.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=home).close()
        return True
    return False


def remove_earlier(home: Path, name: str) -> None:
    """Remove arrays of the same size that were made of what the pictures were before."""
    size = name.rpartition("-")[0]
    for earlier in home.glob(f"{size}-*"):
        shutil.rmtree(earlier, ignore_errors=True)


def convert(folder: Folder, target: Path) -> Path:
    """Write the pictures as arrays, with an index of checksums; return the directory of them.

    They are in colour if any picture is. DatasetError if a picture can't be used.
    """
    pictures = [picture for split in folder.splits.values() for picture in split]
    if sys.stderr.isatty():
        print(f"{folder.path}: its {len(pictures):,} pictures are read once", file=sys.stderr)
    mode = "RGB" if any(has_colours(picture.path) for picture in pictures) else "L"
    images = read_pictures(pictures, mode, folder.sides)
    target.mkdir()
    for split, members in folder.splits.items():
        write_images(target / f"{split}_images.npy", images, len(members))
        np.save(target / f"{split}_labels.npy", np.array([picture.label for picture in members]))
    write_text(target / CLASSES_FILE, "".join(f"{name}\n" for name in folder.classes))
    write_json(target / INDEX, {path.name: checksum(path) for path in sorted(target.iterdir())})
    return target


def has_colours(path: Path) -> bool:
    """Tell whether a picture is in colour, from its head; one that can't be read has none."""
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path) as picture:
            return not picture.mode.startswith(("1", "L", "I", "F"))
    return False


def read_pictures(pictures: list[Picture], mode: str, sides: list[int]) -> Iterator[np.ndarray]:
    """Yield each picture as an array (h, w) or (h, w, 3), of the size [h, w] or that of the first.

    DatasetError after the last one if some can't be used: it names the first and counts the rest.
    """
    size, problems = (sides[1], sides[0]) if sides else None, []
    for path, _ in tqdm(pictures, unit=" pictures", leave=False, disable=None):
        try:
            picture = load_picture(path).convert(mode)
        except PictureError as error:
            problems.append(str(error))
            continue
        if sides and size:
            picture = picture.resize(size, Image.Resampling.BILINEAR)
        size = size or picture.size
        if picture.size == size:
            yield np.asarray(picture)
        else:
            width, height = size
            problems.append(
                f"{path} is {picture.width} pixels wide and {picture.height} high, the first "
                f"picture {width} and {height}"
            )
    if problems:
        raise DatasetError(
            f"{problems[0]}{and_more(len(problems) - 1)};",
            "leave such pictures out, or give all one size with {resize}",
        )


def write_images(path: Path, images: Iterator[np.ndarray], number: int) -> None:
    """Write so many of the images as one array, a picture at a time: they may be many."""
    first = next(images)
    header = {"descr": "|u1", "fortran_order": False, "shape": (number, *first.shape)}
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for image in itertools.chain([first], itertools.islice(images, number - 1)):
            file.write(image.tobytes())
