"""Read folders of images: a folder for each class, with or without splits, or a table of labels.

Layouts: `CLASS/…`; `train/CLASS/…` with `test/CLASS/…`, `val/CLASS/…` or neither; images with a
table `labels.csv` of file names and labels.
"""

import csv
import os
from collections.abc import Iterator
from pathlib import Path

from d2l_softmax.data.arrays import DatasetFiles, and_more
from d2l_softmax.data.files import reading_text
from d2l_softmax.data.image_cache import ImageFolder, is_image_name, load_images
from d2l_softmax.data.names import kind_of, split_of
from d2l_softmax.data.tables import LABEL_COLUMNS, MAX_BYTES, encoding_of
from d2l_softmax.errors import DatasetError

FILE_NAMES = {"file", "filename", "file_name", "image", "image_id", "img", "path", "name", "id"}
NOT_CLASSES = {"__MACOSX", "__pycache__"}
SUFFIXES = (".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG")  # file names in a table may lack them
MOST_COLUMNS = 6  # of a table of image names; a table of pixels has more


def find_image_folder(path: Path, size: list[int]) -> DatasetFiles | None:
    """Read a folder of labelled images, resized to [h, w] if given; None for other folders.

    Raises DatasetError if the images can't be used.
    """
    if not path.is_dir():
        return None
    folder = list_labelled_images(path, size) or list_class_folders(path, size)
    return load_images(folder) if folder else None


# A folder for each class


def list_class_folders(path: Path, size: list[int]) -> ImageFolder | None:
    """List the images of `train/CLASS/…` or similar, or of `CLASS/…`; None if there are none."""
    roots: dict[str, Path] = {}
    for folder in subfolders(path):
        if (split := split_of(folder.name)) and not kind_of(folder.name):
            if split in roots:
                raise DatasetError(
                    f"{path} has {roots[split].name} and {folder.name} for the same split; keep "
                    "one of them"
                )
            roots[split] = folder
    if "train" not in roots:
        roots = {"train": path}
    classes_of: dict[str, dict[str, list[Path]]] = {}
    others: list[Path] = []
    notes: list[str] = []
    for split, root in roots.items():
        classes_of[split] = {}
        for folder in subfolders(root):
            files = sorted(walk(folder))
            others += (file for file in files if not is_image_name(file.name))
            if images := [file for file in files if is_image_name(file.name)]:
                classes_of[split][folder.name] = images
            else:
                notes.append(f"{folder.name} has no images, left out")
    classes = sorted(classes_of["train"])
    if len(classes) < 2:
        if roots["train"] == path:
            return None
        raise DatasetError(
            f"{roots['train']} has {' and '.join(classes) or 'no folder'} with images, expected a "
            "folder for each of two or more classes"
        )
    splits = {}
    for split, found in classes_of.items():
        if unknown := sorted(found.keys() - set(classes)):
            raise DatasetError(
                f"{roots[split] / unknown[0]} is a class that {roots['train']} lacks"
                f"{and_more(len(unknown) - 1)}"
            )
        if found:
            splits[split] = [
                (file, k) for k, name in enumerate(classes) for file in found.get(name, ())
            ]
        else:
            notes.append(f"{roots[split].name} has no class folders, not used")
    if others:
        notes.append(f"{others[0]} left out{and_more(len(others) - 1)}")
    return ImageFolder(path, classes, splits, size, tuple(notes))


def subfolders(path: Path) -> list[Path]:
    """Return the folders in a folder, sorted, without hidden ones."""
    return sorted(
        entry
        for entry in path.iterdir()
        if entry.name[0] != "." and entry.name not in NOT_CLASSES and entry.is_dir()
    )


def walk(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder and its subfolders; skip hidden ones and links to folders."""
    for entry in os.scandir(folder):
        if entry.name[0] == "." or entry.name in NOT_CLASSES:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from walk(Path(entry.path))
        elif entry.is_file():
            yield Path(entry.path)


# A table of labels


def list_labelled_images(path: Path, size: list[int]) -> ImageFolder | None:
    """List the images in tables of file names and labels, such as `labels.csv`.

    Returns None if there is no such table. A table with `train`, `test` or `val` in its name is for
    that split. Raises DatasetError if an image is missing.
    """
    rows: dict[str, list[tuple[Path, str]]] = {}
    for table in sorted(path.glob("*.csv")):
        split = split_of(table.stem) or "train"
        if table.is_file() and (listed := read_labels(table, split)):
            rows.setdefault(split, []).extend(listed)
    if "train" not in rows:
        return None
    classes = sorted({label for _, label in rows["train"]})
    number = {label: k for k, label in enumerate(classes)}
    splits = {}
    for split, listed in rows.items():
        if unknown := sorted({label for _, label in listed} - number.keys()):
            raise DatasetError(
                f"{path} has images of {unknown[0]!r} for {split}, but none for training"
                f"{and_more(len(unknown) - 1)}"
            )
        splits[split] = [(file, number[label]) for file, label in listed]
    return ImageFolder(path, classes, splits, size, ("labels from a table",))


def read_labels(table: Path, split: str) -> list[tuple[Path, str]]:
    """Return the image files and labels in a table; empty if it does not list images.

    They are in the table's folder or in a subfolder, but not in one for another split.
    """
    with (
        reading_text(table, "a table of labels", MAX_BYTES),
        open(table, newline="", encoding=encoding_of(table)) as file,
    ):
        rows = csv.DictReader(file)
        names = {name.strip().lower(): name for name in rows.fieldnames or ()}
        files, labels = FILE_NAMES & names.keys(), LABEL_COLUMNS & names.keys()
        if len(names) > MOST_COLUMNS or len(labels) != 1 or not files:
            return []
        # "id" and "name" have the file names only if no other column has them.
        column = names[min(files, key=lambda name: (name in ("id", "name"), name))]
        label = names[labels.pop()]
        listed = [((row[column] or "").strip(), (row[label] or "").strip()) for row in rows]
    if not listed or not (folder_and_suffix := locate(table.parent, listed[0][0], split)):
        return []
    folder, suffix = folder_and_suffix
    if unlabelled := [name for name, label in listed if not label]:
        raise DatasetError(
            f"{table}: {unlabelled[0] or 'a row'} has no label{and_more(len(unlabelled) - 1)}"
        )
    found = [(folder / f"{name}{suffix}", label) for name, label in listed]
    if missing := [file for file, _ in found if not file.is_file()]:
        raise DatasetError(f"{table}: {missing[0]} does not exist{and_more(len(missing) - 1)}")
    return found


def locate(path: Path, name: str, split: str) -> tuple[Path, str] | None:
    """Return the folder of an image, and the suffix that `name` lacks; None if it is not found."""
    # train/1.png and test/1.png are two images
    folders = [each for each in subfolders(path) if split_of(each.name) in (None, split)]
    for folder in (path, *folders):
        for suffix in ("", *SUFFIXES):
            file = folder / f"{name}{suffix}"
            if name and is_image_name(file.name) and file.is_file():
                return folder, suffix
    return None
