"""Custom data: folders of images, IDX files, arrays; what is read, and what is refused."""

import json
import os
import re
import shutil

import numpy as np
import pytest
import torch
from conftest import TWINS, all_of, train_on, write_arrays, write_pictures
from PIL import Image
from torchvision import transforms

from d2l_softmax import __main__ as d2l_main
from d2l_softmax import load_data
from d2l_softmax.commands import train as training_command
from d2l_softmax.data import image_cache
from d2l_softmax.errors import DatasetError
from d2l_softmax.training.agreement import largest_difference

RNG = np.random.default_rng(0)


def some_images(n, q=3, shape=(4, 5)):
    """Return images uint8 (n, ...) of q classes that are easy to separate, and labels."""
    y = np.arange(n) % q
    noise = RNG.integers(0, 100, (n, *shape))
    marks = np.eye(q, int(np.prod(shape)))[y].reshape(n, *shape) * 155
    return (noise + marks).astype(np.uint8), y


def pixels(X):
    """Return X in [0, 1] as whole numbers from 0 to 255."""
    return (X * 255).round().int()


# Arrays


@pytest.mark.parametrize("shape", [(28, 28), (9, 7, 3)], ids=["gray", "coloured"])
@pytest.mark.parametrize("resize", [(5, 6), 64], ids=["smaller", "larger"])
def test_resized_images_are_those_of_torchvision(tmp_path, shape, resize):
    X, y = some_images(4, shape=shape)
    train_iter, test_iter = load_data(write_arrays(tmp_path, (X, y), (X, y)), 4, resize)
    size = resize if isinstance(resize, tuple) else (resize, resize)
    transform = transforms.Compose([transforms.Resize(size), transforms.ToTensor()])
    expected = torch.stack([transform(Image.fromarray(image)) for image in X])
    assert train_iter.dataset.shape == expected.shape[1:]
    torch.testing.assert_close(all_of(test_iter)[0], expected, rtol=0, atol=1.001 / 255)


@pytest.mark.parametrize("names", [(), ("a", "c", "b")], ids=["numbers", "classes.txt"])
def test_labels_are_numbered_and_named_in_their_order(names, tmp_path):
    X, y = some_images(9)
    write_arrays(tmp_path, (X, 11 - 7 * y), (X, 11 - 7 * y), names)
    train_iter, test_iter = load_data(tmp_path, 9)
    assert train_iter.dataset.classes == (names or ("-3", "4", "11"))
    assert all_of(test_iter)[1].tolist() == [2, 1, 0] * 3


def test_without_test_data_a_tenth_of_each_class_is_held_out(tmp_path):
    y = np.repeat([0, 1, 2, 3], [100, 19, 3, 1])  # in the order of their classes
    X = np.arange(123, dtype=np.uint8).reshape(123, 1, 1)
    train_iter, test_iter = load_data(write_arrays(tmp_path, (X, y)), 7)
    (X_train, y_train), (X_test, y_test) = all_of(train_iter), all_of(test_iter)
    assert y_train.bincount().tolist() == [90, 18, 2, 1]
    assert y_test.bincount().tolist() == [10, 1, 1]
    assert sorted(pixels(torch.cat([X_train, X_test])).flatten().tolist()) == list(range(123))
    assert torch.equal(all_of(load_data(tmp_path, 9)[1])[0], X_test)  # always the same ones
    assert pixels(X_test.flatten()).diff().max() > 2  # not every tenth, nor the last ones


def test_validation_examples_are_drawn_from_all_classes_and_not_trained_on(tmp_path):
    y = np.repeat([0, 1], 60)
    X = np.arange(120, dtype=np.uint8).reshape(120, 1, 1)
    loaders = load_data(write_arrays(tmp_path, (X, y), (X, y)), 7, validation=40)
    held_out, trained = (pixels(all_of(loaders[i])[0]) for i in (2, 0))
    assert len(held_out) == 40
    assert sorted(torch.cat([held_out, trained]).flatten().tolist()) == list(range(120))
    assert 8 < (held_out < 60).sum() < 32
    with pytest.raises(DatasetError, match=r"120 of 120 .*; choose validation from 0 to 119"):
        load_data(tmp_path, 7, validation=120)


# Folders of images


@pytest.mark.parametrize("is_writable", [True, False])
def test_images_are_decoded_once_and_cached(tmp_path, monkeypatch, is_writable):
    folder = write_pictures(tmp_path / "pets", modes=("L",))
    cache, user_cache = folder / ".d2l_softmax", tmp_path / "cache"
    monkeypatch.setattr(image_cache.platformdirs, "user_cache_path", lambda *_, **__: user_cache)
    if not is_writable:
        monkeypatch.setattr(image_cache.os, "access", lambda *_: False)
        cache = user_cache / "folders"
    X, y = all_of(load_data(folder, 3)[1])
    assert y.tolist() == [0] * 4 + [1] * 4
    expected = np.array(Image.open(folder / "test" / "dog" / "2.png"))
    assert (pixels(X[6, 0]).numpy() == expected).all()
    assert len([*cache.rglob("train_images.npy")]) == 1
    monkeypatch.setattr(image_cache, "load_picture", lambda path: pytest.fail("decoded again"))
    train_iter, test_iter = load_data(folder, 3)
    assert torch.equal(all_of(test_iter)[0], X)
    assert train_iter.dataset.classes == ("cat", "dog")


def test_images_are_coloured_if_one_is_and_resized(tmp_path):
    folder = write_pictures(tmp_path, sizes=((6, 4), (9, 12)))
    train_iter, _ = load_data(folder, 8, (5, 7))
    X, _ = all_of(train_iter)
    assert X.shape == (8, 3, 5, 7)
    (cached,) = (folder / ".d2l_softmax").glob("[!.]*")
    assert cached.name.startswith("5x7-")
    picture = Image.open(folder / "train" / "cat" / "1.png").resize((7, 5), Image.BILINEAR)
    expected = torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 255
    assert any(torch.equal(image, expected) for image in X)
    dataset = load_data(folder, 8)[0].dataset
    assert dataset.shape == (3, 28, 28)
    assert "2 sizes, resized to 28x28" in dataset.notes[-1]


def test_images_that_changed_are_decoded_again(tmp_path, monkeypatch):
    folder = write_pictures(tmp_path, modes=("L",))
    before = all_of(load_data(folder, 8)[1])[0]
    path = folder / "test" / "cat" / "0.png"
    Image.new("L", (6, 4), 9).save(path)
    os.utime(path, ns=(1, 1))
    after = all_of(load_data(folder, 8)[1])[0]
    assert not torch.equal(before[0], after[0])
    assert torch.equal(before[1:], after[1:])
    (cached,) = (folder / ".d2l_softmax").glob("[!.]*")  # the earlier cache is removed
    monkeypatch.setattr(image_cache, "VERSION", 99)
    load_data(folder, 8)
    assert [*(folder / ".d2l_softmax").glob("[!.]*")] != [cached]


# Data that can't be used: one line with the file, the reason and the remedy


X, Y = some_images(12)
FLOATS = RNG.normal(size=(12, 4)).astype(np.float32)
REFUSED = {  # training data, test data and names of classes; part of the message
    "other shape": (((X, Y), (X[:, 1:], Y)), r"differ: .*\(12, 3, 5\) uint8"),
    "other kind": (((X, Y), (FLOATS, Y)), "training and test examples differ"),
    "text and numbers": (((X, np.array([*"abc"])[Y]), (X, Y)), "types of labels: text and numbers"),
    "class in test": (((X, Y), (X, Y + 1)), r"label 3 \(4 times\)"),
    "classes in test": (((X, Y), (X, Y + 2)), "label 3 .* 1 more"),
    "one class": (((X, Y * 0 + 5), (X, Y * 0 + 5)), "one class, 5"),
    "one of each class": (((X[:3], Y[:3]),), "one example of each class"),
    "outside": (((X, Y + 1), (X, Y + 1), "ab"), "2 class names .* 3 different labels, from 1 to 3"),
    "twice": (((X, Y), (X, Y), "aab"), "empty line or"),
    "objects": (((np.empty(12, object), Y),), "train_images.npy.* not an array: .*objects"),
    "no labels": (((X,),), "train_images.npy, but no train_labels"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_arrays_that_cannot_be_used_are_refused_by_name(tmp_path, kind):
    arrays, message = REFUSED[kind]
    write_arrays(tmp_path, *arrays)
    with pytest.raises(DatasetError, match=rf"\A.*{message}.*\Z"):  # one line
        load_data(tmp_path, 4)


def test_images_that_cannot_be_used_are_named_and_counted(tmp_path):
    folder = write_pictures(tmp_path, modes=("L",))
    for name in ("cat/0.png", "dog/1.png"):
        (folder / "train" / name).write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"train/cat/0.png: not a picture; .* 1 more"):
        load_data(folder, 4)
    left = {path.name for path in (folder / ".d2l_softmax").iterdir()}
    assert left <= {".lock"}  # no unfinished cache is left


def test_folders_whose_classes_cannot_be_trained_are_refused(tmp_path):
    folder = write_pictures(tmp_path, modes=("L",))
    shutil.copytree(folder / "test" / "cat", folder / "test" / "fox")
    with pytest.raises(DatasetError, match=r"fox .*train"):
        load_data(folder, 4)
    shutil.rmtree(folder / "train")
    (folder / "train").mkdir()
    with pytest.raises(DatasetError, match="train has fewer than two folders with images"):
        load_data(folder, 4)


def test_features_are_not_resized(tmp_path):
    write_arrays(tmp_path, (FLOATS, Y))
    with pytest.raises(DatasetError, match="has features; leave resize out"):
        load_data(tmp_path, 4, 8)


def test_a_place_without_data_is_named_with_what_was_expected(tmp_path):
    with pytest.raises(DatasetError, match="nowhere does not exist; expected"):
        load_data(tmp_path / "nowhere", 4)
    write_arrays(tmp_path, (X, Y))
    with pytest.raises(ValueError, match="'some', expected one of auto, full, block"):
        load_data(tmp_path, 4, shuffle="some")


# Every command on every format


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pictures", "table"])
def test_every_command_takes_the_data(tmp_path, capsys, kind):
    folder, has_images, run = tmp_path / "own", kind == "pictures", d2l_main.main
    dataset = f"--dataset={folder}"
    arguments = [dataset, "--epochs=2", "--batch-size=16", "--dtype=float64", "--quiet"]
    if has_images:
        write_pictures(folder, sizes=((6, 4), (9, 12)), n=6)
        arguments.append("--resize=8x7")
    else:
        folder.mkdir()
        y = np.arange(90) % 3
        rows = np.column_stack([RNG.normal(size=(90, 3)) + np.eye(3)[y], y])
        header = "a,b,c,label"
        np.savetxt(folder / "table.csv", rows, delimiter=",", header=header, comments="")
    models = []
    for name, twin in TWINS.items():
        output = tmp_path / name
        assert training_command.main(twin, name, [*arguments, f"--output-dir={output}"]) == 0
        models.append(torch.load(output / "model.pt", weights_only=True))
        assert "own" in (output / "report.html").read_text()
    assert max(largest_difference(models[0][key], models[1][key]) for key in "Wb") < 1e-10
    assert models[0]["W"].abs().max() > 0.01
    model = str(tmp_path / "scratch" / "model.pt")
    description = json.loads((tmp_path / "scratch" / "model.json").read_text())
    assert models[0]["W"].shape == (np.prod(description["shape"]), len(description["classes"]))
    assert (description["scale"] is None) != has_images
    few = ["--seeds=1", "--jobs=1"]
    for command in (["compare"], ["sweep", *few], ["learning-curve", *few, "--sizes", "9"]):
        argv = [*command, *arguments, f"--output-dir={tmp_path / command[0]}"]
        assert run(argv) == 0, command
    capsys.readouterr()
    assert run(["evaluate", model, dataset, "--json"]) == 0
    classes = [score["label"] for score in json.loads(capsys.readouterr().out)["classes"]]
    assert classes == description["classes"]
    assert run(["figures", model, dataset, f"--output-dir={tmp_path / 'figures'}"]) == 0
    assert (tmp_path / "figures" / "templates.png").exists() == has_images
    assert ("left out" in capsys.readouterr().out) != has_images
    output = f"--output-dir={tmp_path / 'predict'}"
    assert run(["predict", "--index=1", f"--model={model}", dataset, output]) == 0
    assert any(name in capsys.readouterr().out for name in classes)
    picture = Image.new("RGB", (30, 40), (200, 10, 10))
    picture.paste((20, 240, 230), (8, 8, 22, 30))  # of one colour it would have no object
    picture.save(tmp_path / "picture.png")
    status = run(["predict", str(tmp_path / "picture.png"), f"--model={model}", output])
    assert status == (0 if has_images else 1)
    assert ("the model is for 3 features" in capsys.readouterr().err) != has_images


def test_a_model_is_not_used_on_other_data(tmp_path, capsys):
    X, y = some_images(30)
    a = write_arrays(tmp_path / "a", (X, y), (X, y))
    b = write_arrays(tmp_path / "b", (X[:, 1:], y), (X[:, 1:], y))
    c = write_arrays(tmp_path / "c", (X, y), (X, y), ["one", "two", "three"])
    assert train_on(a, tmp_path, "--epochs=1") == 0
    model = str(tmp_path / "model.pt")
    predict = ["predict", "--index=30", f"--model={model}", f"--dataset={a}"]
    for arguments, message in (
        (["evaluate", model, f"--dataset={b}"], "1x3x5.* 3 classes.* 1x4x5"),
        (["evaluate", model, f"--dataset={c}"], "1x4x5.* other names"),
        (predict, "no test example 30; .*--index from 0 to 29"),
    ):
        assert d2l_main.main(arguments) == 1
        assert re.search(message, capsys.readouterr().err)


# model.json


def test_custom_data_may_be_called_fashion_mnist(tmp_path, capsys):
    """Their pictures are only resized: a bright one is not inverted, as Fashion-MNIST's are."""
    X = np.full((20, 2, 2), 50, np.uint8)
    X[::2] = 200
    folder = write_arrays(tmp_path / "Fashion-MNIST", (X, np.arange(20) % 2), classes=["x", "y"])
    assert train_on(folder, tmp_path, "--epochs=60", "--lr=1", "--quiet") == 0
    described = json.loads((tmp_path / "model.json").read_text())
    assert described["data"] == "Fashion-MNIST"
    assert (described["pictures"], described["scale"]) == ("resized", 1 / 255)
    Image.new("L", (9, 9), 200).save(tmp_path / "bright.png")
    model = str(tmp_path / "model.pt")
    argv = ["predict", str(tmp_path / "bright.png"), f"--model={model}", "--json"]
    assert d2l_main.main([*argv, f"--output-dir={tmp_path}"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["class"] == "x"
    assert d2l_main.main(["evaluate", model]) == 1
    assert re.search("trained on Fashion-MNIST; .*--dataset", capsys.readouterr().err)


@pytest.mark.parametrize("change", ["labels", "brightness"])
def test_a_training_on_other_data_is_not_resumed(change, tmp_path, capsys):
    X, y = some_images(30)
    write_arrays(tmp_path / "a", (X, y), (X, y))
    assert train_on(tmp_path / "a", tmp_path, "--epochs=2") == 0
    # the default learning rate is chosen from the images
    changed = (X, y[::-1]) if change == "labels" else (np.where(X > 200, X, 0), y)
    write_arrays(tmp_path / "a", changed, (X, y))
    assert train_on(tmp_path / "a", tmp_path, "--epochs=2", "--resume") == 1
    assert "data have changed" in capsys.readouterr().err
