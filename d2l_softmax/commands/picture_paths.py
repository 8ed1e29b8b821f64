"""The pictures that are named on the command line: by file, by folder, by pattern."""

import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path

from d2l_softmax.data.image_cache import is_image_name as is_named_as_picture


def find_pictures(arguments: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Return the pictures that are named, each once, and a line for all that names none.

    A folder stands for the pictures in it and in the folders within, in natural order; a pattern
    for the pictures that match, and for the folders. Hidden and other files there are passed over.
    """
    problems: list[str] = []
    found: dict[tuple[str, str], Path] = {}  # by folder, whichever links lead there, and name
    for argument in arguments:
        for picture in pictures_of(argument, problems):
            found.setdefault((os.path.realpath(picture.parent), picture.name), picture)
    return list(found.values()), problems


def pictures_of(argument: Path, problems: list[str]) -> list[Path]:
    """Return the pictures that an argument names; what can't be looked into is added to problems.

    A file is taken for a picture, there or not: reading it will tell.
    """
    so_far = len(problems)
    if os.path.isdir(argument):
        pictures, reason = pictures_in(argument, problems), "no pictures in this folder"
    elif os.path.lexists(argument) or not is_pattern(argument):
        return [argument]
    else:
        pictures, reason = matching(argument, problems), "no picture matches this pattern"
    if not pictures and len(problems) == so_far:
        problems.append(f"{argument}: {reason}")
    return sorted(pictures, key=natural)


def is_pattern(argument: Path) -> bool:
    """Tell whether a path has characters that stand for others: *, ?, [."""
    return glob.escape(str(argument)) != str(argument)


def matching(pattern: Path, problems: list[str]) -> list[Path]:
    """Return the pictures that match a pattern or are in a folder that does."""
    pictures = []
    for match in map(Path, glob.iglob(str(pattern), recursive=True)):
        if match.is_dir():
            pictures += pictures_in(match, problems)
        elif is_named_as_picture(match.name):
            pictures.append(match)
    return pictures


def pictures_in(folder: Path, problems: list[str]) -> list[Path]:
    """Return the pictures in a folder and in those within; links to folders are not followed."""

    def note(error: OSError) -> None:
        problems.append(f"{error.filename}: can't be looked into: {error.strerror}")

    pictures = []
    for parent, folders, names in os.walk(folder, onerror=note):
        folders[:] = [name for name in folders if name[0] != "."]
        pictures += [
            Path(parent, name) for name in names if name[0] != "." and is_named_as_picture(name)
        ]
    return pictures


def natural(path: Path) -> list[list[str | int]]:
    """Return what paths are sorted by so that shirt 2 comes before shirt 10."""
    return [
        [int(piece) if place % 2 else piece.casefold() for place, piece in enumerate(pieces)]
        for pieces in (re.split(r"(\d+)", part) for part in path.parts)
    ]
