"""One data set in every format that people have: the same arrays from each."""

import gzip
import io
import json
import shutil
import warnings
from decimal import Decimal

import numpy as np
import pytest
import torch
from conftest import write_arrays, write_dataset
from PIL import Image

from d2l_softmax import load_data
from d2l_softmax.data.custom import find_dataset
from d2l_softmax.errors import DatasetError

N, SIDE = 24, 8
RNG = np.random.default_rng(0)
X, Y = RNG.integers(0, 256, (N, SIDE, SIDE), np.uint8), np.arange(N) % 3
X_TEST, Y_TEST = RNG.integers(0, 256, (9, SIDE, SIDE), np.uint8), np.arange(9) % 3
WORDS = np.array(["bee", "ant", "chèvre"])
NPZ = {"x_train": X, "y_train": Y, "x_test": X_TEST, "y_test": Y_TEST}


def same(array):
    return array


def csv(names=("train", "test"), label="label", last=False, delimiter=",", encoding="utf-8"):
    """Return a function that writes tables of labels and pixels; without a label no header."""

    def write(path):
        for name, images, y in zip(names, (X, X_TEST), (Y, Y_TEST), strict=True):
            columns = [y, images.reshape(len(y), -1)]
            header = [label, *(f"pixel{i + 1}" for i in range(SIDE * SIDE))]
            if last:
                columns, header = columns[::-1], [*header[1:], label]
            np.savetxt(
                path / f"{name}.csv",
                np.column_stack(columns),
                fmt="%d",
                delimiter=delimiter,
                header=delimiter.join(header) if label else "",
                comments="",
                encoding=encoding,
            )

    return write


def edited(change):
    """Return a function that writes tables and changes their bytes."""

    def write(path):
        csv()(path)
        for file in path.glob("*.csv"):
            file.write_bytes(change(file.read_bytes().replace(b"\r\n", b"\n")))

    return write


def numbered(table):
    """Return a table with numbered rows, as pandas writes it; their column has no name."""
    header, *lines = table.splitlines()
    return b"\n".join([b"," + header, *(b"%d,%b" % each for each in enumerate(lines)), b""])


def npy(images=same, labels=same, names=("X_train", "y_train", "X_test", "y_test")):
    """Return a function that writes four .npy files of converted arrays."""

    def write(path):
        arrays = (images(X), labels(Y), images(X_TEST), labels(Y_TEST))
        for name, array in zip(names, arrays, strict=True):
            np.save(path / f"{name}.npy", array)

    return write


def idx(rename, images=same, is_zipped=False):
    """Return a function that writes IDX files of other names."""

    def write(path):
        made = path / "made"
        for name in write_dataset(made, images(X), Y, images(X_TEST), Y_TEST):
            target, content = path / rename(name), (made / name).read_bytes()
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(gzip.compress(content) if is_zipped else content)
        shutil.rmtree(made)

    return write


def idx_beside_gz(path):
    idx("{}".format)(path)
    for file in [*path.glob("*ubyte")]:
        file.with_name(f"{file.name}.gz").write_bytes(b"damaged")


def encoded(image):
    image.save(buffer := io.BytesIO(), "PNG")
    return {"bytes": buffer.getvalue(), "path": None}


def parquet_of_a_hub(path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    (path / "data").mkdir()
    features = {"label": {"names": [*WORDS], "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    files = {
        "train-00000-of-00002": (X[:10], Y[:10]),
        "train-00001-of-00002": (X[10:], Y[10:]),
        "test-00000-of-00001": (X_TEST, Y_TEST),
    }
    for name, (images, labels) in files.items():
        cells = [encoded(Image.fromarray(image)) for image in images]
        table = pa.table({"image": cells, "label": labels}).replace_schema_metadata(metadata)
        parquet.write_table(table, path / "data" / f"{name}.parquet")


def rows(images):
    return images.reshape(len(images), -1)


FORMATS = {  # a function that writes, and part of a note
    "CSV as Kaggle has it": (
        csv(("fashion-mnist_train", "fashion-mnist_test")),
        "64 pixels",
    ),
    "CSV, label last": (csv(label="target", last=True), "8×8"),
    "CSV, semicolons and a BOM": (csv(label="Class", delimiter=";", encoding="utf-8-sig"), "8×8"),
    "CSV without a header": (csv(label=""), "taken as the labels"),
    "CSV without a header, label last": (csv(label="", last=True), "'column 65' taken as"),
    "CSV, CRLF": (edited(lambda table: table.replace(b"\n", b"\r\n")), "8×8"),
    "CSV, tabs": (csv(delimiter="\t"), "8×8"),
    "CSV of pandas, with the index": (edited(numbered), "column 1 left out: row numbers"),
    "CSV, no final line end": (edited(bytes.rstrip), "8×8"),
    "npz of Keras": (lambda path: np.savez(path / "mnist.npz", **NPZ), ""),
    "npz, compressed, as rows": (
        lambda path: np.savez_compressed(
            path / "a.npz", **NPZ | {"x_train": rows(X), "x_test": rows(X_TEST)}
        ),
        "64 pixels",
    ),
    "npz, a file for each split": (
        lambda path: [
            np.savez(path / f"{split}.npz", X=NPZ[f"x_{split}"], y=NPZ[f"y_{split}"])
            for split in ("train", "test")
        ],
        "",
    ),
    "npy": (npy(names=("train_images", "train_labels", "test_images", "test_labels")), ""),
    "npy, X and y": (npy(), ""),
    "npy, xtrain": (npy(names=("xtrain", "ytrain", "xtest", "ytest")), ""),
    "npy, trainX": (npy(names=("trainX", "trainY", "testX", "testY")), ""),
    "int64": (npy(np.int64), "int64 0 to 255"),
    "float64 in [0, 1]": (npy(lambda x: x / 255), "float64 in [0, 1], taken as images"),
    "float32 to 255": (npy(np.float32), "float32 0 to 255"),
    "float32 (n, h, w, 1), one-hot": (
        npy(lambda x: np.float32(x / 255)[..., None], lambda y: np.eye(3, dtype=np.float32)[y]),
        "one-hot labels",
    ),
    "channels first": (npy(lambda x: x[:, None]), "(24, 1, 8, 8), taken as channels first"),
    "big-endian": (npy(lambda x: x.astype(">i4"), lambda y: y.astype(">i8")), "0 to 255"),
    "Fortran order": (npy(np.asfortranarray), ""),
    "labels of floats": (npy(labels=np.float32), ""),
    "labels (n, 1)": (npy(labels=lambda y: y[:, None].astype(np.uint8)), ""),
    "labels of text": (npy(labels=lambda y: WORDS[y]), ""),
    "labels of bytes": (npy(labels=lambda y: np.char.encode(WORDS[y], "utf-8")), ""),
    "IDX": (idx("{}.gz".format, is_zipped=True), ""),
    "IDX, plain and .gz": (idx_beside_gz, ""),
    "IDX, letters": (idx("letters-{}".format), ""),
    "IDX in a folder": (idx("KMNIST/raw/{}.gz".format, is_zipped=True), ""),
    "IDX in folders": (idx(lambda name: f"{name}/{name}"), ""),
    "IDX with dots": (idx(lambda name: name.replace("-idx", ".idx")), ""),
    "EMNIST, transposed": (
        idx(
            lambda name: f"emnist-letters-{name.replace('t10k', 'test')}",
            lambda x: x.swapaxes(1, 2),
        ),
        "EMNIST's images",
    ),
    "Parquet": (parquet_of_a_hub, ""),
}


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_has_the_same_arrays(name, tmp_path):
    write, note = FORMATS[name]
    write(tmp_path)
    data = find_dataset(tmp_path, [])
    is_text = name in ("labels of text", "labels of bytes")
    for split, images, labels in ((data.train, X, Y), (data.test, X_TEST, Y_TEST)):
        assert split.examples.dtype == np.uint8
        np.testing.assert_array_equal(split.examples, images)
        assert split.labels.dtype.kind == ("U" if is_text else "i")
        np.testing.assert_array_equal(split.labels, WORDS[labels] if is_text else labels)
    assert any(note in each for each in data.notes) if note else not data.notes
    assert ("taken as the labels" in str(data.notes)) == ("without a header" in name)
    train_iter, test_iter = load_data(tmp_path, 9)
    ((images, labels),) = test_iter
    assert torch.equal(images[:, 0], torch.from_numpy(X_TEST) / 255)
    names = sorted(WORDS) if is_text else WORDS if name == "Parquet" else "012"
    assert train_iter.dataset.classes == tuple(names)
    assert [names[k] for k in labels] == [(WORDS if is_text else names)[k] for k in Y_TEST]


@pytest.mark.parametrize("size", [[], [5, 7]])
@pytest.mark.parametrize("other", ["RGB", "LA"])
def test_transparent_images_in_parquet_files_are_those_of_a_folder(other, size, tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    clear = Image.new("LA", (8, 6), (40, 0))
    images = [clear, clear.convert("RGBA"), Image.new("RGBA", (8, 6), (255, 0, 0, 128))]
    images = [image.convert("LA") if other == "LA" else image for image in images]
    images.append(Image.new(other, (8, 6)))
    for k, image in enumerate(images):
        (tmp_path / "folder" / f"{k % 2}").mkdir(parents=True, exist_ok=True)
        image.save(tmp_path / "folder" / f"{k % 2}" / f"{k}.png")
    images = images[::2] + images[1::2]  # as sorted by class
    table = pa.table({"image": [*map(encoded, images)], "label": [0, 0, 1, 1]})
    parquet.write_table(table, tmp_path / "train.parquet")
    expected = find_dataset(tmp_path / "folder", size).train.examples
    assert (expected[0] == 255).all()
    found = find_dataset(tmp_path / "train.parquet", size).train.examples
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("is_named", [True, False])
@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("training.pt", "X, y = torch.load"),
        ("archive.zip", "python -m zipfile -e"),
        ("mnist-original.mat", "m = scipy.io.loadmat"),
        ("mnist.arff", r"pandas.DataFrame\(scipy.io.arff"),
        ("data.pkl", "if you trust it: X, y = pickle.load"),
        ("train.h5", "h5py"),
        ("data.tar.gz", "tar xf"),
        ("train.csv.gz", "gunzip"),
        ("data_batch_1", "torchvision.datasets.CIFAR10"),
        ("dataset_dict.json", "datasets.load_from_disk.*items"),
        ("data-00000-of-00001.arrow", "datasets.load_from_disk"),
        ("notes.docx", "expected a folder of images for each class"),
    ],
)
def test_what_was_found_is_named_with_the_line_that_converts_it(name, remedy, is_named, tmp_path):
    (tmp_path / name).write_bytes(b"\x80\x04K\x01.")  # a pickle, which is not read
    (tmp_path / "readme.md").write_text("about these data", encoding="utf-8")
    with pytest.raises(DatasetError, match=rf"\A.*found {name}.*; .*{remedy}.*\Z"):
        find_dataset(tmp_path / name if is_named else tmp_path, [])


@pytest.mark.parametrize("layout", ["npz", "one level deeper", "with __MACOSX"])
def test_a_file_or_an_outer_directory_may_be_named(layout, tmp_path):
    inner = tmp_path / "archive" if layout != "npz" else tmp_path
    inner.mkdir(exist_ok=True)
    np.savez(inner / "mnist.npz", X=X, y=Y)
    (inner / "classes.txt").write_text("\n".join(WORDS), encoding="utf-8")
    if layout == "with __MACOSX":
        (tmp_path / "__MACOSX").mkdir()
        (tmp_path / ".DS_Store").write_bytes(b"")
    data = find_dataset(inner / "mnist.npz" if layout == "npz" else tmp_path, [])
    np.testing.assert_array_equal(data.train.examples, X)
    assert (data.test, data.names) == (None, [*WORDS])


def test_validation_data_of_medmnist(tmp_path):
    images = {"train_images": X, "val_images": X[:6], "test_images": X_TEST}
    labels = {"train_labels": Y, "val_labels": Y[:6], "test_labels": Y_TEST}
    labels = {name: y[:, None] for name, y in labels.items()}
    np.savez(tmp_path / "pneumonia.npz", **images, **labels)
    assert [len(it.dataset) for it in load_data(tmp_path, 8)] == [N, 9]
    assert [len(it.dataset) for it in load_data(tmp_path, 8, validation=1)] == [N, 9, 6]


COLOURED = RNG.integers(0, 256, (N, SIDE, SIDE, 3), np.uint8)
ARRAYS = {  # an array, the examples that it is read as, and notes
    "colours last": (COLOURED, COLOURED, ()),
    "colours first": (
        *(COLOURED.transpose(0, 3, 1, 2), COLOURED),
        ("(24, 3, 8, 8), taken as channels first",),
    ),
    "bool": (X > 127, np.where(X > 127, 255, 0), ("bool in [0, 1], taken as images",)),
    "rounded": ((X / 255 - 0.001).clip(0), X, ("float64 in [0, 1], taken as images",)),
    "few columns": (X[:, 0], X[:, 0], ()),
    "a column too many": (np.c_[rows(X), Y], np.c_[rows(X), Y], ()),
    "fractions": (rows(X) / 2, rows(X) / 2, ()),
    "zeros and ones": (rows(X) % 2, rows(X) % 2, ()),
    "large numbers": (rows(X) * np.int64(2**20) + 1, rows(X) * np.int64(2**20) + 1, ()),
    "long double": (rows(X).astype(np.longdouble) / 2, rows(X) / 2, ()),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_are_images_or_features(name, tmp_path):
    array, expected, notes = ARRAYS[name]
    np.savez(tmp_path / "data.npz", X=array, y=Y, target_names=WORDS)
    data = find_dataset(tmp_path / "data.npz", [])
    np.testing.assert_array_equal(data.train.examples, expected)
    assert data.train.examples.dtype in (np.uint8, np.float32, np.float64)
    assert (data.notes, data.names) == (notes, [*WORDS])


@pytest.mark.parametrize(
    ("text", "examples", "labels", "notes"),
    [
        (
            "Id,sepal,petal,species\n1,5.1,1.4,setosa\n2,7.0,4.7,versicolor\n3,6.3,6,setosa",
            [[5.1, 1.4], [7.0, 4.7], [6.3, 6.0]],
            ["setosa", "versicolor", "setosa"],
            ("'species' taken as the labels", "column 'Id' left out: row numbers"),
        ),
        ("x,y,label\n1,2,a\n2,3,b\n", [[1, 2], [2, 3]], ["a", "b"], ()),  # y is a coordinate
        (
            "x,y,species\n1,2,a\n2,3,b\n",
            [[1, 2], [2, 3]],
            ["a", "b"],
            ("'species' taken as the labels",),
        ),
        # a header of numbers, as pandas writes it
        (
            "0,1,2,species\n1,2,3.5,a\n2,3,4,b\n",
            [[1, 2, 3.5], [2, 3, 4]],
            ["a", "b"],
            ("'species' taken as the labels",),
        ),
        # labels of text are not known by the first row alone; 01 and 1e3 are text
        ("a,label\n1.5,38\n2,M\n", [[1.5], [2]], ["38", "M"], ()),
        ("a,label\n1.5,01\n2,1e3\n", [[1.5], [2]], ["01", "1e3"], ()),
        ("a,label\n1.5,1.0\n2,2.000e+00\n", [[1.5], [2]], [1, 2], ()),
        # a column that is called index may be a feature
        ("index,label\n1.5,a\n2,b\n", [[1.5], [2]], ["a", "b"], ()),
        # a delimiter at the end of the header, of the rows, or of both
        ("a,label,\n1.5,x\n2,y\n", [[1.5], [2]], ["x", "y"], ()),
        ("a,label\n1.5,x,\n2,y,\n", [[1.5], [2]], ["x", "y"], ()),
        ("a,label,\n1.5,x,\n2,y,\n", [[1.5], [2]], ["x", "y"], ()),
        # quotes after a space, booleans as pandas writes them
        ('a, label\n1.5, "x"\n2, "y"\n', [[1.5], [2]], ["x", "y"], ()),
        ("a,b,label\n1.5,True,x\n2,False,y\n", [[1.5, 1], [2, 0]], ["x", "y"], ()),
        # columns aligned with spaces, as in several of UCI's files
        (
            " 1.5   2  van \n10    3  bus \n",
            [[1.5, 2], [10, 3]],
            ["van", "bus"],
            ("'column 3' taken as the labels",),
        ),
        ('a label\n1 "a van"\n2 bus\n', [[1], [2]], ["a van", "bus"], ()),
        # names with commas and line breaks, decimal commas
        ('\n"a, b\nc";label\n1,5;x\n2;y\n', [[1.5], [2]], ["x", "y"], ()),
    ],
)
def test_tables_of_features_keep_their_numbers(text, examples, labels, notes, tmp_path):
    (tmp_path / "iris.csv").write_text(text, encoding="utf-8")
    data = find_dataset(tmp_path / "iris.csv", [])
    assert data.train.examples.tolist() == examples
    assert data.train.labels.tolist() == labels
    assert data.notes == notes


@pytest.mark.parametrize("suffix", [".data", ".dat", ".txt"])
def test_a_table_may_have_another_suffix_if_it_is_named(suffix, tmp_path):
    """As UCI's iris.data; in a directory such a file may be something else."""
    path = tmp_path / f"iris{suffix}"
    path.write_text("5.1,1.4,setosa\n7.0,4.7,versicolor\n\n")
    assert find_dataset(path, []).train.labels.tolist() == ["setosa", "versicolor"]
    np.savez(tmp_path / "data.npz", X=X, y=Y)
    assert len(find_dataset(tmp_path, []).train.labels) == N


def test_other_encodings_than_utf_8_are_read_or_named(tmp_path):
    text = "größe,label\n1.5,a\n2.5,b\n"
    (tmp_path / "table.csv").write_text(text, encoding="utf-16")
    assert find_dataset(tmp_path, []).train.examples.tolist() == [[1.5], [2.5]]
    (tmp_path / "table.csv").write_text(text, encoding="latin-1")
    with pytest.raises(DatasetError, match=r"table.csv is not UTF-8 text; save it as UTF-8$"):
        find_dataset(tmp_path, [])


@pytest.mark.parametrize("header", ["", "p1,p2,label\n", "0,1,label\n"])
def test_numbers_are_not_truncated_to_pixels_by_an_older_numpy(header, tmp_path, monkeypatch):
    loadtxt = np.loadtxt

    def loadtxt_of_numpy_2_2(path, dtype, **how):
        numbers = loadtxt(path, **how)
        if dtype == np.float64:
            return numbers
        try:
            if (numbers.astype(np.int64).astype(dtype) != numbers).any():
                warnings.warn("parsed via a float", DeprecationWarning, stacklevel=1)
        except DeprecationWarning as error:
            raise ValueError("could not convert string") from error
        return numbers.astype(np.int64).astype(dtype)

    monkeypatch.setattr(np, "loadtxt", loadtxt_of_numpy_2_2)
    (tmp_path / "train.csv").write_text(f"{header}5.7,-1,0\n2.4,300,1\n1.5,2,0\n3,4,1\n")
    data = find_dataset(tmp_path, [])
    assert data.train.examples.tolist() == [[5.7, -1], [2.4, 300], [1.5, 2], [3, 4]]
    assert data.train.labels.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("name", ["a", "aa", "aaa"])
def test_a_large_table_may_have_a_character_of_several_bytes_anywhere(name, tmp_path):
    text = f"{name},label\n" + "1,猫猫猫猫\n2,狗狗狗狗\n" * 40_000
    (tmp_path / "train.csv").write_text(text, encoding="utf-8", newline="\n")
    data = find_dataset(tmp_path, [])
    assert data.train.labels[-2:].tolist() == ["猫猫猫猫", "狗狗狗狗"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,label\n1,0\n2\n", "the number of cells in line 3 is 1, expected 2$"),
        ("a,b\n1.5,2.5\n3.5,4.5\n", "label"),
        ("0,5,0\n1,6,1\n0,7,0\n1,8,1\n", "label"),
        ("a,b,label\n1,2,0\n3,x,1\n", "line 3 has the text 'x' in the column 'b'"),
        ("a,b,label\n1,2,0\n\n3,,1\n", "line 4 has no number in the column 'b'"),
        ("a,b,label\n1,True,0\n2,False,0\n3,x,1\n", "line 4 has the text 'x' in the column 'b'"),
        ("a,label,class\n1,0,0\n2,1,1\n", "'label' and 'class'"),
        ("label\n0\n1\n", "no column of numbers"),
        ("id\n0\n1\n", "no column of numbers"),
        ("a,label\n", "no rows"),
        ("a;b;label\n1;2;0;9\n", "cells in line 2 is 4, expected 3"),
        ("", "no rows"),
        ("a\0b", "no rows"),
        ("a,b,c\nx,y,1\nz,w,2\n", "line 2 has the text 'x' in the column 'a'"),
        ('a,label\n1,"x, y"\n2,"x",3\n', "cells in line 3 is 3, expected 2"),
    ],
)
def test_bad_tables_are_refused_in_one_line(text, expected, tmp_path):
    (tmp_path / "train.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=rf"\A.*train\.csv.*{expected}.*\Z") as caught:
        find_dataset(tmp_path, [])
    assert len(str(caught.value)) < 300 + len(str(tmp_path))


BAD_ARRAYS = {
    "counts differ": ({"X": X, "y": Y[:-1]}, "24 examples, .* 23 labels"),
    "unknown names": ({"arr_0": X, "arr_1": Y}, "x_train"),
    "an array twice": ({"X": X, "x_train": X, "y": Y}, "for the same array"),
    "pixels above 255": ({"X": X.astype(int) * 9, "y": Y}, "int64 from .*0 to 255"),
    "fractions above 1": ({"X": X / 100, "y": Y}, "float64 with fractions"),
    "NaN in pixels": ({"X": np.full((3, 8, 8), np.nan), "y": Y[:3]}, "float64 from nan"),
    "NaN in labels": ({"X": X, "y": np.full(N, np.nan)}, "NaN or infinity, expected whole numbers"),
    "labels with fractions": ({"X": X, "y": Y + 0.5}, "float64 .*fractions"),
    "rows that are not one-hot": ({"X": X, "y": np.ones((N, 3))}, "one-hot"),
    "rows of two ones": ({"X": X, "y": np.stack([Y, Y], 1)}, "one-hot"),
    "one dimension": ({"X": X[:, 0, 0], "y": Y}, r"uint8 \(24,\)"),
    "no examples": ({"X": X[:0], "y": Y[:0]}, r"uint8 \(0, 8, 8\)"),
    "labels of 1e30": ({"X": X, "y": np.full(N, 1e30)}, "infinity, expected whole numbers"),
    "five channels": ({"X": np.zeros((3, 8, 8, 5)), "y": Y[:3]}, "1 or 3 channels"),
    "complex": ({"X": X * 1j, "y": Y}, "complex128"),
    "Python objects": ({"X": np.array([{}, {}], object), "y": Y[:2]}, "objects|pickle"),
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_bad_arrays_are_refused_in_one_line(name, tmp_path):
    arrays, expected = BAD_ARRAYS[name]
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(DatasetError, match=rf"\A.*data\.npz.*{expected}.*\Z"):
        find_dataset(tmp_path, [])


# Labels of text, and pixels of other ranges


@pytest.mark.parametrize("names", [{}, {"classes": np.array(["dog", "cat"])}])
def test_labels_of_text_name_themselves(names, tmp_path):
    (tmp_path / "classes.txt").write_text("dog\ncat")
    path = tmp_path / "animals.npz"
    np.savez(path, x=X[:20], y=np.array(["dog", "cat"] * 10), **names)
    assert load_data(path, 20)[0].dataset.classes == ("cat", "dog")
    (tmp_path / "classes.txt").write_text("Hund\nKatze")
    if not names:
        with pytest.raises(DatasetError, match=r"labels cat, dog, .* Hund, Katze"):
            load_data(path, 20)


def test_spaces_around_labels_are_removed_and_empty_labels_refused(tmp_path):
    rows = ["a,label", *(f"{i}.5,{label}" for i, label in enumerate(["x", " x", "y ", "y"] * 3))]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(rows))
    assert load_data(path, 4)[0].dataset.classes == ("x", "y")
    for missing in ("", "NaN"):
        path.write_text("\n".join([*rows, f"7.5,{missing}"]))
        with pytest.raises(DatasetError, match="row 13 of the data has no label"):
            load_data(path, 4)
    np.savez(tmp_path / "data.npz", X=np.arange(4.0).reshape(4, 1), y=["a", " a", "b", "b "])
    assert find_dataset(tmp_path / "data.npz", []).train.labels.tolist() == [*"aabb"]


def test_a_table_of_made_up_answers_is_not_used(tmp_path):
    """As in Kaggle's competitions: test.csv has no labels, and sample_submission.csv false ones."""
    rows = ["label,length", *(f"{i % 2},{i}.5" for i in range(8))]
    (tmp_path / "train.csv").write_text("\n".join(rows))
    (tmp_path / "test.csv").write_text("length\n1.5\n2.5\n")
    (tmp_path / "sample_submission.csv").write_text("id,label\n1,0\n2,0\n")
    train_iter, test_iter = load_data(tmp_path, 4)
    assert len(train_iter.dataset) + len(test_iter.dataset) == 8
    notes = train_iter.dataset.notes
    assert "sample_submission.csv is not used" in notes
    assert any("test.csv has no labels" in note for note in notes)


@pytest.mark.parametrize(
    ("white", "dtype", "test_dtype"),
    [
        *((white, dtype, dtype) for white in (1, 16) for dtype in (np.uint8, np.int64, np.float32)),
        *((1, np.bool_, np.uint8), (1, np.uint8, np.bool_)),
    ],
)
def test_whole_numbers_with_a_small_maximum_are_scaled_to_white(white, dtype, test_dtype, tmp_path):
    images = X % (white + 1)
    darker = images // 2  # the test data's own maximum is not white
    splits = ((images.astype(dtype), Y), (darker.astype(test_dtype), Y))
    data = find_dataset(write_arrays(tmp_path, *splits), [])
    assert (data.train.examples == np.rint(images * (255 / white))).all()
    assert (data.test.examples == np.rint(darker * (255 / white))).all()
    values = "in [0, 1]" if white == 1 else "0 to 16"
    assert f"{np.dtype(dtype)} {values}, taken as images" in data.notes


def write_splits(folder, header, test_header, columns, test_columns):
    """Write train.csv and test.csv with these headers, from columns of equal numbers."""
    numbers = {"a": np.arange(12) + 0.5, "b": np.arange(12) * -2.5, "label": np.arange(12) % 3}
    for name, head, order in (("train", header, columns), ("test", test_header, test_columns)):
        rows = zip(*(numbers[column] for column in order), strict=True)
        lines = [",".join(head), *(",".join(map(str, row)) for row in rows)]
        (folder / f"{name}.csv").write_text("\n".join(lines))


def test_columns_are_matched_by_name(tmp_path):
    one, other = ["a", "b", "label"], ["label", "b", "a"]
    write_splits(tmp_path, one, other, one, other)
    data = find_dataset(tmp_path, [])
    assert (data.train.examples == data.test.examples).all()
    write_splits(tmp_path, one, ["a", "c", "label"], one, one)
    with pytest.raises(DatasetError, match=r"test.csv has other columns .* 'c' instead of 'b'"):
        find_dataset(tmp_path, [])
    # A column of 0, 1, 2 is not taken for the labels if those of the training have another name.
    write_splits(tmp_path, one, ["a", "b"], one, ["a", "label"])
    assert "no labels, not used" in str(find_dataset(tmp_path, []).notes)
    guessed, order = ["a", "b", "outcome"], ["a", "outcome", "b"]
    write_splits(tmp_path, guessed, order, one, ["a", "label", "b"])
    data = find_dataset(tmp_path, [])
    assert (data.train.labels == data.test.labels).all()
    write_splits(tmp_path, ["A", "b", "label"], ["b", "a", "label"], one, ["b", "a", "label"])
    data = find_dataset(tmp_path, [])
    assert (data.train.examples == data.test.examples).all()
    write_splits(tmp_path, ["a", "a", "label"], ["a", "label", "a"], one, ["a", "label", "b"])
    assert find_dataset(tmp_path, []).test is not None  # in equal order


def test_odd_columns_of_parquet_files(tmp_path):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    lists = pa.array([[i, i + 0.5] for i in range(8)])
    labels, numbers = pa.array(["a", "b"] * 4), pa.array(np.arange(8.0))
    ragged = pa.array([[1.0, 2, 3], [4, 5, 6, 7, 8], *[[1.0, 2, 3, 4]] * 6])
    unlabelled = pa.array(["a", "b"] * 3 + ["a", None]).dictionary_encode()
    refused = {
        "lengths": {"X": ragged, "label": labels},
        "expected one column": {"X": lists, "age": numbers, "label": labels},
        "row 8 .* no label": {"age": numbers, "label": unlabelled},
        "several sizes": {
            "image": [encoded(Image.new("L", (8, 6 + i))) for i in range(8)],
            "label": labels,
        },
        "string in the column 'name'": {"age": numbers, "name": labels, "label": labels},
        "no column is called label": {"age": numbers, "b": numbers},
    }
    for message, columns in refused.items():
        parquet.write_table(pa.table(columns), tmp_path / "table.parquet")
        with pytest.raises(DatasetError, match=message):
            load_data(tmp_path, 4)
    decimals = pa.array([Decimal("1.5"), Decimal(-2)] * 4)
    for columns, first_two in (
        ({"X": lists.cast(pa.large_list(pa.float64())), "label": labels}, [[0, 0.5], [1, 1.5]]),
        ({"age": decimals, "label": labels}, [[1.5], [-2]]),
        ({"age": numbers, "__index_level_0__": numbers, "label": labels}, [[0], [1]]),
        ({"age": numbers, "species": labels.dictionary_encode()}, [[0], [1]]),
        ({"age": numbers, "species": labels.cast(pa.large_string())}, [[0], [1]]),
    ):
        parquet.write_table(pa.table(columns), tmp_path / "table.parquet")
        train = find_dataset(tmp_path, []).train
        assert train.examples[:2].tolist() == first_two
        assert sorted(set(train.labels)) == ["a", "b"]
