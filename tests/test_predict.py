"""Predictions: which pictures are meant, what is written of them, what a prediction is made of."""

import base64
import csv
import io
import json
import math
import os
import pickle
import re
import signal
import sys
from pathlib import Path

import pytest
import torch
from matplotlib.colors import to_rgb
from PIL import Image

import scratch
from d2l_softmax import __main__ as d2l_main
from d2l_softmax.commands import predict as predict_command
from d2l_softmax.commands.picture_paths import find_pictures
from d2l_softmax.commands.picture_sources import Prepared
from d2l_softmax.data.fashion_mnist import CLASSES
from d2l_softmax.figures import style
from d2l_softmax.figures.prediction import draw_prediction
from d2l_softmax.figures.style import chinese_font
from d2l_softmax.pages.predictions import SIDE

DOUBT = "The picture is <blank>."


@pytest.fixture(scope="module")
def shoes_and_shirts(real_data):
    """Return six test images as gray pictures, by name."""
    images = [Image.fromarray(image.numpy()) for image in real_data[1][0][:6]]
    return {f"picture {i}.png": image for i, image in enumerate(images, 8)}


@pytest.fixture
def folder(tmp_path, shoes_and_shirts):
    """Return a folder of pictures with a long name, a Chinese one, and what is passed over."""
    folder = tmp_path / "my photos"
    (folder / "衣服").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    for name, picture in shoes_and_shirts.items():
        picture.save(folder / name)
    picture.resize((300, 200)).save(folder / "衣服" / "衬衫 1.JPG")
    for name in (".hidden/a.png", "._a.png", "notes.txt", "Thumbs.db"):
        (folder / name).write_bytes(b"not a picture")
    return folder


@pytest.fixture
def predict(trained, tmp_path, capsys, monkeypatch):
    """Return a function that runs the command: its status, output and errors.

    No drawings are made, which take the most time, except of one picture.
    """
    monkeypatch.setattr(predict_command, "MOST_DRAWN", 1)

    def predict(*arguments):
        model, out = f"--model={trained / 'model.pt'}", f"--output-dir={tmp_path / 'out'}"
        status = d2l_main.main(["predict", model, out, *map(str, arguments)])
        return status, *capsys.readouterr()

    return predict


@pytest.fixture
def doubtful(monkeypatch):
    """Let every picture that is 300 pixels wide be doubted."""
    read_all = predict_command.read_all

    def doubting(*arguments):
        for source, prepared in read_all(*arguments):
            wide = prepared.steps["the picture"].width == 300
            yield source, prepared._replace(doubts=(DOUBT,) * wide)

    monkeypatch.setattr(predict_command, "read_all", doubting)


def rows(path):
    """Return the rows of a table."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# Which pictures are meant


def names(*arguments):
    """Return the names of the pictures that are found, and the problems."""
    pictures, problems = find_pictures(arguments)
    return [picture.name for picture in pictures], problems


IN_FOLDER = [*(f"picture {i}.png" for i in range(8, 14)), "衬衫 1.JPG"]


def test_a_folder_is_its_pictures_in_natural_order_and_nothing_else(folder):
    assert names(folder) == (IN_FOLDER, [])


def test_each_picture_is_meant_once(folder):
    last = folder / "picture 13.png"
    assert names(last, folder, folder / "..", last) == (
        [last.name, *IN_FOLDER[:5], IN_FOLDER[6]],
        [],
    )


def test_a_pattern_that_no_shell_expanded(folder):
    assert names(folder / "*1?.png") == ([f"picture {i}.png" for i in range(10, 14)], [])
    assert names(folder / "**" / "*.JPG") == (["衬衫 1.JPG"], [])
    assert names(folder / "*") == (IN_FOLDER, [])


def test_a_name_with_the_signs_of_a_pattern_is_a_name_where_there_is_such_a_file(folder):
    (folder / "picture [9].png").touch()
    assert names(folder / "picture [9].png")[0] == ["picture [9].png"]
    (folder / "picture [9].png").unlink()
    assert names(folder / "picture [9].png")[0] == ["picture 9.png"]


def test_folders_that_are_linked_into_themselves_end(folder):
    (folder / "again").symlink_to(folder, target_is_directory=True)
    assert names(folder) == (IN_FOLDER, [])
    assert len(names(folder / "**")[0]) == len(IN_FOLDER)


def test_what_names_no_picture_is_said(tmp_path):
    (tmp_path / "empty" / ".hidden").mkdir(parents=True)
    assert find_pictures([tmp_path / "empty", tmp_path / "*.png", tmp_path / "gone.png"]) == (
        [tmp_path / "gone.png"],  # as reading it will say
        [
            f"{tmp_path / 'empty'}: no pictures in this folder",
            f"{tmp_path / '*.png'}: no picture matches this pattern",
        ],
    )


def test_a_folder_that_cannot_be_looked_into_is_named_and_the_others_are_not_lost(
    folder, monkeypatch
):
    scandir = os.scandir

    def forbidden(path):
        if os.path.basename(path) == "衣服":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    pictures, problems = names(folder)
    assert pictures == IN_FOLDER[:-1]
    assert problems == [f"{folder / '衣服'}: can't be looked into: Permission denied"]


# What is written


def test_the_table_has_a_row_for_each_picture(predict, folder, trained, doubtful):
    status, out, err = predict(folder)
    assert (status, err) == (0, "")
    table = rows(tmp := folder.parent / "out" / "predictions.csv")
    assert list(table[0]) == ["file", "class", "index", "probability", *CLASSES, "doubts"]
    assert [os.path.basename(row["file"]) for row in table] == IN_FOLDER
    (last,) = json.loads(predict(folder / "picture 13.png", "--json")[1])
    row = table[5]
    assert row["file"] == last["file"]
    assert (row["class"], int(row["index"])) == (last["class"], last["index"])
    assert float(row["probability"]) == last["probability"]
    assert {name: float(row[name]) for name in CLASSES} == last["probabilities"]
    assert [row["doubts"] for row in table] == [""] * 6 + [DOUBT]
    assert out.splitlines()[-2:] == [
        f"    {DOUBT}",
        f"wrote predictions.csv and predictions.html to {tmp.parent}",
    ]


def test_doubts_are_part_of_the_json(predict, folder, doubtful):
    results = json.loads(predict(folder, "--json")[1])
    assert [result["doubts"] for result in results] == [[]] * 6 + [[DOUBT]]


def test_few_pictures_are_drawn_each_and_many_are_not(predict, folder, monkeypatch):
    monkeypatch.setattr(predict_command, "MOST_DRAWN", 2)
    predict(folder / "picture [89].png")
    out = folder.parent / "out"
    assert len(list(out.glob("*.png"))) == 2
    predict(folder)
    assert len(list(out.glob("*.png"))) == 2


def test_a_single_picture_has_no_table_and_no_page(predict, folder):
    predict(folder / "衣服")
    assert [path.name for path in (folder.parent / "out").iterdir()] == ["衬衫 1-prediction.png"]


def test_what_could_not_be_used_is_said_and_is_on_the_page(predict, folder):
    bad = os.fsencode(folder) + b"/broken\xff.png"
    with open(bad, "wb") as file:
        file.write(b"broken")
    sys.stderr.reconfigure(errors="backslashreplace")  # as in the program
    status, _, err = predict(folder, folder / "*.gif")
    assert status == 1
    lines = [line.removeprefix("python -m d2l_softmax predict: ") for line in err.splitlines()]
    assert [line.rsplit("/", 1)[1] for line in lines] == [
        "*.gif: no picture matches this pattern",
        "broken\\udcff.png: not a picture",
    ]
    text = (folder.parent / "out" / "predictions.html").read_text(encoding="utf-8")
    assert "broken\\udcff.png: not a picture" in text
    assert len(rows(folder.parent / "out" / "predictions.csv")) == len(IN_FOLDER)


def test_nothing_is_written_of_no_pictures(predict, tmp_path):
    (tmp_path / "empty").mkdir()
    status, out, err = predict(tmp_path / "empty")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_what_was_predicted(predict, folder, monkeypatch, signum):
    prediction_of, done = predict_command.prediction_of, []

    def interrupted(name, *arguments):
        done.append(name)
        if len(done) == 2:
            signal.raise_signal(signum)
        return prediction_of(name, *arguments)

    monkeypatch.setattr(predict_command, "prediction_of", interrupted)
    status, _, err = predict(folder)
    assert status == 128 + signum
    assert err == "python -m d2l_softmax predict: interrupted after 2 of 7 pictures\n"
    out = folder.parent / "out"
    assert [row["file"] for row in rows(out / "predictions.csv")] == done
    assert "Interrupted: 5 more pictures" in (out / "predictions.html").read_text(encoding="utf-8")


def test_a_model_of_features_is_told_once_that_a_picture_is_none(tmp_path, folder, capsys):
    torch.save({"W": torch.zeros(5, 2), "b": torch.zeros(2)}, tmp_path / "model.pt")
    description = {"data": "iris", "classes": ["a", "b"], "shape": [5], "resize": None}
    (tmp_path / "model.json").write_text(json.dumps(description))
    argv = [f"--model={tmp_path / 'model.pt'}", f"--output-dir={tmp_path / 'out'}"]
    assert d2l_main.main(["predict", str(folder), *argv]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(
        "the model is for 5 in 2 classes, which are features; a picture can't be one"
    )


def test_the_bar_is_as_long_as_there_are_pictures(predict, folder, monkeypatch):
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda stream: True)
    _, out, err = predict(folder)
    assert "0/7 " in err
    assert "pictures/s" in err
    assert out.count(".png: ") + out.count(".JPG: ") == 7


def test_what_is_kept_of_a_picture_is_small_and_no_tensor():
    """Small tensors that stay while large pictures come and go fragment the memory."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randint(256, (900, 1000, 3), dtype=torch.uint8, generator=generator)
    prepared = Prepared(
        torch.rand(1, 1, 28, 28), {"the picture": Image.fromarray(noise.numpy())}, ()
    )
    kept = predict_command.prediction_of("name", prepared, scratch.SoftmaxRegression(784, 10))
    assert len(pickle.dumps(kept)) < 20_000
    assert {type(probability) for probability in kept.probabilities} == {float}


# The page


@pytest.fixture
def page(predict, folder, doubtful):
    """Return the page of the folder's pictures."""
    predict(folder)
    return folder.parent / "out" / "predictions.html"


def test_the_page_shows_each_picture_what_was_seen_and_what_was_said(page, folder):
    text = page.read_text(encoding="utf-8")
    table = rows(page.with_suffix(".csv"))
    items = text.split("<li>\n")[1:]
    assert len(items) == len(table)
    for item, row in zip(items, table, strict=True):
        name = Path(row["file"]).name
        assert f'<p class="name">{name}</p>' in item
        first = re.search(r"<li><span>(.+?)</span> <span>(.+?)</span></li>", item)
        assert first.groups() == (row["class"], f"{float(row['probability']):.3f}")
        assert [alt.removesuffix(name) for alt in re.findall('alt="(.+?)"', item)] == [
            "the picture ",
            "what the model saw of ",
        ]
    original, seen = (embedded(item) for item in re.findall('src="(.+?)"', items[0]))
    assert original.convert("L").tobytes() == Image.open(table[0]["file"]).tobytes()
    assert seen.size == (28, 28)
    assert embedded(re.findall('src="(.+?)"', items[-1])[0]).size == (SIDE, SIDE * 2 // 3)
    assert "&lt;blank&gt;" in items[-1]
    assert "&lt;blank&gt;" not in items[0]
    assert "doubtful: 1." in text
    assert str(folder) not in text  # nobody's paths are in a page that is sent to others


def embedded(address):
    """Return the picture of a data URI."""
    return Image.open(io.BytesIO(base64.b64decode(address.partition("base64,")[2])))


def test_the_page_is_readable_everywhere_and_asks_nobody(page, visit):
    from axe_playwright_python.sync_playwright import Axe

    for scheme in ("light", "dark"):
        opened, requests = visit(page, width=390, scheme=scheme)
        for width in (320, 390, 1300, 2000):
            opened.set_viewport_size({"width": width, "height": 900})
            assert opened.evaluate("document.documentElement.scrollWidth") == width
        assert all(address.startswith("data:") for address in requests[1:])
        whole = "[...document.images].every(image => image.complete && image.naturalWidth > 0)"
        assert opened.evaluate(whole)
        assert Axe().run(opened).response["violations"] == []
    widths = "[...document.images].map(image => Math.max(image.width, image.height))"
    assert set(opened.evaluate(widths)) == {96}


@pytest.mark.usefixtures("font_for_chinese")
def test_the_page_in_chinese_is_chinese(predict, folder, visit):
    predict(folder, "--lang=zh")
    opened, _ = visit(folder.parent / "out" / "predictions.html")
    assert opened.evaluate("document.documentElement.lang") == "zh-CN"
    said = [opened.title(), *opened.locator("h1, header p, .classes span").all_inner_texts()]
    said += opened.evaluate("[...document.images].map(image => image.alt)")
    names = "|".join(re.escape(path.name) for path in folder.rglob("*.*"))
    assert not re.search("[a-z]{2}", re.sub(names, "", "\n".join(said)))


def test_a_font_that_is_not_there_is_missed_once(predict, folder, monkeypatch):
    monkeypatch.setattr(style, "CHINESE_FONTS", ())
    chinese_font.cache_clear()
    _, _, err = predict(folder / "picture [89].png", "--lang=zh")
    chinese_font.cache_clear()
    assert err.count("no installed font has Chinese characters") == 1


# What a prediction is made of


@pytest.fixture(params=[(1, 4, 5), (3, 4, 5)], ids=["gray", "coloured"])
def made_of(request):
    """Return a model of seven classes, an image for it, and the axes of its prediction by title."""
    generator = torch.Generator().manual_seed(0)
    classes = [f"class {k}" for k in range(7)]
    model = scratch.SoftmaxRegression(math.prod(request.param), 7)
    model.W.copy_(torch.randn(model.W.shape, generator=generator))
    model.b.copy_(torch.randn(7, generator=generator))
    X = torch.rand(1, *request.param, generator=generator)
    figure = draw_prediction(X, {}, (), model, classes)
    return model, X, figure, {axes.get_title().split(":")[0]: axes for axes in figure.axes}


def best_two(model, X):
    """Return the two classes of the highest logits, and all logits, reckoned in a plain loop."""
    pixels = X.flatten().tolist()
    logits = [
        sum(pixel * float(weight) for pixel, weight in zip(pixels, W, strict=True)) + float(b)
        for W, b in zip(model.W.T, model.b, strict=True)
    ]
    return sorted(range(len(logits)), key=lambda k: -logits[k])[:2], logits


def test_the_products_that_are_drawn_sum_to_the_logit(made_of):
    model, X, _, by_title = made_of
    pair, logits = best_two(model, X)
    for k in pair:
        (image,) = by_title[f"class {k}"].images
        drawn = image.get_array()
        assert drawn.shape == (4, 5)
        assert float(drawn.sum()) + float(model.b[k]) == pytest.approx(logits[k], abs=1e-5)


def test_the_rival_is_the_second_most_probable_class(made_of):
    model, X, _, by_title = made_of
    drawn = [title for title in by_title if title.startswith("class")]
    assert drawn == [f"class {k}" for k in best_two(model, X)[0]]


def test_one_scale_for_both_blue_above_zero_and_white_at_it(made_of):
    _, _, figure, by_title = made_of
    one, rival = (by_title[title].images[0] for title in by_title if title.startswith("class"))
    largest = max(abs(float(value)) for image in (one, rival) for value in image.get_array().flat)
    assert one.get_clim() == rival.get_clim() == pytest.approx((-largest, largest))
    for image in (one, rival):
        below, zero, above = (to_rgb(image.to_rgba(value)) for value in (-largest, 0.0, largest))
        assert above[2] > 0.3 > above[0]
        assert below[0] > 0.3 > below[2]
        assert zero == pytest.approx((1, 1, 1), abs=1 / 255)
    (bar,) = [axes for axes in figure.axes if axes.get_ylabel() == "pixel × weight"]
    assert bar.get_ylim() == pytest.approx((-largest, largest))


def numbers(text):
    return [float(number.replace("−", "-")) for number in re.findall(r"[+−]?\d+\.\d+", text)]


def test_the_numbers_below_are_the_models_and_add_up(made_of):
    model, X, figure, by_title = made_of
    pair, logits = best_two(model, X)
    for k in pair:
        axes = by_title[f"class {k}"]
        of_pixels, bias, logit = numbers(axes.get_xlabel())
        assert (bias, logit) == pytest.approx((float(model.b[k]), logits[k]), abs=0.0051)
        assert of_pixels + bias == pytest.approx(logit, abs=1e-9)
        assert numbers(axes.get_title()) == [logit]
    (line,) = [text.get_text() for sub in subfigures(figure) for text in sub.texts]
    first, second, difference, p, p_rival = numbers(line.split("\n")[1])
    assert (first, second) == pytest.approx([logits[k] for k in pair], abs=0.0051)
    assert first - second == pytest.approx(difference, abs=1e-9)
    assert math.log(p / p_rival) == pytest.approx(difference, abs=0.02)


def subfigures(figure):
    """Yield the figures in a figure."""
    for each in figure.subfigs:
        yield each
        yield from subfigures(each)


def test_steps_are_drawn_in_their_order_and_doubts_above():
    steps = {name: Image.new("L", (3, 2), shade) for shade, name in enumerate(["a", "b", "c"])}
    model = scratch.SoftmaxRegression(4, 3)
    figure = draw_prediction(torch.rand(1, 1, 2, 2), steps, (DOUBT,), model, CLASSES[:3])
    assert [axes.get_title() for axes in figure.axes][:4] == [*steps, "model input"]
    for axes, picture in zip(figure.axes, steps.values(), strict=False):
        assert axes.images[0].get_array()[0, 0, 0] == picture.getpixel((0, 0))
    assert figure.get_suptitle() == DOUBT


def test_of_features_the_probabilities_alone_are_drawn():
    model = scratch.SoftmaxRegression(4, 3)
    (axes,) = draw_prediction(torch.rand(1, 4), {}, (), model, CLASSES[:3]).axes
    assert axes.get_xlabel() == "probability"
