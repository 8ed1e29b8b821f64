"""Folders of images in every layout that people have, with odd names, links and other entries."""

import os
import shutil

import numpy as np
import pytest
from conftest import write_grays
from PIL import Image

from d2l_softmax.data.custom import find_dataset
from d2l_softmax.data.pictures import load_picture, to_example

SHADES = {"daisy": 60, "rose": 200}


def write_class(folder, name, **how):
    write_grays(folder / name, SHADES.get(name, 100), **how)


def write_classes(folder, **how):
    for name in SHADES:
        write_class(folder, name, **how)


def nothing(path):
    pass


def system_files(path):
    (path / "__MACOSX" / "Train").mkdir(parents=True)
    for hidden in (".ipynb_checkpoints", ".thumbnails"):
        write_class(path / "Train", hidden)
        write_class(path / "Train" / "rose", hidden)
    (path / "Train" / "rose" / "._1.png").write_bytes(b"\0")
    (path / "Train" / "Thumbs.db").write_bytes(b"\0")


def upper_case(path):
    for file in [*path.rglob("*.png")]:
        file.rename(file.with_suffix(".PNG"))


def links_to_folders(path):
    (path / "Train" / "rose" / "up").symlink_to(path / "Train")
    (path / "Train" / "rose" / "self").symlink_to(path / "Train" / "rose")
    (path / "Train" / "daisy" / "proc").symlink_to("/proc")


def tables(header, suffix, first=""):
    """Return a function that moves all images to one folder, beside tables of their labels."""

    def move(path):
        (path / "images").mkdir()
        for split in ("Train", "Test"):
            rows = [header]
            for file in sorted((path / split).glob("*/*.png")):
                label = file.parent.name
                file.rename(path / "images" / f"{label}{file.name}")
                rows.append(f"{first}{label}{file.stem}{suffix},{label}")
            (path / f"{split}_labels.csv").write_text("\n".join(rows))
            shutil.rmtree(path / split)

    return move


LAYOUTS = {  # folders for training and testing, what is added, and part of a note
    "no split": ("", None, nothing, ""),
    "Train and Test": ("Train", "Test", nothing, ""),
    "training and testing": ("training", "testing", nothing, ""),
    "Train and Valid": ("Train", "Valid", nothing, "validation data"),
    "upper case": ("TRAIN", "TEST", upper_case, ""),
    "one level deeper": ("archive/flowers/Train", "archive/flowers/Test", nothing, ""),
    "system files": ("Train", "Test", system_files, ""),
    "loose test images": ("train", None, lambda p: write_class(p, "test"), "no class folders"),
    "an empty class": ("Train", "Test", lambda p: (p / "Train" / "tulip").mkdir(), "tulip"),
    "other files": (
        *("Train", "Test", lambda p: [(p / "Train" / "rose" / f"{k}.txt").touch() for k in "ab"]),
        ".txt left out; the same is true of 1 more",
    ),
    "a pipe": ("Train", "Test", lambda p: os.mkfifo(p / "Train" / "rose" / "pipe.png"), ""),
    "links to folders": ("Train", "Test", links_to_folders, ""),
    "labels.csv": ("Train", "Test", tables("file,label", ".png"), "labels from a table"),
    "with numbers": ("Train", "Test", tables("id,img,y", ".png", "7,"), "labels from a table"),
    "without suffixes": ("Train", "Test", tables("image_id,class", ""), "labels from a table"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_has_the_same_images(name, tmp_path):
    train, test, add, note = LAYOUTS[name]
    write_classes(tmp_path / "data" / train)
    if test:
        write_classes(tmp_path / "data" / test, n=2, first=20)
    add(tmp_path / "data")
    data = find_dataset(tmp_path / "data", [])
    assert list(data.names) == ["daisy", "rose"]
    shades = data.train.examples[:, 0, 0]
    assert shades.tolist() == [60, 61, 62, 63, 200, 201, 202, 203]
    assert data.train.labels.tolist() == [0] * 4 + [1] * 4
    assert (data.test is None) == (test is None)
    if test:
        assert data.test.examples[:, 0, 0].tolist() == [80, 81, 220, 221]
    assert data.valid is None
    assert any(note in each for each in data.notes) if note else not data.notes


def test_images_of_equal_names_are_those_of_the_split_of_the_table(tmp_path):
    path = tmp_path / "test data"
    for split, shade in (("train", 10), ("test", 90)):
        write_grays(path / split, shade)
    (path / "trainLabels.csv").write_text("id,label\n0,a\n1,a\n2,b\n3,b\n")
    data = find_dataset(path, [])
    assert data.train.examples[:, 0, 0].tolist() == [10, 11, 12, 13]


def test_images_of_several_sizes_are_resized(tmp_path):
    write_classes(tmp_path)
    Image.new("L", (40, 50), 7).save(tmp_path / "rose" / "large.png")
    data = find_dataset(tmp_path, [])
    assert data.train.examples.shape == (9, 28, 28)
    assert "2 sizes, resized to 28x28" in data.notes[-1]
    assert find_dataset(tmp_path, [5, 7]).train.examples.shape == (9, 5, 7)


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGBA", (8, 6), (255, 0, 0, 0)),
        Image.new("LA", (8, 6), (40, 128)),
        Image.new("RGBA", (8, 6), (9, 99, 30, 0)).convert("P"),
    ],
    ids=["RGBA", "LA", "palette"],
)
def test_transparent_images_are_the_same_in_training_and_prediction(image, tmp_path):
    write_classes(tmp_path)
    file = tmp_path / "rose" / "transparent.png"
    image.save(file)
    data = find_dataset(tmp_path, [])
    channels = data.train.examples.shape[3] if data.train.examples.ndim == 4 else 1
    expected = to_example((channels, 6, 8), load_picture(file))[0]
    stored = np.moveaxis(data.train.examples.reshape(9, 6, 8, -1), 3, 1) / 255
    assert any(np.allclose(each, expected.numpy(), atol=1e-7) for each in stored)


def test_a_lock_that_is_a_link_is_left_alone(tmp_path):
    """Data from elsewhere may have one: opening it for writing would empty the user's file."""
    write_classes(tmp_path / "data")
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "data" / ".d2l_softmax").mkdir()
    (tmp_path / "data" / ".d2l_softmax" / ".lock").symlink_to(tmp_path / "precious")
    find_dataset(tmp_path / "data", [])
    assert (tmp_path / "precious").read_text() == "mine"
