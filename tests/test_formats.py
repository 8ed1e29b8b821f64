"""One data set in every format that people have: the same arrays from each."""

import csv
import gzip
import struct

import numpy as np
import pytest
import torch
from PIL import Image

import scratch
from d2l_softmax.commands import train
from d2l_softmax.data.custom import find_dataset
from d2l_softmax.errors import DatasetError

N, SIDE = 24, 8


def images_and_labels(n=N, channels=0):
    """Return images (n, 8, 8) or (n, 8, 8, c), uint8, and labels 0, 1, 2 (n,)."""
    rng = np.random.default_rng(n)
    shape = (n, SIDE, SIDE, channels) if channels else (n, SIDE, SIDE)
    return rng.integers(0, 256, shape, np.uint8), np.arange(n) % 3


X, Y = images_and_labels()
X_TEST, Y_TEST = images_and_labels(9)
WORDS = np.array(["bee", "ant", "cat"])


def write_idx(path, array):
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    content = header + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def write_csv(path, images, labels, header=True, last=False, name="label", delimiter=","):
    rows = images.reshape(len(images), -1).tolist()
    pixels = [f"pixel{i + 1}" for i in range(len(rows[0]))]
    join = (lambda row, label: [*row, label]) if last else (lambda row, label: [label, *row])
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([join(pixels, name)] if header else [])
        writer.writerows(map(join, rows, labels.tolist()))


def write_parquet(path, images, labels, names=None):
    import io
    import json

    import pyarrow as pa
    from PIL import Image
    from pyarrow import parquet

    cells = []
    for image in images:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "PNG")
        cells.append({"bytes": buffer.getvalue(), "path": None})
    table = pa.table({"image": cells, "label": labels})
    if names is not None:
        features = {"label": {"names": list(names), "_type": "ClassLabel"}}
        metadata = {"huggingface": json.dumps({"info": {"features": features}})}
        table = table.replace_schema_metadata(metadata)
    parquet.write_table(table, path)


def kaggle_csv(path):
    write_csv(path / "fashion-mnist_train.csv", X, Y)
    write_csv(path / "fashion-mnist_test.csv", X_TEST, Y_TEST)


def csv_label_last(path):
    write_csv(path / "train.csv", X, Y, last=True, name="target")
    write_csv(path / "test.csv", X_TEST, Y_TEST, last=True, name="target")


def csv_semicolons_with_bom(path):
    for name, arrays in {"train": (X, Y), "test": (X_TEST, Y_TEST)}.items():
        file = path / f"{name}.csv"
        write_csv(file, *arrays, delimiter=";", name="Class")
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())


def csv_without_header(path):
    write_csv(path / "mnist_train.csv", X, Y, header=False)
    write_csv(path / "mnist_test.csv", X_TEST, Y_TEST, header=False)


def npz(path, **arrays):
    np.savez(path / "mnist.npz", **arrays)


def numbered(x=lambda x: x, y=lambda y: y, names=("X_train", "y_train", "X_test", "y_test")):
    """Return a function that writes four .npy files, converted by x and y."""

    def write(path):
        for name, array in zip(names, (x(X), y(Y), x(X_TEST), y(Y_TEST)), strict=True):
            np.save(path / f"{name}.npy", array)

    return write


def idx_in_folders_of_their_names(path):
    for name, array in {
        "train-images-idx3-ubyte": X,
        "train-labels-idx1-ubyte": Y,
        "t10k-images-idx3-ubyte": X_TEST,
        "t10k-labels-idx1-ubyte": Y_TEST,
    }.items():
        (path / name).mkdir()
        write_idx(path / name / name, array)


def idx_with_dots(path):
    write_idx(path / "train-images.idx3-ubyte", X)
    write_idx(path / "train-labels.idx1-ubyte", Y)
    write_idx(path / "t10k-images.idx3-ubyte.gz", X_TEST)
    write_idx(path / "t10k-labels.idx1-ubyte.gz", Y_TEST)


def emnist(path):
    write_idx(path / "emnist-letters-train-images-idx3-ubyte", X.swapaxes(1, 2))
    write_idx(path / "emnist-letters-train-labels-idx1-ubyte", Y)
    write_idx(path / "emnist-letters-test-images-idx3-ubyte", X_TEST.swapaxes(1, 2))
    write_idx(path / "emnist-letters-test-labels-idx1-ubyte", Y_TEST)


def parquet_of_a_hub(path):
    (path / "data").mkdir()
    write_parquet(path / "data" / "train-00000-of-00002.parquet", X[:10], Y[:10], WORDS)
    write_parquet(path / "data" / "train-00001-of-00002.parquet", X[10:], Y[10:], WORDS)
    write_parquet(path / "data" / "test-00000-of-00001.parquet", X_TEST, Y_TEST, WORDS)


def one_hot(y):
    return np.eye(3, dtype=np.float32)[y]


FORMATS = {
    "CSV as Kaggle has it": kaggle_csv,
    "CSV, label last": csv_label_last,
    "CSV, semicolons and a BOM": csv_semicolons_with_bom,
    "CSV without a header": csv_without_header,
    "npz of Keras": lambda p: npz(p, x_train=X, y_train=Y, x_test=X_TEST, y_test=Y_TEST),
    "npz, compressed, as rows": lambda p: np.savez_compressed(
        p / "a.npz",
        x_train=X.reshape(N, -1),
        y_train=Y,
        x_test=X_TEST.reshape(9, -1),
        y_test=Y_TEST,
    ),
    "npy": numbered(names=("train_images", "train_labels", "test_images", "test_labels")),
    "npy, X and y": numbered(),
    "npy, xtrain": numbered(names=("xtrain", "ytrain", "xtest", "ytest")),
    "npy, trainX": numbered(names=("trainX", "trainY", "testX", "testY")),
    "int64": numbered(lambda x: x.astype(np.int64)),
    "float64 in [0, 1]": numbered(lambda x: x / 255),
    "float32 to 255": numbered(lambda x: x.astype(np.float32)),
    "float32 (n, h, w, 1), one-hot": numbered(lambda x: np.float32(x / 255)[..., None], one_hot),
    "channels first": numbered(lambda x: x[:, None]),
    "big-endian": numbered(lambda x: x.astype(">i4"), lambda y: y.astype(">i8")),
    "Fortran order": numbered(np.asfortranarray),
    "labels of floats": numbered(y=lambda y: y.astype(np.float32)),
    "labels (n, 1)": numbered(y=lambda y: y[:, None].astype(np.uint8)),
    "labels of text": numbered(y=lambda y: WORDS[y]),
    "IDX in folders": idx_in_folders_of_their_names,
    "IDX with dots": idx_with_dots,
    "EMNIST, transposed": emnist,
    "Parquet": parquet_of_a_hub,
}


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_has_the_same_arrays(name, tmp_path):
    if name == "Parquet":
        pytest.importorskip("pyarrow")
    FORMATS[name](tmp_path)
    data = find_dataset(tmp_path, [])
    for split, images, labels in ((data.train, X, Y), (data.test, X_TEST, Y_TEST)):
        assert split.examples.dtype == np.uint8
        np.testing.assert_array_equal(split.examples, images)
        expected = WORDS[labels] if split.labels.dtype.kind == "U" else labels
        np.testing.assert_array_equal(split.labels, expected)


@pytest.fixture
def train_on(tmp_path, monkeypatch, capsys):
    """Return a function that trains scratch on a path; it returns W, b and the second line."""
    monkeypatch.setattr(train, "write_evaluation", lambda *_: ({}, "", None))
    monkeypatch.setattr(train, "write_run_report", lambda *_: None)

    def train_on(path):
        out = tmp_path.parent / f"{tmp_path.name}-run"
        arguments = [f"--dataset={path}", f"--output-dir={out}", "--epochs=3"]
        assert train.main(scratch, "scratch", arguments) == 0
        model = torch.load(out / "model.pt", weights_only=True)
        return model["W"], model["b"], capsys.readouterr().out.splitlines()[1]

    return train_on


def class_folders(path):
    """Write the images as PNG files in folders of their classes."""
    for split, images, labels in (("train", X, Y), ("test", X_TEST, Y_TEST)):
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            folder = path / split / str(label)
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{i:03d}.png")


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_gives_the_same_model_to_the_last_bit(name, tmp_path, train_on):
    if name == "Parquet":
        pytest.importorskip("pyarrow")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    FORMATS[name](tmp_path / "a")
    y, y_test = (WORDS[Y], WORDS[Y_TEST]) if name == "labels of text" else (Y, Y_TEST)
    np.savez(tmp_path / "b" / "data.npz", X_train=X, y_train=y, X_test=X_TEST, y_test=y_test)
    W, b, _ = train_on(tmp_path / "a")
    expected_W, expected_b, _ = train_on(tmp_path / "b")
    assert torch.equal(W, expected_W)
    assert torch.equal(b, expected_b)
    assert W.abs().max() > 0


def test_folders_of_images_give_the_same_model_to_the_last_bit(tmp_path, train_on):
    class_folders(tmp_path / "a")
    order, order_test = Y.argsort(kind="stable"), Y_TEST.argsort(kind="stable")
    (tmp_path / "b").mkdir()
    arrays = {"X_train": X[order], "y_train": Y[order]}
    arrays |= {"X_test": X_TEST[order_test], "y_test": Y_TEST[order_test]}
    np.savez(tmp_path / "b" / "data.npz", **arrays)
    for of_folders, of_arrays in zip(
        train_on(tmp_path / "a"), train_on(tmp_path / "b"), strict=True
    ):
        if isinstance(of_folders, torch.Tensor):
            assert torch.equal(of_folders, of_arrays)


INTERPRETED = {
    "float64 in [0, 1]": "float64 in [0, 1], taken as images",
    "channels first": "(24, 1, 8, 8), taken as channels first",
    "float32 (n, h, w, 1), one-hot": "one-hot labels",
    "EMNIST, transposed": "EMNIST's images, stored transposed, are turned upright",
    "npz, compressed, as rows": "rows of 64 pixels, taken as images of 8×8",
}


@pytest.mark.parametrize("name", INTERPRETED)
def test_the_first_lines_say_what_was_taken_for_what(name, tmp_path, train_on):
    FORMATS[name](tmp_path)
    assert INTERPRETED[name] in train_on(tmp_path)[2]


def test_black_and_white(tmp_path):
    np.savez(tmp_path / "data.npz", X=X > 127, y=Y)
    data = find_dataset(tmp_path, [])
    np.testing.assert_array_equal(data.train.examples, np.where(X > 127, 255, 0))
    assert data.notes == ("bool, taken as black and white",)


FOUND = {
    "training.pt": "found training.pt; convert it: X, y = torch.load",
    "archive.zip": "found archive.zip; unpack it: python -m zipfile -e",
    "mnist-original.mat": "found mnist-original.mat; convert it: m = scipy.io.loadmat",
    "mnist.arff": "found mnist.arff; convert it: pandas.DataFrame(scipy.io.arff",
    "data.pkl": "found data.pkl; convert it, if you trust it: X, y = pickle.load",
    "train.h5": "found train.h5; convert it with h5py",
    "data.tar.gz": "found data.tar.gz; unpack it: tar xf",
    "notes.docx": "found notes.docx; expected a folder of images for each class",
}


@pytest.mark.parametrize("name", FOUND)
@pytest.mark.parametrize("named", [True, False])
def test_what_was_found_is_named_with_the_line_that_converts_it(name, named, tmp_path):
    (tmp_path / name).write_bytes(b"\x80\x04K\x01.")  # a pickle, which is not read
    (tmp_path / "readme.md").write_text("about these data", encoding="utf-8")
    with pytest.raises(DatasetError) as caught:
        find_dataset(tmp_path / name if named else tmp_path, [])
    assert FOUND[name].split(";")[0] in str(caught.value)
    assert FOUND[name].split("; ")[1] in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("layout", ["npz", "one level deeper", "with __MACOSX"])
def test_a_file_or_an_outer_directory_may_be_named(layout, tmp_path):
    inner = tmp_path / "archive" if layout != "npz" else tmp_path
    inner.mkdir(exist_ok=True)
    npz(inner, X=X, y=Y)
    if layout == "with __MACOSX":
        (tmp_path / "__MACOSX").mkdir()
        (tmp_path / ".DS_Store").write_bytes(b"")
    data = find_dataset(inner / "mnist.npz" if layout == "npz" else tmp_path, [])
    np.testing.assert_array_equal(data.train.examples, X)
    assert data.test is None


def test_validation_data_of_medmnist(tmp_path):
    parts = {"train": (X, Y), "val": (X[:6], Y[:6]), "test": (X_TEST, Y_TEST)}
    arrays = {f"{split}_images": images for split, (images, _) in parts.items()}
    arrays |= {f"{split}_labels": labels[:, None] for split, (_, labels) in parts.items()}
    np.savez(tmp_path / "pneumonia.npz", **arrays)
    data = find_dataset(tmp_path, [])
    assert (len(data.train.labels), len(data.test.labels), len(data.valid.labels)) == (N, 9, 6)


def test_colour_images_first_or_last(tmp_path):
    images, labels = images_and_labels(12, channels=3)
    np.savez(tmp_path / "first.npz", X=images.transpose(0, 3, 1, 2), y=labels)
    np.savez(tmp_path / "last.npz", X=images, y=labels)
    first, last = (find_dataset(tmp_path / f"{name}.npz", []) for name in ("first", "last"))
    np.testing.assert_array_equal(first.train.examples, last.train.examples)
    assert "channels first" in first.notes[0]
    assert not last.notes


def test_tables_of_features_keep_their_numbers(tmp_path):
    file = tmp_path / "iris.csv"
    lines = ["Id,sepal,petal,species", "1,5.1,1.4,setosa", "2,7.0,4.7,versicolor", "3,6.3,6,setosa"]
    file.write_text("\n".join(lines), encoding="utf-8")
    data = find_dataset(file, [])
    assert data.train.examples.tolist() == [[5.1, 1.4], [7.0, 4.7], [6.3, 6.0]]
    assert data.train.labels.tolist() == ["setosa", "versicolor", "setosa"]
    assert data.notes == ("'species' taken as the labels",)


def test_y_beside_a_label_is_a_coordinate(tmp_path):
    (tmp_path / "points.csv").write_text("x,y,label\n1,2,a\n2,3,b\n", encoding="utf-8")
    data = find_dataset(tmp_path, [])
    assert data.train.examples.tolist() == [[1, 2], [2, 3]]
    assert data.train.labels.tolist() == ["a", "b"]


def test_test_data_of_a_competition_have_no_labels(tmp_path):
    write_csv(tmp_path / "train.csv", X, Y)
    pixels = [f"pixel{i}" for i in range(SIDE * SIDE)]
    rows = [pixels, *X_TEST.reshape(9, -1).tolist()]
    text = "\n".join(",".join(map(str, row)) for row in rows)
    (tmp_path / "test.csv").write_text(text, encoding="utf-8")
    data = find_dataset(tmp_path, [])
    assert data.test is None
    assert any("no labels" in note for note in data.notes)


BAD_TABLES = {
    "ragged": ("a,label\n1,0\n2\n", "row 3"),
    "no labels": ("a,b\n1.5,2.5\n3.5,4.5\n", "no column is called label"),
    "text in a number": ("a,b,label\n1,2,0\n3,x,1\n", "row 3"),
    "an empty cell": ("a,b,label\n1,2,0\n3,,1\n", "row 3"),
    "two columns of labels": ("a,label,class\n1,0,0\n2,1,1\n", "'label' and 'class'"),
    "only labels": ("label\n0\n1\n", "no column of numbers"),
    "only a header": ("a,label\n", "no rows"),
    "empty": ("", "is empty"),
    "binary": ("a\0b", "not a text file"),
    "two texts": ("a,b,c\nx,y,1\nz,w,2\n", "expected numbers"),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_bad_tables_are_refused_in_one_line(name, tmp_path):
    text, expected = BAD_TABLES[name]
    (tmp_path / "train.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=expected) as caught:
        find_dataset(tmp_path, [])
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300 + len(str(tmp_path))


BAD_ARRAYS = {
    "counts differ": {"X": X, "y": Y[:-1]},
    "no labels": {"X": X},
    "unknown names": {"arr_0": X, "arr_1": Y},
    "pixels above 255": {"X": X.astype(int) * 9, "y": Y},
    "fractions above 1": {"X": X / 100, "y": Y},
    "NaN in pixels": {"X": np.full((3, 8, 8), np.nan), "y": Y[:3]},
    "NaN in labels": {"X": X, "y": np.full(N, np.nan)},
    "labels with fractions": {"X": X, "y": Y + 0.5},
    "rows that are not one-hot": {"X": X, "y": np.ones((N, 3))},
    "channels on both sides": {"X": np.zeros((3, 3, 8, 3), np.uint8), "y": Y[:3]},
    "five channels": {"X": np.zeros((3, 8, 8, 5), np.uint8), "y": Y[:3]},
    "complex": {"X": X * 1j, "y": Y},
    "Python objects": {"X": np.array([{}, {}], object), "y": Y[:2]},
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_bad_arrays_are_refused_in_one_line(name, tmp_path):
    np.savez(tmp_path / "data.npz", **BAD_ARRAYS[name])
    with pytest.raises(DatasetError) as caught:
        find_dataset(tmp_path, [])
    assert "data.npz" in str(caught.value)
    assert "\n" not in str(caught.value)
