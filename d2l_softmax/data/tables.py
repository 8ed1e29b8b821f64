"""Read data sets in tables: CSV files, also with semicolons, tabs or spaces, and Parquet files.

A row is an example. One column has the labels; the others are features, or the pixels of an image.
"""

import codecs
import csv
import itertools
import json
import re
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from d2l_softmax.data.arrays import DatasetFiles, make_dataset
from d2l_softmax.data.files import reading, reading_text
from d2l_softmax.data.names import is_submission, split_of
from d2l_softmax.errors import DatasetError, install_command

CSV_SUFFIXES = {".csv", ".tsv"}
SUFFIXES = CSV_SUFFIXES | {".parquet"}
SUFFIXES_OF_A_FILE = {".data", ".dat", ".txt"}  # in a directory they may be something else
LABEL_COLUMNS = {"label", "labels", "class", "target", "y"}  # names of the column of labels
# names of columns that number the rows; the last two are pandas'
ROW_NUMBERS = {"", "id", "index", "unnamed: 0", "__index_level_0__"}
DELIMITERS = ";\t|,"  # tried in this order: numbers and names may have commas
MAX_BYTES = 400_000_000  # of a file; its numbers need several times the memory
TRUTH = {"true": 1.0, "false": 0.0}
FRACTION = re.compile(r"\s*[-+]?\d+[.,]\d+\s*")
NUMBER = re.compile(r"[-+]?(0|[1-9]\d*)(\.\d*(e[-+]?\d+)?)?", re.IGNORECASE)


class Table(NamedTuple):
    """The content of a table: features (n, d) or images (n, ...), labels (n,) and class names.

    `columns` has the names of the d features, in lower case, and `label` that of the labels'
    column in a CSV file; None if the table has no names.
    """

    examples: np.ndarray
    labels: np.ndarray | None
    names: Sequence[str] | None = None
    notes: tuple[str, ...] = ()
    columns: Sequence[str] | None = None
    label: str | None = None


def find_tables(path: Path, size: list[int]) -> DatasetFiles | None:
    """Read the data set in a CSV or Parquet file, or in those of a directory; None without any.

    With several files, the file names give the split: `train`, `test`, `validation`. Files of one
    split are joined in the order of their names. Columns are matched by name. Images in Parquet
    files are resized to [h, w] if that is given.
    """
    suffixes = SUFFIXES | SUFFIXES_OF_A_FILE if path.is_file() else SUFFIXES
    files = [file for file in ([path] if path.is_file() else path.glob("*")) if file.is_file()]
    files = [f for f in sorted(files) if f.suffix.lower() in suffixes and f.name[0] != "."]
    if not files:
        return None
    unused = [file for file in files if is_submission(file.name)] if len(files) > 1 else []
    files = [file for file in files if file not in unused]
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
    names, notes = None, [f"{file.name} is not used" for file in unused]
    train: Table | None = None
    for split, members in sorted(splits.items(), key=lambda item: item[0] != "train"):
        tables = []
        for file in members:
            table = read_table(file, split, size, train.label if train else None)
            train = train or table
            tables.append(in_order_of(train, table, file))
        names = names or tables[0].names
        notes += [note for table in tables for note in table.notes if note not in notes]
        arrays[f"{split}_images"] = join([table.examples for table in tables], members[0])
        labels = [table.labels for table in tables if table.labels is not None]
        if labels:
            arrays[f"{split}_labels"] = join(labels, members[0])
    data = make_dataset(arrays, path, names)
    return data._replace(notes=(*notes, *data.notes))


def join(arrays: list[np.ndarray], path: Path) -> tuple[np.ndarray, Path]:
    """Concatenate the arrays of a split; return the result and its source, `path`.

    Raises DatasetError if the shapes of their examples differ.
    """
    if len({array.shape[1:] for array in arrays}) > 1:
        raise DatasetError(f"{path} and the other files of its split have different columns")
    return (arrays[0] if len(arrays) == 1 else np.concatenate(arrays)), path


def in_order_of(train: Table, table: Table, path: Path) -> Table:
    """Return the table with its columns in the order of the first training table.

    Raises DatasetError if the names of the columns differ.
    """
    if train.columns is None or table.columns is None or train.columns == table.columns:
        return table
    are_unique = len(set(train.columns)) == len(train.columns)
    if sorted(train.columns) != sorted(table.columns) or not are_unique:
        unknown = [repr(name) for name in table.columns if name not in train.columns]
        missing = [repr(name) for name in train.columns if name not in table.columns]
        raise DatasetError(
            f"{path} has other columns than the training data, or repeated names: "
            f"{', '.join(unknown[:4]) or 'none'} instead of {', '.join(missing[:4]) or 'none'}"
        )
    places = [table.columns.index(name) for name in train.columns]
    return table._replace(examples=table.examples[:, places], columns=train.columns)


def read_table(path: Path, split: str, size: list[int], label: str | None) -> Table:
    """Read a table; DatasetError if it can't be used. Only test data may lack labels.

    `label` is the name of the training data's label column, if it is known.
    """
    if path.suffix.lower() == ".parquet":
        with reading(path, "a Parquet file", MAX_BYTES):
            table = read_parquet(path, size)
    else:
        with reading_text(path, "a table", MAX_BYTES):
            table = read_csv(path, label)
    if table.labels is None and split != "test":
        raise DatasetError(f"{path}: no column is called label; rename the label column to label")
    return table


def find_labels(
    path: Path, names: Sequence[str], is_text: Sequence[bool]
) -> tuple[int | None, tuple[str, ...]]:
    """Return the index of the label column, or None, and notes.

    The label column has a name in LABEL_COLUMNS, or is the only column of text.
    """
    lower = [name.strip().lower() for name in names]
    named = [i for i, name in enumerate(lower) if name in LABEL_COLUMNS]
    texts = [i for i, name in enumerate(lower) if is_text[i] and name not in ROW_NUMBERS]
    if len(named) > 1 or ("x" in lower and any(lower[i] != "y" for i in texts)):
        named = [i for i in named if lower[i] != "y"]  # a coordinate
    label = only_label_column(path, names, named)
    if label is not None:
        return label, ()
    if len(texts) == 1:
        return texts[0], (f"{names[texts[0]]!r} taken as the labels",)
    return None, ()


def only_label_column(path: Path, names: Sequence[str], found: Sequence[int]) -> int | None:
    """Return the only index in `found`, None without any; DatasetError if there are several."""
    if len(found) > 1:
        several = " and ".join(repr(names[i]) for i in found)
        raise DatasetError(f"{path} has several label columns, {several}; keep one of them")
    return found[0] if found else None


def find_row_numbers(
    names: Sequence[str], has_fractions: Sequence[bool]
) -> tuple[list[int], tuple[str, ...]]:
    """Return the indices of the columns that number the rows, such as pandas' index, and notes."""
    lower = [name.strip().lower() for name in names]
    is_feature = [name == "index" and has_fractions[i] for i, name in enumerate(lower)]
    unused = [i for i, name in enumerate(lower) if name in ROW_NUMBERS and not is_feature[i]]
    numbers = [i for i in unused if names[i] or i < len(names) - 1]  # the last one is empty
    return unused, tuple(f"column {names[i] or i + 1!r} left out: row numbers" for i in numbers)


# CSV


class Head(NamedTuple):
    """How a CSV file begins: the names of its columns or None, and its first row of data.

    `lines` is the number of lines of the header. `decimal` is the decimal separator that numbers
    may have besides the point.
    """

    names: list[str] | None
    first: list[str]
    lines: int
    delimiter: str
    decimal: str
    encoding: str


def read_head(path: Path) -> Head:
    """Find a CSV file's encoding, its delimiter, and whether it has a header.

    The delimiter is the first that divides the first two rows into equal numbers of cells, or else
    the one that divides the first row into most. Without any it is a space, or several.
    """
    encoding = encoding_of(path)
    heads: dict[str, list[tuple[int, list[str]]]] = {}  # line numbers and cells of two rows
    for delimiter in f"{DELIMITERS} ":
        rows = csv_rows(path, delimiter, encoding, errors="replace")
        heads[delimiter] = list(itertools.islice(rows, 2))
    if not all(heads.values()):
        raise DatasetError(f"{path} has no rows of data")
    widths = {delimiter: [len(row) for _, row in rows] for delimiter, rows in heads.items()}
    found = [delimiter for delimiter in DELIMITERS if max(widths[delimiter]) > 1] or [" "]
    even = [delimiter for delimiter in found if widths[delimiter][0] == widths[delimiter][-1]]
    delimiter = even[0] if even else max(found, key=lambda each: widths[each][0])
    decimal = "." if delimiter in ", " else ","
    (lines, names), *others = heads[delimiter]
    numbers = [cell.strip() for cell in names if cell.strip() and is_number(cell, decimal)]
    is_numbered = len(numbers) > 2 and numbers == [str(i) for i in range(len(numbers))]
    is_named = any(cell.strip().lower() in LABEL_COLUMNS for cell in names)
    if numbers and not is_numbered and not is_named:
        return Head(None, names, 0, delimiter, decimal, encoding)
    if not others:
        raise DatasetError(f"{path} has no rows of data")
    ((_, first),) = others
    if len(names) == len(first) + 1 and not names[-1].strip():  # a delimiter at the end of a line
        names = names[:-1]
    elif len(names) == len(first) - 1 and not first[-1].strip():
        names = [*names, ""]
    return Head(names, first, lines, delimiter, decimal, encoding)


def csv_rows(
    path: Path, delimiter: str, encoding: str, errors: str = "strict"
) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each row that is not empty, and the number of its last line."""
    with open(path, newline="", encoding=encoding, errors=errors) as file:
        reader = csv.reader(file, delimiter=delimiter, skipinitialspace=True)
        for row in reader:
            if delimiter == " " and row and not row[-1]:
                del row[-1]  # spaces at the end of the line
            if row:
                yield reader.line_num, row


def encoding_of(path: Path) -> str:
    """Return the encoding of a table: UTF-16 if it has the mark of that, otherwise UTF-8."""
    with open(path, "rb") as file:
        is_utf16 = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return "utf-16" if is_utf16 else "utf-8-sig"


def is_number(cell: str, decimal: str) -> bool:
    """Return True if a cell is a number, or empty; empty cells are refused by load_numbers."""
    try:
        float(cell.strip().replace(decimal, ".") or 0)
    except ValueError:
        return False
    return True


def is_truth(cell: str) -> bool:
    """Return True if a cell is `True` or `False`, as pandas writes booleans."""
    return cell.strip().lower() in TRUTH


def read_csv(path: Path, label_name: str | None = None) -> Table:
    """Read a CSV file of numbers, with a column of labels, which are numbers or text.

    `label_name` is the name of the training data's label column, if it is known.

    NumPy reads 60,000 rows of 785 pixels in 1.4 s, faster than pyarrow.
    """
    head = read_head(path)
    first = head.first
    names = head.names or [f"column {i}" for i in range(1, len(first) + 1)]
    if len(names) != len(first):
        raise DatasetError(f"{path}: {find_problem(path, head, names, ())}")
    label, notes = find_labels(path, names, [not is_number(cell, head.decimal) for cell in first])
    if label is None and label_name in names:
        label = names.index(label_name)
    unused, more_notes = find_row_numbers(names, [bool(FRACTION.fullmatch(c)) for c in first])
    texts: dict[str, int] = {}  # the labels, numbered while they are read
    converters: dict[Any, Callable] = dict.fromkeys(unused, lambda cell: 0)
    if label is not None:
        converters[label] = lambda cell: texts.setdefault(cell, len(texts))
    numbers = load_numbers(path, head, names, converters)
    columns = [i for i in range(len(names)) if i not in unused]
    labels = None
    if label is not None:
        labels = parse_labels([*texts])[numbers[:, label].astype(int)]
    elif not (head.names and label_name):
        label = guess_labels(numbers, {*columns[:1], *columns[-1:]})
        if label is not None:
            labels, notes = numbers[:, label], (f"{names[label]!r} taken as the labels",)
    columns = [i for i in columns if i != label]
    if not columns:
        raise DatasetError(f"{path} has no column of numbers besides the labels")
    table = Table(numbers[:, columns], labels, None, (*notes, *more_notes))
    if not head.names:
        return table
    features = [names[i].strip().lower() for i in columns]
    return table._replace(columns=features, label=None if label is None else names[label])


def load_numbers(
    path: Path, head: Head, names: Sequence[str], converters: dict[Any, Callable]
) -> np.ndarray:
    """Read the numbers of a CSV file, as uint8 if they can be pixels, else as float64.

    uint8 takes an eighth of the memory and half the time. Raises DatasetError for the first cell
    that is not a number and has no converter.
    """

    def to_float(cell: str) -> float:
        cell = cell.strip().lower()
        return TRUTH[cell] if cell in TRUTH else float(cell.replace(head.decimal, "."))

    unusual = [i for i, cell in enumerate(head.first) if head.decimal == "," or is_truth(cell)]
    attempts: list[tuple[type, dict[Any, Callable]]] = [(np.uint8, {}), (np.float64, {})]
    if unusual:
        attempts.append((np.float64, dict.fromkeys(unusual, to_float)))
    for dtype, more in attempts:
        try:
            with warnings.catch_warnings():
                # NumPy before 2.3 reads 5.7 as 5 and 300 as 44, unless its warning is an error.
                warnings.simplefilter("error", DeprecationWarning)
                return np.loadtxt(
                    path,
                    dtype,
                    comments=None,
                    delimiter=None if head.delimiter == " " else head.delimiter,
                    converters=more | converters,
                    skiprows=head.lines,
                    ndmin=2,
                    encoding=head.encoding,
                    quotechar='"',
                )
        except ValueError as error:
            reason = error
    raise DatasetError(f"{path}: {find_problem(path, head, names, converters) or reason}")


def find_problem(
    path: Path, head: Head, names: Sequence[str], others: Collection[int]
) -> str | None:
    """Describe the first row of a CSV file that is too short, too long or not of numbers.

    The columns `others` may have text.
    """
    for line, row in csv_rows(path, head.delimiter, head.encoding):
        if line <= head.lines:
            continue
        if len(row) != len(names):
            width = f"{len(row)}, expected {len(names)}"
            return f"the number of cells in line {line} is {width}"
        for i, cell in enumerate(row):
            if i in others or is_truth(cell):
                continue
            if cell.strip() and is_number(cell, head.decimal):
                continue
            content = f"the text {cell[:40]!r}" if cell.strip() else "no number"
            return (
                f"line {line} has {content} in the column {names[i]!r}; complete or remove the "
                "row, or remove the column"
            )
    return None


def parse_labels(cells: Sequence[str]) -> np.ndarray:
    """Return labels (n,) as numbers if all cells are numbers, else as text; 01 and 1e3 are text."""
    cells = [re.sub(r'^"(.*)"$', r"\1", cell.strip()) for cell in cells]  # quoted after a space
    are_numbers = all(map(NUMBER.fullmatch, cells))
    return np.array(cells, np.float64 if are_numbers else None)


def guess_labels(numbers: np.ndarray, candidates: set[int]) -> int | None:
    """Return the candidate, the index of a column, that is clearly the label column, else None.

    Labels are whole numbers without gaps, from 0 or 1, with at least two rows per class on average.
    Only one of the candidates may be like that.
    """
    found = []
    for column in candidates:
        values = np.unique(numbers[:, column])
        is_small = 2 <= len(values) <= max(2, len(numbers) // 2) and values[0] in (0, 1)
        if is_small and np.array_equal(values, values[0] + np.arange(len(values))):
            found.append(column)
    return found[0] if len(found) == 1 else None


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
    names, types = table.column_names, table.schema.types
    unused, more_notes = find_row_numbers(names, [pa.types.is_floating(t) for t in types])
    columns = {name: table[name] for i, name in enumerate(names) if i not in unused}
    label, notes = find_labels(path, names, [is_text_type(t, pa) for t in types])
    labels = classes = None
    if label is not None:
        column, classes = columns.pop(names[label]), class_names(table, names[label])
        if pa.types.is_dictionary(column.type):  # to_numpy would give null the first category
            column = column.cast(column.type.value_type)
        labels = column.to_numpy()
        if labels.dtype == object:
            labels = np.array(["" if text is None else str(text) for text in labels])
    images = [column for column in columns.values() if is_encoded(column.type, pa)]
    lists = [column for column in columns.values() if pa.types.is_nested(column.type)]
    if (images or lists) and len(columns) > 1:
        raise DatasetError(
            f"{path} has {', '.join(columns)}; expected one column of images or lists, or only "
            "columns of numbers"
        )
    if len(images) == 1:
        examples = decode(images[0], path, size)
    elif len(lists) == 1:
        examples = unnest(lists[0], pa)
    elif columns and not (images or lists):
        examples = np.column_stack([to_numbers(*each, path, pa) for each in columns.items()])
    else:
        raise DatasetError(f"{path} has no column of examples besides the labels")
    features = None if images or lists else [name.strip().lower() for name in columns]
    return Table(examples, labels, classes, (*notes, *more_notes), features)


def is_text_type(column_type: Any, pa: Any) -> bool:
    """Return True for a column of text, also for one of pandas' categories."""
    if pa.types.is_dictionary(column_type):
        column_type = column_type.value_type
    return pa.types.is_string(column_type) or pa.types.is_large_string(column_type)


def to_numbers(name: str, column: Any, path: Path, pa: Any) -> np.ndarray:
    """Return a column as an array (n,), with NaN for null; DatasetError if it isn't of numbers."""
    types = pa.types
    if types.is_decimal(column.type):
        column = column.cast(pa.float64())
    if not any(f(column.type) for f in (types.is_integer, types.is_floating, types.is_boolean)):
        raise DatasetError(f"{path} has {column.type} in the column {name!r}, expected numbers")
    return column.to_numpy()


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


def unnest(column: Any, pa: Any) -> np.ndarray:
    """Convert a column of lists, or nested lists, of equal lengths to an array (n, ...)."""
    from pyarrow.compute import list_value_length

    values, shape = column.combine_chunks(), [len(column)]
    while pa.types.is_nested(values.type):
        lengths = list_value_length(values).unique().to_pylist()
        if len(lengths) != 1 or not lengths[0]:
            raise ValueError(f"its lists have lengths {lengths[:4]}, expected one length above 0")
        values = values.flatten()
        shape.append(lengths[0])
    return values.to_numpy(zero_copy_only=False).reshape(shape)


def class_names(table: Any, label: str) -> list[str] | None:
    """Return the class names for a column from Hugging Face's metadata; None without any."""
    metadata = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
    return metadata.get("info", {}).get("features", {}).get(label, {}).get("names")
