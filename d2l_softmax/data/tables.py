"""Read data sets in tables: CSV files, also with semicolons or tabs, and Parquet files.

A row is an example. One column has the labels; the others are features, or the pixels of an image.
"""

import contextlib
import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from d2l_softmax.data.arrays import CLASSES_FILE, DatasetFiles, make_dataset, read_names
from d2l_softmax.data.convert import side_of_images
from d2l_softmax.data.files import check_regular, reading
from d2l_softmax.data.names import split_of
from d2l_softmax.errors import DatasetError, install_command

SUFFIXES = {".csv", ".tsv", ".parquet"}
LABEL_COLUMNS = {"label", "labels", "class", "target", "y"}  # names of the column of labels
ROW_NUMBERS = {"", "id", "index", "unnamed: 0"}  # names of columns that number the rows
PIXEL = re.compile(r"(pixel|px|p)?[ _-]?\d+([ x_-]\d+)?", re.IGNORECASE)
DELIMITERS = ",;\t|"
MOST_BYTES = 400_000_000  # of a file; its numbers need at most three times the memory
HEAD = 1 << 20  # bytes that are read to find the first two lines


class Table(NamedTuple):
    """The content of a table: features (n, d) or images (n, ...), labels (n,) and class names."""

    examples: np.ndarray
    labels: np.ndarray | None
    names: Sequence[str] | None
    notes: tuple[str, ...]


def find_tables(path: Path, size: list[int]) -> DatasetFiles | None:
    """Read the data set in a CSV or Parquet file, or in those of a directory; None without any.

    With several files, the file names give the split: `train`, `test`, `validation`. Files of one
    split are joined in the order of their names. Images in Parquet files are resized to [h, w] if
    that is given.
    """
    files = (
        [path] if path.is_file() else [file for file in sorted(path.glob("*")) if file.is_file()]
    )
    files = [file for file in files if file.suffix.lower() in SUFFIXES and file.name[0] != "."]
    if not files:
        return None
    splits: dict[str, list[Path]] = {}
    for file in files:
        splits.setdefault(split_of(file.stem) or "unknown", []).append(file)
    unknown = splits.pop("unknown", [])
    if len(files) == 1:
        splits = {"train": files}
    elif len(unknown) == 1 and "train" not in splits:
        splits["train"] = unknown
    elif unknown or "train" not in splits:
        raise DatasetError(
            f"{path} has {', '.join(file.name for file in files[:4])}, and the training data are "
            "unclear; name the files train.csv, test.csv, val.csv"
        )
    arrays: dict[str, tuple[np.ndarray, Path | str]] = {}
    names, notes = None, []
    for split, members in splits.items():
        tables = [read_table(file, split, size) for file in members]
        names = names or tables[0].names
        notes += [note for table in tables for note in table.notes if note not in notes]
        arrays[f"{split}_images"] = join([table.examples for table in tables], members[0])
        labels = [table.labels for table in tables if table.labels is not None]
        if labels:
            arrays[f"{split}_labels"] = join(labels, members[0])
    folder = path if path.is_dir() else path.parent
    data = make_dataset(
        arrays, names or read_names(folder / CLASSES_FILE), path, rows_may_be_images=False
    )
    return data._replace(notes=(*notes, *data.notes))


def join(arrays: list[np.ndarray], path: Path) -> tuple[np.ndarray, Path]:
    """Concatenate the arrays of a split; return the result and its source, `path`.

    Raises DatasetError if the shapes of their examples differ.
    """
    if len({array.shape[1:] for array in arrays}) > 1:
        raise DatasetError(f"{path} and the other files of its split have different columns")
    return (arrays[0] if len(arrays) == 1 else np.concatenate(arrays)), path


def read_table(path: Path, split: str, size: list[int]) -> Table:
    """Read a table; DatasetError if it can't be used. Only test data may lack labels."""
    with reading(path, "a table"):
        check_regular(path, MOST_BYTES, "save it as .npy files, which are memory-mapped")
        if path.suffix.lower() == ".parquet":
            return read_parquet(path, size)
        table = read_csv(path)
    if table.labels is None and split != "test":
        raise DatasetError(
            f"{path}: no column is called label; rename the label column, in the first line, to "
            "label"
        )
    return table


# CSV


def read_csv(path: Path) -> Table:
    """Read a CSV file of numbers, with a column of labels, which are numbers or text.

    NumPy reads 60,000 rows of 785 pixels in 1.4 s, faster than pyarrow.
    """
    header, first, delimiter = read_head(path)
    is_text = [not is_number(cell) for cell in first]
    label, notes = find_labels(path, header, is_text)
    names = header or [f"column {i}" for i in range(1, len(first) + 1)]
    unused = [i for i, name in enumerate(header or ()) if name.strip().lower() in ROW_NUMBERS]
    numeric = [i for i in range(len(names)) if i not in unused and not is_text[i]]
    for i, name in enumerate(names):
        if is_text[i] and i not in (label, *unused):
            raise DatasetError(f"{path}: {name!r} has the text {first[i][:40]!r}, expected numbers")
    skipped = 1 if header else 0
    how: dict[str, Any] = {"delimiter": delimiter, "quotechar": '"', "comments": None}
    how |= {"skiprows": skipped, "encoding": "utf-8-sig"}
    check_no_longer_rows(path, len(names), delimiter)
    pixels = [i for i in numeric if i != label]
    may_be_pixels = not header or all(PIXEL.fullmatch(names[i].strip()) for i in pixels)
    labels = None
    try:
        numbers = load_numbers(path, may_be_pixels, usecols=numeric, ndmin=2, **how)
        if label is not None and is_text[label]:
            labels = np.loadtxt(path, usecols=label, ndmin=1, dtype=str, **how)
    except ValueError as error:
        raise DatasetError(f"{path}: {correct_row_number(str(error), skipped)}") from error
    if labels is None:
        column = guess_labels(numbers) if label is None else numeric.index(label)
        if label is None and column is not None:
            notes += (f"{names[numeric[column]]!r} taken as the labels",)
        if column is not None:
            labels = numbers[:, column]
            numbers = numbers[:, 1:] if column == 0 else np.delete(numbers, column, axis=1)
            del numeric[column]
    if not numbers.shape[1]:
        raise DatasetError(f"{path} has no column of numbers besides the labels")
    if may_be_pixels and (side := side_of_images(numbers)):
        notes += (f"rows of {side * side} pixels, taken as images of {side}×{side}",)
        images = numbers.astype(np.uint8).reshape(-1, side, side)
        return Table(images, labels, None, notes)
    return Table(numbers.astype(np.float64, copy=False), labels, None, notes)


def load_numbers(path: Path, may_be_pixels: bool, **how: Any) -> np.ndarray:
    """Read the numbers of a CSV file, as uint8 if they can be pixels, else as float64.

    uint8 takes an eighth of the memory and half the time. Raises ValueError if a cell is not a
    number.
    """
    if may_be_pixels:
        with contextlib.suppress(ValueError):
            return np.loadtxt(path, dtype=np.uint8, **how)
    return np.loadtxt(path, **how)


def read_head(path: Path) -> tuple[list[str] | None, list[str], str]:
    """Return the column names or None, the cells of the first row, and the delimiter."""
    with open(path, "rb") as file:
        head = file.read(HEAD)
    if b"\0" in head:
        raise DatasetError(f"{path} is not a text file")
    lines = [line for line in head.decode("utf-8-sig").splitlines() if line.strip()][:2]
    if not lines:
        raise DatasetError(f"{path} is empty")
    delimiter = max(DELIMITERS, key=lines[0].count)
    rows = list(csv.reader(lines, delimiter=delimiter))
    is_label = [cell.strip().lower() in LABEL_COLUMNS for cell in rows[0]]
    if not (any(is_label) or not any(map(is_number, rows[0]))):
        return None, rows[0], delimiter
    if len(rows) < 2:
        raise DatasetError(f"{path} has no rows below its first line")
    return rows[0], rows[1], delimiter


def check_no_longer_rows(path: Path, columns: int, delimiter: str) -> None:
    """Raise DatasetError if a row has too many cells, which numpy.loadtxt would ignore.

    Rows with quotes are not checked, as the quotes may contain delimiters.
    """
    separator = delimiter.encode()
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            if line.count(separator) >= columns and b'"' not in line:
                cells = line.count(separator) + 1
                raise DatasetError(f"{path} has {cells} cells in line {number}, not {columns}")


def is_number(cell: str) -> bool:
    """Return True if a cell is a number, or empty; empty cells are refused by load_numbers."""
    try:
        float(cell or 0)
    except ValueError:
        return False
    return True


def find_labels(
    path: Path, header: list[str] | None, is_text: list[bool]
) -> tuple[int | None, tuple[str, ...]]:
    """Return the index of the label column, or None, and notes.

    The label column has a name in LABEL_COLUMNS, or is the only column of text.
    """
    named = [i for i, name in enumerate(header or ()) if name.strip().lower() in LABEL_COLUMNS]
    if len(named) > 1:  # "y" is then a coordinate
        named = [i for i in named if header and header[i].strip().lower() != "y"]
    if len(named) > 1:
        both = " and ".join(repr(header[i]) for i in named) if header else ""
        raise DatasetError(f"{path} has several label columns, {both}; keep one of them")
    if named:
        return named[0], ()
    unused = [name.strip().lower() in ROW_NUMBERS for name in header or [" "] * len(is_text)]
    texts = [i for i, text in enumerate(is_text) if text and not (header and unused[i])]
    if len(texts) == 1:
        name = repr(header[texts[0]]) if header else f"column {texts[0] + 1}"
        return texts[0], (f"{name} taken as the labels",)
    return None, ()


def guess_labels(numbers: np.ndarray) -> int | None:
    """Return the index of the label column, if it is clear: 0 or d - 1, else None.

    Labels are whole numbers without gaps, from 0 or 1, with at least two rows per class on average.
    Only one of the first and the last column may be like that.
    """
    found = []
    for column in dict.fromkeys((0, numbers.shape[1] - 1)):
        values = np.unique(numbers[:, column])
        is_small = 2 <= len(values) <= max(2, len(numbers) // 2) and values[0] in (0, 1)
        if is_small and np.array_equal(values, values[0] + np.arange(len(values))):
            found.append(column)
    return found[0] if len(found) == 1 else None


def correct_row_number(message: str, skipped: int) -> str:
    """Correct the row number in a message of numpy.loadtxt: from 1, header included."""
    # loadtxt counts rows from 0 in messages that also name a column, and from 1 in others.
    message = re.sub(r"at row (\d+),", lambda row: f"in row {int(row[1]) + 1 + skipped},", message)
    return re.sub(r"at row (\d+)", lambda row: f"in row {int(row[1]) + skipped}", message)


# Parquet


def read_parquet(path: Path, size: list[int]) -> Table:
    """Read a Parquet file: columns of numbers, or a column of lists or of encoded images."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise DatasetError(
            f"{path}: Parquet files need pyarrow; try {install_command('parquet')}"
        ) from error
    table = parquet.read_table(path)
    names = table.column_names
    columns = {name: table[name] for name in names if name.strip().lower() not in ROW_NUMBERS}
    label, notes = find_labels(path, names, [pa.types.is_string(c.type) for c in table.columns])
    if label is None:
        raise DatasetError(
            f"{path} has {', '.join(names[:8])}, but no column is called label; rename the label "
            "column to label"
        )
    labels = columns.pop(names[label]).to_numpy()
    if labels.dtype == object:
        labels = labels.astype(str)
    encoded = {name: c for name, c in columns.items() if is_encoded(c.type, pa)}
    if len(encoded) == 1:
        (column,) = encoded.values()
        images = decode(column, path, size)
        return Table(images, labels, class_names(table.schema, names[label]), notes)
    lists = [name for name, column in columns.items() if pa.types.is_nested(column.type)]
    if len(lists) == 1:
        examples = unnest(columns[lists[0]], len(table), pa)
        return Table(examples, labels, class_names(table.schema, names[label]), notes)
    if not columns or lists or len(encoded) > 1:
        raise DatasetError(f"{path} has {', '.join(names[:8])}; expected one column of images")
    examples = np.column_stack([column.to_numpy() for column in columns.values()])
    if all(PIXEL.fullmatch(name) for name in columns) and (side := side_of_images(examples)):
        examples = examples.reshape(-1, side, side)
    return Table(examples, labels, None, notes)


def is_encoded(column_type: Any, pa: Any) -> bool:
    """Return True for a column of encoded images: bytes, or a struct with bytes."""
    if pa.types.is_struct(column_type):
        return column_type.get_field_index("bytes") >= 0
    return pa.types.is_binary(column_type) or pa.types.is_large_binary(column_type)


def decode(column: Any, path: Path, size: list[int]) -> np.ndarray:
    """Return the images of a column (n, h, w) or (n, h, w, 3), resized to [h, w] if given."""
    from d2l_softmax.data.pictures import is_coloured, load_picture, to_array

    pictures = []
    for i, cell in enumerate(column.to_pylist()):
        content = cell["bytes"] if isinstance(cell, dict) else cell
        if not content:
            raise DatasetError(f"{path}: row {i + 1} has no image")
        pictures.append(load_picture(Path(f"{path}, row {i + 1}"), content))
    if not size and len({picture.size for picture in pictures}) > 1:
        raise DatasetError(f"{path} has images of several sizes;", "give one size with {resize}")
    mode = "RGB" if any(map(is_coloured, pictures)) else "L"
    return np.stack([to_array(picture, mode, size) for picture in pictures])


def unnest(column: Any, n: int, pa: Any) -> np.ndarray:
    """Convert a column of lists, or nested lists, of equal lengths to an array (n, ...)."""
    values, shape = column.combine_chunks(), [n]
    while pa.types.is_list(values.type) or pa.types.is_fixed_size_list(values.type):
        outer = len(values)
        values = values.flatten()
        shape.append(len(values) // outer)
    return values.to_numpy(zero_copy_only=False).reshape(shape)


def class_names(schema: Any, label: str) -> list[str] | None:
    """Return the class names for a column from Hugging Face's metadata; None without any."""
    metadata = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    return metadata.get("info", {}).get("features", {}).get(label, {}).get("names")
