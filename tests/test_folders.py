"""Folders of images in every layout that people have, with odd names, links and other entries."""

import os

import numpy as np
import pytest
from conftest import write_grays
from PIL import Image

from d2l_softmax import load_data
from d2l_softmax.data.custom import find_dataset
from d2l_softmax.data.pictures import load_picture, to_example
from d2l_softmax.errors import DatasetError

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


def list_images(path, row, header="file,label", table="{split}_labels.csv", folder="images"):
    """Move the images to a folder, beside tables of their labels.

    In `row` and `folder`, {name}, {label} and {split} are those of an image; {k} numbers the rows.
    """
    rows = {}
    for split in ("Train", "Test"):
        for file in sorted((path / split).glob("*/*.png")):
            keys = {"label": file.parent.name, "split": split}
            place = path / folder.format(**keys)
            place.mkdir(parents=True, exist_ok=True)
            file.rename(place / f"{keys['label']}{file.name}")
            listed = rows.setdefault(path / table.format(**keys), [header])
            listed.append(row.format(name=f"{keys['label']}{file.stem}", k=len(listed), **keys))
    for split in ("Train", "Test"):
        for emptied in [*(path / split).glob("*")]:
            if emptied.is_dir() and not [*emptied.iterdir()]:
                emptied.rmdir()
    for name, lines in rows.items():
        name.write_text("\n".join(filter(None, lines)), encoding="utf-8")


def other_tables(path):
    """Write tables that have nothing to do with the images."""
    for name, content in {
        "empty.csv": b"",
        "latin.csv": "name,label\nM\xfcller,1\n".encode("latin-1"),
        "damaged.csv": b"a,label\n\0,1\n",
        "captions.csv": b"image,text\n0.png,one\n1.png,two\n2.png,three\n",
        "AGES.CSV": b"file,age\nrose/0.png,3\nrose/1.png,3\n",
        "sample_submission.csv": b"file,label\nrose/0.png,daisy\n",
    }.items():
        (path / name).write_bytes(content)
    with open(path / "large.csv", "wb") as file:
        file.truncate(10_000_000_000)


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
    "other tables": ("Train", "Test", other_tables, "AGES.CSV is not used; the same is true of 6"),
}
TABLES = {  # arguments of list_images
    "file and label": ("{name}.png,{label}",),
    "with numbers": ("7,{name}.png,{label}", "id,img,y"),
    "numbers in the names": ("{k},{k},{name}.png,{label}", "id,image_id,path,class"),
    "without suffixes": ("{name},{label}", "image_id,class"),
    "a label column of any name": ("{name},{k},{label}", "id,age,breed", "{split}.csv"),
    "without a header": ("{name}.png,{label}", ""),
    "tabs": ("{name}.png\t{label}", "file\tlabel", "{split}.tsv"),
    "semicolons": ("{name}.png;{label}", "file;label"),
    "in the folders of the splits": ("{name}.png,{label}", "f,label", "{split}/x.csv", "{split}"),
    "folders in the names": (
        "images/{label}/{name}.png,{label}",
        "f,y",
        "{split}.csv",
        "images/{label}",
    ),
    "Windows": (r"images\{name}.png,{label}",),
    "a column for the split": ("{name},{label},{split}", "id,label,data set", "all.csv"),
    "one table, two folders": ("{split}/{name}.png,{label}", "file,label", "all.csv", "{split}"),
    "paths of another machine": ("/home/x/data/images/{name}.png,{label}", "path,label"),
    "repeated rows": ("{name}.png,{label}\n{name}.png,{label}",),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_has_the_same_images(name, tmp_path):
    train, test, add, note = LAYOUTS[name]
    write_classes(tmp_path / "data" / train)
    if test:
        write_classes(tmp_path / "data" / test, n=2, first=20)
    add(tmp_path / "data")
    data = find_dataset(tmp_path / "data", [])
    check(data, bool(test))
    assert any(note in each for each in data.notes) if note else not data.notes


def check(data, has_test):
    names = data.names or ["daisy", "rose"]
    shades = data.train.examples[:, 0, 0]
    assert shades.tolist() == [60, 61, 62, 63, 200, 201, 202, 203]
    labels = data.train.labels.tolist()
    assert [names[k] for k in labels] if data.names else labels == ["daisy"] * 4 + ["rose"] * 4
    assert (data.test is None) == (not has_test)
    if has_test:
        assert data.test.examples[:, 0, 0].tolist() == [80, 81, 220, 221]
    assert data.valid is None


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_labels(name, tmp_path):
    write_classes(tmp_path / "Train")
    write_classes(tmp_path / "Test", n=2, first=20)
    list_images(tmp_path, *TABLES[name])
    data = find_dataset(tmp_path, [])
    check(data, True)
    assert data.notes[0] == "labels from a table"


def test_one_hot_columns(tmp_path):
    """As in ISIC's and Roboflow's tables."""
    write_grays(tmp_path / "images", 60)
    (tmp_path / "a.csv").write_text(
        "image, rose, daisy\n0,0.0,1.0\n1,1.0,0.0\n2,1.0,0.0\n3,0.0,1.0\n"
    )
    data = find_dataset(tmp_path, [])
    assert data.train.labels.tolist() == ["daisy", "rose", "rose", "daisy"]
    assert "one-hot labels" in data.notes
    (tmp_path / "a.csv").write_text("image,a,b\n0,0,1\n1,1,0\n2,1,1\n3,0,1\n")
    with pytest.raises(DatasetError, match="rename that column to label"):
        find_dataset(tmp_path, [])


def test_traffic_signs(tmp_path):
    """As in GTSRB: numbers as labels, folders in the names, and a table of the classes."""
    rows = ["Width,ClassId,Path"]
    for k in range(12):
        write_grays(tmp_path / "Train" / str(k), 10 * k, 2)
        rows += [f"30,{k},Train/{k}/{i}.png" for i in range(2)]
    write_grays(tmp_path / "Test", 110, 2)
    write_grays(tmp_path / "Meta", 0, 12)
    (tmp_path / "Train.csv").write_text("\n".join(rows))
    (tmp_path / "Test.csv").write_text("Path,ClassId\nTest/0.png,11\nTest/1.png,2\n")
    meta = [f"Meta/{k}.png,{k}" for k in range(12)]
    (tmp_path / "Meta.csv").write_text("\n".join(["Path,ClassId", *meta]))
    data = find_dataset(tmp_path, [])
    assert (data.train.examples[:, 0, 0] // 10).tolist() == data.train.labels.tolist()
    assert data.train.labels.tolist() == [k for k in range(12) for _ in range(2)]
    assert data.test.labels.tolist() == [11, 2]
    assert "Meta.csv is not used" in data.notes
    (tmp_path / "classes.txt").write_text("\n".join("abcdefghijkl"))
    assert find_dataset(tmp_path, []).names == [*"abcdefghijkl"]


def test_folders_that_are_called_images_are_no_classes_if_a_table_lists_their_images(tmp_path):
    """As in HAM10000."""
    for part in (1, 2):
        write_grays(tmp_path / f"ham_images_part_{part}", 10, 2, first=2 * part)
    (tmp_path / "metadata.csv").write_text("id,age,dx\n2,40,nv\n3,50,mel\n4,40,mel\n5,60,nv\n")
    data = find_dataset(tmp_path, [])
    assert data.train.labels.tolist() == ["nv", "mel", "mel", "nv"]
    (tmp_path / "metadata.csv").write_text("id,sex,dx\n2,f,nv\n3,m,mel\n4,m,mel\n5,f,nv\n")
    with pytest.raises(DatasetError, match=r"metadata.csv .* rename that column to label"):
        find_dataset(tmp_path, [])
    (tmp_path / "metadata.csv").write_text("age\n7\n")  # lists no images
    assert find_dataset(tmp_path, []).names == ["ham_images_part_1", "ham_images_part_2"]


UNCLEAR = {  # tables, and part of the message
    "two labels": ({"l.csv": "file,label\n0.png,a\n1.png,b\n0.png,b"}, "'b' for train, .*'a' for"),
    "two splits": (
        *({"train.csv": "id,label\n0,a\n1,b", "test.csv": "id,label\n2,a\n1,b"},),
        "test.csv lists .*1.png as 'b' for test, but it is also 'b' for train",
    ),
    "two images": ({"l.csv": "file,label\n0.png,a\n8.png,b"}, "8.png may be .*masks/8.png"),
    "two label columns": ({"l.csv": "id,class,label\n0,a,b\n1,c,d"}, "'class' and 'label'"),
    "several columns": ({"l.csv": "id,sex,dx\n0,f,a\n1,m,b\n2,f,a\n3,m,b"}, "column to label"),
    "too many cells": ({"labels.csv": "file,label\n0.png,a, b\n1.png,b\n"}, "a row has 3 cells"),
    "an empty cell": ({"l.csv": "id,a,b\n0,1,0\n1,,1\n2,,0\n3,1,1"}, "column is unclear"),
    "no label": ({"l.csv": "file,label\n0.png,a\n1.png,b\n2.png,nan\n3.png"}, "2.png has no"),
    "the first is missing": ({"l.csv": "file,label\n9.png,a\n0.png,b"}, "9.png is not an image"),
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_unclear_tables_of_labels_are_refused(name, tmp_path):
    tables, message = UNCLEAR[name]
    write_grays(tmp_path / "images", 60, 5)
    for folder in ("images", "images/masks"):
        write_grays(tmp_path / folder, 60, 1, first=8)
    for table, text in tables.items():
        (tmp_path / table).write_text(text)
    with pytest.raises(DatasetError, match=message):
        load_data(tmp_path, 8)


def test_images_of_equal_names_are_those_of_the_split_of_the_table(tmp_path):
    path = tmp_path / "test data"
    for split, shade in (("train", 10), ("test", 90)):
        write_grays(path / split, shade)
    (path / "trainLabels.csv").write_text("id,label\n0,a\n1,a\n2,b\n3,b\n")
    data = find_dataset(path, [])
    assert data.train.examples[:, 0, 0].tolist() == [10, 11, 12, 13]


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
