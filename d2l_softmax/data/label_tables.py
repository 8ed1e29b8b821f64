"""Read images that a table such as `labels.csv` lists: a column of file names and one of labels.

The images may be in any subfolders. Their names in the table may lack folders and extensions.
"""

import itertools
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from d2l_softmax.data.arrays import CLASSES_FILE, and_more, read_names
from d2l_softmax.data.convert import to_labels
from d2l_softmax.data.files import reading_text
from d2l_softmax.data.folders import list_class_folders, subfolders, walk
from d2l_softmax.data.image_cache import ImageFile, ImageFolder, is_image_name
from d2l_softmax.data.names import is_submission, kind_of, split_of, words_of
from d2l_softmax.data.tables import (
    CSV_SUFFIXES,
    LABEL_COLUMNS,
    MAX_BYTES,
    csv_rows,
    is_number,
    only_label_column,
    parse_labels,
    read_head,
)
from d2l_softmax.errors import DatasetError

# words in the name of a column of file names that may be bare numbers, such as `image_id`
FILE_WORDS = {"file", "filename", "image", "img", "path", "filepath", "name", "id"}
SAMPLE = 50  # rows that tell whether a table lists images


class ListedImage(NamedTuple):
    """A row of a table of labels."""

    file: Path
    label: str
    split: str
    table: Path


class LabelTable(NamedTuple):
    """The rows of a table of labels, the name of its label column, "" for one-hot, and notes."""

    rows: list[ListedImage]
    label: str
    notes: list[str]


class ImageIndex:
    """The images in the folder `path`, by each name that a table may use for them."""

    def __init__(self, path: Path):
        """Find the images, and name them with and without folders and extensions."""
        self.path = path
        self.names: dict[str, list[str]] = defaultdict(list)  # paths relative to the folder
        prefix = f"{path.as_posix()}/"
        for file in walk(path):
            if is_image_name(file.name):
                name = relative = file.as_posix().removeprefix(prefix)
                while name:
                    self.names[name].append(relative)
                    self.names[os.path.splitext(name)[0]].append(relative)
                    name = name.partition("/")[2]

    def find(self, name: str, split: str | None) -> list[str]:
        """Return the images that a name in a table may mean, as paths relative to the folder.

        Those in a folder for another split are not meant. If the split is unknown, those for
        training take precedence.
        """
        name = name.replace("\\", "/")
        while name not in self.names:  # the folder was elsewhere when the table was written
            outer, _, name = name.partition("/")
            if not name or split_of(outer):
                return []
        found = self.names[name]
        if name in found:
            return [name]
        in_split = [each for each in found if folder_split(each) in (None, split or "train")]
        return in_split or ([] if split else found)


def folder_split(relative: str) -> str | None:
    """Return the split that a folder of an image is named after, or None."""
    return next(filter(None, map(split_of, relative.split("/")[:-1])), None)


def list_images(path: Path, size: list[int]) -> ImageFolder | None:
    """List the labelled images of a folder; None if there are none.

    A table whose label column has a known name takes precedence over class folders. They take
    precedence over a table whose label column has to be guessed, unless all of them are called
    images, such as `images_part_1`.
    """
    if not path.is_dir():
        return None
    tables = find_label_tables(path)
    if not tables:
        return list_class_folders(path, size)
    images = ImageIndex(path)
    if listed := list_labelled_images(tables, images, size, guess=False):
        return listed
    if all(kind_of(folder.name) == "images" for folder in subfolders(path)):
        guessed = list_labelled_images(tables, images, size, guess=True)
        return guessed or list_class_folders(path, size)
    return list_class_folders(path, size) or list_labelled_images(tables, images, size, guess=True)


def list_labelled_images(
    tables: dict[Path, str | None], images: ImageIndex, size: list[int], guess: bool
) -> ImageFolder | None:
    """List the images in tables, which are given with their splits.

    The split of an image is given by a column of the table, the name of the table or its folder,
    or the folder of the image; the default is training. The label column is called `label`,
    `class`, `target` or similar; with `guess` it may also be the only one of text, or the only one
    besides the file names, or there may be a column for each class, one-hot. Returns None if no
    table lists images. Raises DatasetError if an image is missing or has several labels.
    """
    listed: list[ListedImage] = []
    others: list[ListedImage] = []
    notes = ["labels from a table"]
    label = None  # the name of the training data's label column
    for file, split in tables.items():
        if table := read_label_table(file, split, images, label, guess):
            (listed if split else others).extend(table.rows)
            label = label or table.label
            notes += table.notes
    if any(row.split == "train" for row in listed):
        # The other tables describe something else, such as the classes.
        notes += sorted({f"{row.table.name} is not used" for row in others})
    else:
        listed += others
    splits = by_split(listed)
    if "train" not in splits:
        return None
    names = read_names(images.path / CLASSES_FILE)
    return ImageFolder(images.path, names, splits, size, tuple(notes))


def find_label_tables(path: Path) -> dict[Path, str | None]:
    """Return the tables in a folder, and in its folders for splits, with their splits if known.

    Those for training come first.
    """
    splits: dict[Path, str | None] = {}
    for folder in (path, *filter(lambda folder: split_of(folder.name), subfolders(path))):
        for file in folder.iterdir():
            is_table = file.suffix.lower() in CSV_SUFFIXES and file.is_file()
            if is_table and file.name[0] != "." and not is_submission(file.name):
                name = file.stem if folder == path else f"{folder.name} {file.stem}"
                splits[file] = split_of(name)
    return dict(sorted(splits.items(), key=lambda item: (item[1] != "train", item[0])))


def read_label_table(
    path: Path, split: str | None, images: ImageIndex, label_name: str | None, guess: bool
) -> LabelTable | None:
    """Read a table; None if it does not list images, or has no labels.

    `split` is that of the table, if it is known; `label_name` is that of the training data.
    """
    try:
        sample = read_cells(path, SAMPLE)
    except DatasetError:
        if kind_of(path.stem) == "labels":
            raise
        return None
    header = sample[0]
    column = find_file_column(sample, split, images)
    if column is None:
        return None
    rows = read_cells(path)
    if not images.find(header[column], split):
        del rows[0]
    others = [i for i in range(len(header)) if i != column]
    splits = [split] * len(rows)
    if (split_column := find_split_column(header, rows, others)) is not None:
        splits = [split_of(row[split_column]) for row in rows]
        others.remove(split_column)
    names = [row[column] for row in rows]
    label = find_label_column(path, header, others)
    if label_name and label_name in header:
        label = header.index(label_name)
    notes: list[str] = []
    if label is None and guess:
        if hot := find_ones(rows, others):
            labels = [header[i] for i in hot]
            listed = list_rows(path, images, names, labels, splits)
            return LabelTable(listed, "", ["one-hot labels"])
        if (label := guess_label_column(rows, others)) is not None:
            notes = [f"{header[label]!r} taken as the labels"]
        elif split != "test" and 2 * sum(bool(images.find(n, split)) for n in names) >= len(names):
            raise DatasetError(
                f"{path} lists images, but its label column is unclear; rename that column to label"
            )
    if label is None:
        return None
    labels = [row[label] for row in rows]
    return LabelTable(list_rows(path, images, names, labels, splits), header[label], notes)


def list_rows(
    path: Path,
    images: ImageIndex,
    names: Sequence[str],
    labels: Sequence[str],
    splits: Sequence[str | None],
) -> list[ListedImage]:
    """Return the images of the names in a table; DatasetError if one or its label is missing."""
    listed, problems = [], []
    for name, label, split in zip(names, labels, splits, strict=True):
        found = images.find(name, split)
        if label.lower() in ("", "nan"):
            problems.append(f"{name or 'a row'} has no label")
        elif not found:
            problems.append(f"{name} is not an image in {images.path}")
        elif len(found) > 1:
            one, other, *_ = sorted(found)
            problems.append(f"{name} may be {one} or {other}; write the folder, too")
        else:
            split = split or folder_split(found[0]) or "train"
            listed.append(ListedImage(images.path / found[0], label, split, path))
    if problems:
        raise DatasetError(f"{path}: {problems[0]}{and_more(len(problems) - 1)}")
    return listed


def read_cells(path: Path, number: int | None = None) -> list[list[str]]:
    """Return the first `number` rows of a table, or all, as cells of text; short rows are filled.

    Raises DatasetError if the table is too large, damaged or empty, or has a row that is too long.
    """
    with reading_text(path, "a table of labels", MAX_BYTES):
        head = read_head(path)
        numbered = csv_rows(path, head.delimiter, head.encoding)
        rows = [row for _, row in itertools.islice(numbered, number)]
    width = len(rows[0])
    for row in rows:
        if any(row[width:]):
            raise DatasetError(f"{path}: a row has {len(row)} cells, expected {width}: {row[:3]}")
    return [[cell.strip() for cell in row[:width]] + [""] * (width - len(row)) for row in rows]


def find_file_column(rows: list[list[str]], split: str | None, images: ImageIndex) -> int | None:
    """Return the index of the column that has most names of images; None if no column has any.

    A number is taken for a name only in a column that is called `id`, `image` or similar.
    """
    counts = []
    for name, *cells in zip(*rows, strict=True):
        is_for_names = FILE_WORDS & {*words_of(name)}
        names = {cell for cell in (name, *cells) if is_for_names or not is_number(cell, ".")}
        found = [cell for cell in names if images.find(cell, split)]
        counts.append((len(found), sum(map(is_image_name, found))))
    best = max(counts)
    return counts.index(best) if best[0] else None


def find_split_column(
    header: Sequence[str], rows: list[list[str]], columns: Sequence[int]
) -> int | None:
    """Return the index of a column with `train`, `test` or `val` in each row, or None."""
    for i in columns if len(columns) > 1 else ():
        if header[i].lower() not in LABEL_COLUMNS and all(split_of(row[i]) for row in rows):
            return i
    return None


def find_label_column(path: Path, header: Sequence[str], columns: Sequence[int]) -> int | None:
    """Return the index of the column that is called `label`, `ClassId` or similar, or None."""
    names = [name.lower() for name in header]
    if "x" in names:
        columns = [i for i in columns if names[i] != "y"]  # a coordinate
    found = [i for i in columns if names[i] in LABEL_COLUMNS]
    found = found or [i for i in columns if LABEL_COLUMNS & {*words_of(header[i])}]
    return only_label_column(path, header, found)


def find_ones(rows: list[list[str]], columns: Sequence[int]) -> list[int] | None:
    """Return the column that has a 1 in each row if the columns are one-hot labels, else None."""
    ones = []
    for row in rows:
        cells = [row[i] if is_number(row[i], ".") else "" for i in columns]
        numbers = [float(cell or "nan") for cell in cells]
        if len(numbers) < 2 or {*numbers} != {0.0, 1.0} or sum(numbers) != 1:
            return None
        ones.append(columns[numbers.index(1)])
    return ones


def guess_label_column(rows: list[list[str]], columns: Sequence[int]) -> int | None:
    """Return the index of the only column of repeated text, or of repeated numbers, or None."""
    repeated = [i for i in columns if 2 * len({row[i] for row in rows}) <= len(rows)]
    texts = [i for i in repeated if not all(is_number(row[i], ".") for row in rows)]
    found = texts or repeated
    return found[0] if len(found) == 1 else None


def by_split(listed: Sequence[ListedImage]) -> dict[str, list[ImageFile]]:
    """Return the image files and labels of each split, without repetitions.

    Raises DatasetError if an image is in two splits, or has two labels.
    """
    rows: dict[Path, ListedImage] = {}
    for row in listed:
        other = rows.setdefault(row.file, row)
        if (other.label, other.split) != (row.label, row.split):
            raise DatasetError(
                f"{row.table} lists {row.file} as {row.label!r} for {row.split}, but it is also "
                f"{other.label!r} for {other.split}; expected one label and one split"
            )
    splits: dict[str, list[ImageFile]] = defaultdict(list)
    if rows:
        values = parse_labels([row.label for row in rows.values()])
        labels, _ = to_labels(values, listed[0].table)
        for row, label in zip(rows.values(), labels.tolist(), strict=True):
            splits[row.split].append((row.file, label))
    return splits
