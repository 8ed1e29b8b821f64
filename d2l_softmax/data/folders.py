"""Read folders of images: a folder for each class, with or without splits.

Layouts: `CLASS/…`; `train/CLASS/…` with `test/CLASS/…`, `val/CLASS/…` or neither.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from d2l_softmax.data.arrays import and_more
from d2l_softmax.data.image_cache import ImageFile, ImageFolder, is_image_name
from d2l_softmax.data.names import kind_of, split_of
from d2l_softmax.data.tables import CSV_SUFFIXES
from d2l_softmax.errors import DatasetError

NOT_CLASSES = {"__MACOSX", "__pycache__"}


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
        return None
    splits: dict[str, list[ImageFile]] = {}
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
    tables = sorted(file.name for file in path.iterdir() if file.suffix.lower() in CSV_SUFFIXES)
    if tables:
        notes.append(f"{tables[0]} is not used{and_more(len(tables) - 1)}")
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
