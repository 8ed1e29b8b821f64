"""Custom data: load_data, with the conventions of load_data_fashion_mnist."""

import os
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from d2l_softmax.data.arrays import DatasetFiles, check_splits
from d2l_softmax.data.augmentation import Augmentation
from d2l_softmax.data.batches import ArrayLoader, parse_size
from d2l_softmax.data.idx import find_idx
from d2l_softmax.data.loaders import make_loaders
from d2l_softmax.data.names import split_of
from d2l_softmax.data.npy import find_npy, find_npz
from d2l_softmax.errors import DatasetError

LAYOUTS = (
    "a folder of images for each class, images and labels.csv, a CSV or Parquet file, X_train.npy "
    "and y_train.npy, a .npz file, or IDX files such as MNIST's"
)

SAVE = "numpy.savez('data.npz', X=X, y=y)"
UNPICKLE = f"convert it, if you trust it: X, y = pickle.load(open(FILE, 'rb')); {SAVE}"
ARFF = (
    "convert it: table = pandas.DataFrame(scipy.io.arff.loadarff(FILE)[0]); table.map(lambda cell: "
    "cell.decode() if type(cell) is bytes else cell).to_csv('data.csv', index=False)"
)
# Remedies for other formats, by suffixes. Files that may contain code are never read.
CONVERSIONS = {
    (".zip",): "unpack it: python -m zipfile -e FILE DIRECTORY",
    (".rar", ".7z"): "unpack it",
    (".tar", ".tar.gz", ".tgz", ".tar.bz2"): "unpack it: tar xf FILE",
    (".gz",): "unpack it: gunzip FILE",
    ("data_batch_1",): "convert it: data = torchvision.datasets.CIFAR10(PARENT_DIRECTORY); "
    "numpy.savez('data.npz', X=data.data, y=data.targets)",
    ("dataset_dict.json",): "convert it: for split, data in datasets.load_from_disk(DIRECTORY)"
    ".items(): data.to_parquet(f'{split}.parquet')",
    (".arrow",): "convert it: datasets.load_from_disk(DIRECTORY).to_parquet('data.parquet')",
    (".pt", ".pth"): f"convert it: X, y = torch.load(FILE); {SAVE}",
    (".pkl", ".pickle"): UNPICKLE,
    (".mat",): f"convert it: m = scipy.io.loadmat(FILE); X, y = m['X'], m['y']; {SAVE}",
    (".arff",): ARFF,
    (".h5", ".hdf5"): f"convert it with h5py: {SAVE}",
    (".xlsx", ".xls"): "save it as CSV",
    (".json",): "convert it: pandas.read_json(FILE).to_csv('data.csv', index=False)",
    (".jsonl",): "convert it: pandas.read_json(FILE, lines=True).to_csv('data.csv', index=False)",
}


def load_data(
    path: str | os.PathLike,
    batch_size: int,
    resize: int | tuple[int, int] | None = None,
    *,
    device: torch.device | str | None = "cpu",
    dtype: torch.dtype = torch.float32,
    generator: torch.Generator | None = None,
    test_batch_size: int | None = None,
    validation: int = 0,
    shuffle: str = "auto",
    drop_last: bool = False,
    transform: Callable[[Tensor], Tensor] | None = None,
    augment: Augmentation | None = None,
) -> tuple[ArrayLoader, ...]:
    """Return (train_iter, test_iter) for a custom data set, a directory or a file.

    The data set has one of these layouts:

    - image files in one folder per class, optionally within `train`, `test` and `val`; or in any
      folders, with a table such as `labels.csv` of file names and labels;
    - arrays in .npy or .npz files: `X_train`, `y_train`, `train_images`, `x_test` or similar names;
    - CSV or Parquet files with a label column: `label`, `class`, `target` or `y`;
    - IDX files such as MNIST's, plain or .gz.

    Images have any numeric type, channels first or last; rows of numbers are features. Labels are
    whole numbers, text, or one-hot rows. `train_iter.dataset.notes` explain how ambiguous data were
    interpreted.

    X is images (n, c, h, w) in [0, 1], or features (n, d) unchanged; y is int64, 0 to q - 1, in
    ascending order of the labels. `train_iter.dataset.classes` are the class names. Image files are
    decoded once and cached; if their sizes differ, they are resized to `resize`, 28×28 by default.
    If there are no test data, the validation data are used as test data. If there are none either,
    a tenth of each class is held out, always the same examples.

    With `validation`, valid_iter is returned, too: the validation data, or else that number of
    training examples, drawn at random, always the same. Training data are shuffled in every epoch:
    completely ("full"), or by blocks ("block"), which reads a disk nearly sequentially. "auto"
    means "block" for arrays of more than 1 GB, which are memory-mapped, and otherwise "full". The
    other arguments are those of load_data_fashion_mnist.

    Raises DatasetError if the data can't be used, ValueError for invalid arguments.
    """
    try:
        data = find_dataset(Path(path), parse_size(resize))
    except OSError as error:  # no permission to read a folder
        problem = f"{error.filename or path} can't be read: {error.strerror or error}"
        raise DatasetError(problem) from error
    return make_loaders(
        data,
        batch_size,
        resize=resize,
        device=device,
        dtype=dtype,
        generator=generator,
        test_batch_size=test_batch_size,
        validation=validation,
        shuffle=shuffle,
        drop_last=drop_last,
        transform=transform,
        augment=augment,
    )


def find_dataset(path: Path, size: list[int]) -> DatasetFiles:
    """Read a data set in any of the formats; DatasetError if the path has none.

    Image files are resized to `size`, [h, w], unless it is empty.
    """
    if not path.exists():
        raise DatasetError(f"{path} does not exist; expected {LAYOUTS}")
    from d2l_softmax.data.image_cache import load_images  # imports Pillow, 0.1 s
    from d2l_softmax.data.label_tables import list_images
    from d2l_softmax.data.tables import find_tables

    inner = skip_single_folders(path)
    images = list_images(inner, size)
    data = (
        (images and load_images(images))
        or find_npy(inner)
        or find_npz(inner)
        or find_idx(inner)
        or find_tables(inner, size)
    )
    if not data:
        raise DatasetError(f"{path}: {describe_unknown(inner)}")
    if data.valid and not data.test:
        note = "the validation data are used as test data"
        data = data._replace(test=data.valid, valid=None, notes=(*data.notes, note))
    if size and data.train.examples.ndim == 2:
        raise DatasetError(f"{data.train.path} has features;", "leave {resize} out")
    for other in (data.test, data.valid):
        if other:
            check_splits(data.train, other)
    return data


def skip_single_folders(path: Path) -> Path:
    """Descend while a directory has only a subdirectory, as unpacked archives often do."""
    while path.is_dir():
        entries = [e for e in path.iterdir() if e.name[0] != "." and e.name != "__MACOSX"]
        if len(entries) != 1 or not entries[0].is_dir() or entries[0].is_symlink():
            break
        if split_of(entries[0].name):
            break
        path = entries[0]
    return path


def describe_unknown(path: Path) -> str:
    """Describe files of an unknown layout, with a command to convert them if there is one."""
    if not (path.is_dir() or path.is_file()):
        return "not a regular file or a directory"
    files = [path] if path.is_file() else sorted(e for e in path.iterdir() if e.is_file())
    for file in files:
        for suffixes, remedy in CONVERSIONS.items():
            if file.name.lower().endswith(suffixes):
                return f"found {file.name}; {remedy}"
    entries = sorted(path.iterdir()) if path.is_dir() else [path]
    for entry in entries:
        if split_of(entry.name) == "train" and entry.is_dir():
            return (
                f"{entry.name} has fewer than two folders with images, expected one for each class"
            )
    names = [entry.name for entry in entries if entry.name[0] != "."][:5]
    return f"found {', '.join(names) or 'nothing'}; expected {LAYOUTS}"
