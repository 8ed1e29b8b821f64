"""Folders of images in every layout that people have, with odd names, links and other entries."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from d2l_softmax.data.custom import find_dataset
from d2l_softmax.data.pictures import load_picture, to_example
from d2l_softmax.errors import DatasetError

SHADES = {"daisy": 60, "rose": 200}


def write_class(folder, name, number=4, size=(8, 6), first=0):
    """Write gray images whose shade is that of the class plus their number."""
    (folder / name).mkdir(parents=True, exist_ok=True)
    for i in range(first, first + number):
        Image.new("L", size, SHADES.get(name, 100) + i).save(folder / name / f"{i}.png")


def write_classes(folder, number=4, **how):
    for name in SHADES:
        write_class(folder, name, number, **how)


def no_split(path):
    write_classes(path)


def train_and_test(path):
    write_classes(path / "Train")
    write_classes(path / "Test", 2, first=20)


def training_and_testing(path):
    write_classes(path / "training")
    write_classes(path / "testing", 2, first=20)


def train_and_valid(path):
    write_classes(path / "Train")
    write_classes(path / "Valid", 2, first=20)


def archive(path):
    train_and_test(path / "archive" / "flowers")


def with_system_files(path):
    train_and_test(path)
    (path / "__MACOSX" / "Train").mkdir(parents=True)
    for hidden in (".ipynb_checkpoints", ".thumbnails"):
        write_class(path / "Train", hidden)
        write_class(path / "Train" / "rose", hidden)
    (path / "Train" / "rose" / "._1.png").write_bytes(b"\0")
    (path / "Train" / "Thumbs.db").write_bytes(b"\0")


def with_loose_test_images(path):
    write_classes(path / "train")
    write_class(path, "test")


def with_an_empty_class(path):
    train_and_test(path)
    (path / "Train" / "tulip").mkdir()


def with_other_files(path):
    train_and_test(path)
    (path / "Train" / "rose" / "notes.txt").write_text("no image")


def with_a_pipe(path):
    train_and_test(path)
    os.mkfifo(path / "Train" / "rose" / "pipe.png")


def with_links_in_circles(path):
    train_and_test(path)
    (path / "Train" / "rose" / "up").symlink_to(path / "Train")
    (path / "Train" / "rose" / "self").symlink_to(path / "Train" / "rose")
    (path / "Train" / "daisy" / "proc").symlink_to("/proc")
    (path / "Train" / "parent").symlink_to(path)
    (path / "Train" / "other").symlink_to(path / "Train" / "rose")


def labels_csv(path):
    train_and_test(path / "made")
    (path / "images").mkdir()
    lines = {"Train": ["file,label"], "Test": ["file,label"]}
    for split, rows in lines.items():
        for file in sorted((path / "made" / split).glob("*/*.png")):
            shutil.copy(file, path / "images" / f"{file.parent.name}{file.name}")
            rows.append(f"{file.parent.name}{file.name},{file.parent.name}")
        (path / f"{split}_labels.csv").write_text("\n".join(rows))
    shutil.rmtree(path / "made")


def labels_csv_without_suffixes(path):
    labels_csv(path)
    for table in path.glob("*.csv"):
        lines = table.read_text().replace(".png", "").splitlines()
        table.write_text("\n".join(["image_id,class", *lines[1:]]))


LAYOUTS = {  # what is made, whether there are test data, and a part of a note
    "no split": (no_split, False, ""),
    "Train and Test": (train_and_test, True, ""),
    "training and testing": (training_and_testing, True, ""),
    "Train and Valid": (train_and_valid, True, "the validation data are used as test data"),
    "one level deeper": (archive, True, ""),
    "system files": (with_system_files, True, ""),
    "loose test images": (with_loose_test_images, False, "test has no class folders"),
    "an empty class": (with_an_empty_class, True, "tulip has no images, left out"),
    "other files": (with_other_files, True, "1 other file left out, such as"),
    "a pipe": (with_a_pipe, True, ""),
    "links in circles": (with_links_in_circles, True, "parent links to a folder that is used"),
    "labels.csv": (labels_csv, True, "labels from a table"),
    "labels.csv without suffixes": (labels_csv_without_suffixes, True, "labels from a table"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_has_the_same_images(name, tmp_path):
    make, has_test, note = LAYOUTS[name]
    make(tmp_path / "data")
    data = find_dataset(tmp_path / "data", [])
    assert list(data.names) == ["daisy", "rose"]
    shades = data.train.examples[:, 0, 0]
    assert shades.tolist() == [60, 61, 62, 63, 200, 201, 202, 203]
    assert data.train.labels.tolist() == [0] * 4 + [1] * 4
    assert (data.test is not None) == has_test
    if has_test:
        assert data.test.examples[:, 0, 0].tolist() == [80, 81, 220, 221]
    assert data.valid is None
    assert any(note in each for each in data.notes) if note else not data.notes


def test_images_of_several_sizes_are_resized(tmp_path):
    write_classes(tmp_path, size=(8, 6))
    Image.new("L", (40, 50), 7).save(tmp_path / "rose" / "large.png")
    data = find_dataset(tmp_path, [])
    assert data.train.examples.shape == (9, 28, 28)
    assert data.notes[-1].startswith("images of 2 sizes, resized to 28x28")
    assert find_dataset(tmp_path, [5, 7]).train.examples.shape == (9, 5, 7)


NAMES = {
    "newline": "a\nb",
    "U+2028": "a\u2028b",
    "space": " ",
    "ideographic space": "\u3000",
    "leading space": " x",
    "mathtext": "$\\frac{$",
    "not UTF-8": os.fsdecode(b"a\xff"),
    "NEL": "a\x85b",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_of_classes_are_kept_as_they_are(name, tmp_path):
    for each in (NAMES[name], "x"):
        write_class(tmp_path, each)
    for _ in range(2):  # decoded, then cached
        assert sorted(find_dataset(tmp_path, []).names) == sorted([NAMES[name], "x"])


MODES = {
    "RGBA": lambda: Image.new("RGBA", (8, 6), (255, 0, 0, 0)),
    "LA": lambda: Image.new("LA", (8, 6), (40, 128)),
    "palette": lambda: Image.new("RGBA", (8, 6), (9, 99, 30, 0)).convert("P"),
}


@pytest.mark.parametrize("mode", MODES)
def test_transparent_images_are_the_same_in_training_and_prediction(mode, tmp_path):
    write_classes(tmp_path)
    file = tmp_path / "rose" / "transparent.png"
    MODES[mode]().save(file)
    data = find_dataset(tmp_path, [])
    channels = data.train.examples.shape[3] if data.train.examples.ndim == 4 else 1
    expected = to_example((channels, 6, 8), load_picture(file))[0]
    stored = np.moveaxis(data.train.examples.reshape(9, 6, 8, -1), 3, 1) / 255
    assert any(np.allclose(each, expected.numpy(), atol=1e-7) for each in stored)


def test_a_cache_that_is_a_link_is_left_alone(tmp_path):
    write_classes(tmp_path / "data")
    precious = tmp_path / "precious"
    (precious / "as-they-are-0123456789abcdef").mkdir(parents=True)
    (precious / ".results.0123abcd.part").write_text("the user's")
    (tmp_path / "data" / ".d2l_softmax").symlink_to(precious)
    find_dataset(tmp_path / "data", [])
    assert sorted(each.name for each in precious.iterdir()) == [
        ".results.0123abcd.part",
        "as-they-are-0123456789abcdef",
    ]


INDEXES = ["[]", "7", '{"a": {"b": 1}}', "[" * 100_000, "null", '{"../../x": [1, 2]}']


@pytest.mark.parametrize("index", [*INDEXES, "pipe", "folder", "link to nothing"])
def test_an_odd_cache_is_made_again(index, tmp_path):
    write_classes(tmp_path)
    expected = find_dataset(tmp_path, []).train.examples
    (file,) = (tmp_path / ".d2l_softmax").glob("*/index.json")
    file.unlink()
    if index == "pipe":
        os.mkfifo(file)
    elif index == "folder":
        file.mkdir()
    elif index == "link to nothing":
        file.symlink_to(tmp_path / "nothing")
    else:
        file.write_text(index)
    np.testing.assert_array_equal(find_dataset(tmp_path, []).train.examples, expected)


@pytest.mark.parametrize(
    "kind", ["train-images-idx3-ubyte", "X_train.npy", "data.npz", "train.csv"]
)
def test_what_is_no_regular_file_is_refused(kind, tmp_path):
    os.mkfifo(tmp_path / kind)
    with pytest.raises(DatasetError):
        find_dataset(tmp_path, [])
