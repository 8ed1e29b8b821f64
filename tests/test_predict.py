"""predict: which pictures are found, the results that are written, and the figure of one."""

import base64
import html
import io
import json
import math
import os
import re
import signal
import sys
from pathlib import Path

import pytest
import torch
from conftest import complaints, read_rows
from matplotlib.text import Text
from PIL import Image, ImageOps

import d2l_softmax
import scratch
from d2l_softmax import __main__ as d2l_main
from d2l_softmax import photographs
from d2l_softmax.commands import predict as predict_command
from d2l_softmax.commands.predict import find_pictures
from d2l_softmax.data.fashion_mnist import CLASSES
from d2l_softmax.data.preprocessing import Preprocessed
from d2l_softmax.description import OF_FASHION_MNIST, Photographs
from d2l_softmax.figures.prediction import draw_prediction
from d2l_softmax.pages.predictions import SIDE
from d2l_softmax.photographs import describe_photograph_accuracy

NOT_MEASURED = (
    "The accuracy of this model on photographs was not measured; see docs/photographs.md."
)
DOUBT = "The picture is <blank>."
IN_FOLDER = [*(f"picture {i}.png" for i in (10, 11, 12, 13, 8, 9)), "衬衫 1.JPG"]


@pytest.fixture
def folder(tmp_path, real_data):
    """Return a folder with six test images, a large one in a subfolder, and files to skip.

    The first one is an ankle boot that points right, as those of Fashion-MNIST don't.
    """
    folder = tmp_path / "my photos"
    (folder / "衣服").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    for i, image in enumerate(real_data[1][0][:6], 8):
        picture = Image.fromarray(image.numpy())
        (ImageOps.mirror(picture) if i == 8 else picture).save(folder / f"picture {i}.png")
    picture.resize((300, 200)).save(folder / "衣服" / "衬衫 1.JPG")
    for name in (".hidden/a.png", "._a.png", "notes.txt", "Thumbs.db"):
        (folder / name).write_bytes(b"not a picture")
    return folder


@pytest.fixture
def predict(trained, tmp_path, capsys, monkeypatch):
    """Return a function that runs the command: its status, output and errors.

    Drawings take the most time: only single pictures are drawn.
    """
    monkeypatch.setattr(predict_command, "MOST_DRAWN", 1)

    def predict(*arguments):
        model, out = f"--model={trained / 'model.pt'}", f"--output-dir={tmp_path / 'out'}"
        status = d2l_main.main(["predict", model, out, *map(str, arguments)])
        return status, *capsys.readouterr()

    return predict


@pytest.fixture
def doubtful(monkeypatch):
    """Let every picture that is 300 pixels wide carry a doubt."""
    read_picture = predict_command.read_picture

    def doubting(path, description, invert):
        prepared = read_picture(path, description, invert)
        wide = prepared.steps["the picture"].width == 300
        return prepared._replace(doubts=(DOUBT,) * wide)

    monkeypatch.setattr(predict_command, "read_picture", doubting)


# Which pictures are found


def names(*arguments):
    """Return the names of the pictures that are found, and the problems."""
    pictures, problems = find_pictures(arguments)
    return [picture.name for picture in pictures], problems


def test_folders_patterns_and_files(folder):
    assert names(folder) == names(folder / "*") == (IN_FOLDER, [])
    assert names(folder / "*1?.png") == (IN_FOLDER[:4], [])
    assert names(folder / "**" / "*.JPG") == (IN_FOLDER[6:], [])
    (folder / "again").symlink_to(folder, target_is_directory=True)  # is not followed
    assert names(folder) == (IN_FOLDER, [])
    (folder / "again").unlink()
    last = folder / IN_FOLDER[3]
    once = [last.name, *IN_FOLDER[:3], *IN_FOLDER[4:]]
    assert names(last, folder, last, folder / "*") == (once, [])
    pattern = folder / "picture [9].png"
    assert names(pattern)[0] == ["picture 9.png"]
    pattern.touch()
    assert names(pattern)[0] == ["picture [9].png"]  # a file of that name


def test_a_folder_that_cannot_be_read_is_named(folder, monkeypatch):
    scandir = os.scandir

    def forbidden(path):
        if os.path.basename(path) == "衣服":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    problem = (folder / "衣服", "can't read this folder: Permission denied")
    assert names(folder) == (IN_FOLDER[:-1], [problem])


# Results


def test_table_lines_and_json_agree(predict, folder, doubtful):
    status, out, err = predict(folder)
    assert (status, err) == (0, "")
    table = folder.parent / "out" / "predictions.csv"
    rows, results = read_rows(table), json.loads(predict(folder, "--json")[1])
    columns = ["file", "class", "index", "probability", *CLASSES, "mirrored", "doubts"]
    assert list(rows[0]) == columns
    assert [os.path.basename(row["file"]) for row in rows] == IN_FOLDER
    for row, result in zip(rows, results, strict=True):
        assert (row["file"], row["class"]) == (result["file"], result["class"])
        assert (int(row["index"]), row["class"]) == (result["index"], CLASSES[result["index"]])
        highest = max(result["probabilities"].values())
        assert float(row["probability"]) == result["probability"] == highest
        assert {name: float(row[name]) for name in CLASSES} == result["probabilities"]
        assert [row["doubts"]] == (result["doubts"] or [""])
        is_mirrored = os.path.basename(row["file"]) == "picture 8.png"
        assert (row["mirrored"], result["mirrored"]) == (str(is_mirrored), is_mirrored)
    assert rows[4]["class"] == "ankle boot"
    assert [result["doubts"] for result in results] == [[]] * 6 + [[DOUBT]]
    first = f"{rows[0]['file']}: {rows[0]['class']} {float(rows[0]['probability']):.3f}, "
    lines = out.splitlines()
    assert lines[0].startswith(first)
    written = f"wrote predictions.csv and predictions.html to {table.parent}"
    assert lines[-3:] == [f"    {DOUBT}", written, NOT_MEASURED]
    assert ["(mirrored)" in line for line in lines[:7]] == [i == 4 for i in range(7)]
    assert not list(table.parent.glob("*.png"))  # more than MOST_DRAWN
    page = table.with_suffix(".html").read_text(encoding="utf-8")
    for text, small in ((out, "<0.001"), (html.unescape(page), "><0.001</span>")):
        assert small in text  # of trousers the model is sure
        assert not re.search(r"(^|[ >])0\.000\b", text)


def test_pictures_are_drawn_beside_themselves_and_not_written_over(
    predict, folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(predict_command, "MOST_DRAWN", 3)
    names = ("a-prediction.png", "a.jpg", "a.webp")
    pictures = [tmp_path / name for name in names]
    for path in pictures:
        Image.open(folder / "picture 9.png").resize((80, 80)).save(path)
    before = [path.read_bytes() for path in pictures]
    status, out, err = predict(*pictures, f"--output-dir={tmp_path}")
    assert (status, err) == (0, "")
    assert [line.split(": ")[1].split()[0] for line in out.splitlines()[:3]] == ["pullover"] * 3
    assert [path.read_bytes() for path in pictures] == before
    drawn = set(re.findall("drawn in (.+)", out))
    assert len(drawn) == 3
    for path in drawn:
        with Image.open(path) as image:
            assert image.width > 1000


@pytest.mark.parametrize(
    "arguments",
    [[], ["--index=-1"], ["a.png", "--index=1"], ["--invert=maybe"], ["--index=1", "--invert=yes"]],
)
def test_wrong_usage_exits_with_2(arguments):
    with pytest.raises(SystemExit, match=r"^2$"):
        d2l_main.main(["predict", *arguments])


def test_one_picture_has_no_table_and_none_has_nothing(predict, folder):
    out = folder.parent / "out"
    status, printed, err = predict(folder / ".hidden")
    assert (status, printed, err.count("\n")) == (1, "", 1)
    assert list(out.iterdir()) == []
    predict(folder / "衣服")
    assert [path.name for path in out.iterdir()] == ["衬衫 1-prediction.png"]


def test_problems_are_on_standard_error_and_on_the_page(predict, folder):
    bad = os.fsencode(folder) + b"/broken\xff.png"
    with open(bad, "wb") as file:
        file.write(b"broken")
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "empty").mkdir()
    sys.stderr.reconfigure(errors="backslashreplace")  # as the program does
    status, _, err = predict(folder, folder / "*.gif", folder / "empty", folder / "gone.png")
    assert status == 1
    assert sorted(line.rsplit("/", 1)[1] for line in err.splitlines()) == [
        "*.gif: no pictures match this pattern",
        "broken\\udcff.png: not a picture",
        "empty: no pictures in this folder",
        "gone.png: there is no such file",
        "loop.png: damaged or unreadable: Too many levels of symbolic links",
    ]
    text = (folder.parent / "out" / "predictions.html").read_text(encoding="utf-8")
    assert "<li>broken\\udcff.png: not a picture" in text  # without its folder
    assert "<li>*.gif: no pictures match this pattern" in text
    assert "Interrupted" not in text
    assert len(read_rows(folder.parent / "out" / "predictions.csv")) == len(IN_FOLDER)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_the_results_so_far(predict, folder, monkeypatch, signum):
    read_picture, done = predict_command.read_picture, []

    def interrupted(path, *arguments):
        done.append(str(path))
        if len(done) == 2:
            signal.raise_signal(signum)
        return read_picture(path, *arguments)

    monkeypatch.setattr(predict_command, "read_picture", interrupted)
    status, _, err = predict(folder)
    assert status == 128 + signum
    assert err == "python -m d2l_softmax predict: interrupted after 2 of 7 pictures\n"
    out = folder.parent / "out"
    assert [row["file"] for row in read_rows(out / "predictions.csv")] == done
    text = (out / "predictions.html").read_text(encoding="utf-8")
    assert "Interrupted; pictures not predicted: 5." in text


# Photographs


MEASURED = Photographs(temperature=2.0, right=124, of=264)


@pytest.fixture
def measured(trained, tmp_path):
    """Return --model for the trained model, with what was MEASURED on photographs."""
    path = tmp_path / "measured" / "model.pt"
    path.parent.mkdir()
    path.write_bytes((trained / "model.pt").read_bytes())
    description = OF_FASHION_MNIST.to_dict() | {"photographs": MEASURED._asdict()}
    path.with_suffix(".json").write_text(json.dumps(description))
    return f"--model={path}"


def test_where_no_object_is_found_there_is_no_class(predict, folder):
    blank = folder / "blank.png"
    Image.new("L", (60, 60), 200).save(blank)
    nothing = {"class": None, "index": None, "probability": None, "probabilities": None}
    status, out, err = predict(blank)
    assert (status, err) == (1, "")  # no picture has a class
    drawing = folder.parent / "out" / "blank-prediction.png"
    first, doubt, _ = out.splitlines()
    assert first == f"{blank}: no prediction: no object found; drawn in {drawing}"
    assert drawing.exists()
    status, out, err = predict(blank, folder / "picture 8.png")
    assert (status, err) == (0, "")
    page = (folder.parent / "out" / "predictions.html").read_text(encoding="utf-8")
    assert '<p class="none">no prediction: no object found</p>' in page
    assert "ankle boot 1, no prediction 1; doubtful: 0." in page
    row, other = read_rows(folder.parent / "out" / "predictions.csv")
    assert {row[name] for name in ("class", "index", "probability", *CLASSES)} == {""}
    assert row["doubts"] == doubt.strip()
    assert other["class"] == "ankle boot"
    (result,) = json.loads(predict(blank, "--json")[1])
    assert {name: result[name] for name in nothing} == nothing


def test_shoes_that_point_right_are_mirrored(trained, real_data):
    """The shoes' direction changes little; nothing else changes, nor is another data set."""
    model = d2l_softmax.load_model(trained / "model.pt")
    X, y = real_data[1][0][:2000].unsqueeze(1) / 255, real_data[1][1][:2000]
    is_shoe = torch.isin(y, torch.tensor(photographs.SHOES))
    accuracies = {}
    for name, images in {"left": X, "right": X.flip(-1)}.items():
        seen, is_mirrored = photographs.mirror_shoes(images, model)
        assert torch.equal(seen[is_mirrored], images[is_mirrored].flip(-1))
        assert torch.equal(seen[~is_mirrored], images[~is_mirrored])
        assert is_mirrored[~is_shoe].float().mean() < 0.01
        right = model.probabilities(seen).argmax(dim=1) == y
        accuracies[name] = right[is_shoe].float().mean()
    assert accuracies["right"] > accuracies["left"] - 0.05 > 0.8


def test_shoes_of_other_data_are_not_mirrored(trained, real_data):
    model, X = d2l_softmax.load_model(trained / "model.pt"), real_data[1][0][0].flip(-1) / 255
    prepared = Preprocessed(X.view(1, 1, 28, 28), {"the picture": Image.new("L", (28, 28))})
    for pictures, mirrored in (("resized", []), (None, [photographs.MIRRORED])):
        described = OF_FASHION_MNIST._replace(pictures=pictures or OF_FASHION_MNIST.pictures)
        steps = photographs.answer_picture(prepared, model, described).steps
        assert list(steps) == ["the picture", *mirrored]


def test_probabilities_of_photographs_are_calibrated_and_others_are_not(
    predict, folder, measured, trained, real_data
):
    model = d2l_softmax.load_model(trained / "model.pt")
    X = real_data[1][0][1].view(1, 1, 28, 28) / 255
    expected = dict(zip(CLASSES, (model(X)[0] / 2).softmax(dim=0).tolist(), strict=True))
    (result,) = json.loads(predict(folder / "picture 9.png", "--json", measured)[1])
    assert result["probabilities"] == pytest.approx(expected, abs=1e-6)
    test_image, same = (predict("--index=1", "--json", *given)[1] for given in ([measured], []))
    assert test_image == same
    (result,) = json.loads(test_image)
    assert (result["file"], result["class"], result["index"]) == ("test-1", "pullover", 2)


def test_the_true_class_of_a_test_image_is_printed(predict, real_data):
    labels = real_data[1][1].tolist()
    for index in (1, 12):
        true_class = CLASSES[labels[index]]
        assert f"; true class {true_class}; drawn in " in predict(f"--index={index}")[1]
        (result,) = json.loads(predict(f"--index={index}", "--json")[1])
        assert result["true_class"] == true_class


@pytest.mark.parametrize("opencv", [object(), None])
def test_what_is_known_of_the_accuracy_is_said_once(predict, folder, measured, monkeypatch, opencv):
    monkeypatch.setattr(photographs.background, "cv2", opencv)
    known = describe_photograph_accuracy(OF_FASHION_MNIST._replace(photographs=MEASURED))
    assert {"264", "47"} <= set(re.findall(r"\d+", known))
    assert ("pip install opencv-python-headless" in known) == (opencv is None)
    assert predict(folder, measured)[1].splitlines()[-1] == known
    page = (folder.parent / "out" / "predictions.html").read_text(encoding="utf-8")
    assert html.unescape(page).count(known) == 1
    assert predict(folder)[1].splitlines()[-1] == NOT_MEASURED
    assert "photographs" not in predict("--index=1", measured)[1]
    assert describe_photograph_accuracy(OF_FASHION_MNIST._replace(pictures="resized")) == ""


def test_a_warning_needs_an_unlike_picture_or_a_low_probability(
    predict, folder, measured, real_data
):
    """Fashion-MNIST's own images are rarely warned of, garments that lie on their side often."""
    X = real_data[1][0][:2000].unsqueeze(1) / 255
    turned = X.rot90(1, (2, 3))

    def warned(images, highest):
        y_hat = torch.tensor([highest, *[(1 - highest) / 3] * 3]).expand(2000, 4)
        return float(photographs.find_unreliable(images, y_hat).float().mean())

    assert warned(X, 0.4) > 2 * warned(X, 0.6)
    for highest in (0.3, 0.4):
        assert warned(turned, highest) > 1.5 * warned(X, highest)
    noise = torch.rand(X.shape, generator=torch.Generator().manual_seed(0))
    assert warned(noise, 0.5) == 1
    assert warned(X, 0.6) < 0.01
    large = torch.nn.functional.interpolate(X, (56, 56))  # of a model of --resize 56
    assert photographs.unlikeness(large) == pytest.approx(photographs.unlikeness(X), abs=1e-4)
    picture = Image.fromarray((noise[0, 0] * 255).byte().numpy())
    picture.save(folder / "noise.png")
    (result,) = json.loads(predict(folder / "noise.png", "--json", measured)[1])
    assert result["doubts"] == [photographs.UNRELIABLE]


def test_the_warning_s_components_are_fashion_mnist_s(real_data):
    """No other 64 directions leave much less of the images; rounding costs next to nothing."""
    X = real_data[0][0][:20_000].unsqueeze(1) / 255
    mean, components = photographs.read_components()
    assert torch.allclose(components @ components.T, torch.eye(64), atol=1e-5)
    flat = X.flatten(1)
    assert torch.allclose(mean, flat.mean(dim=0), atol=0.01)
    variances = torch.linalg.eigvalsh(torch.cov(flat.T))
    least = float(variances[:-64].sum())
    residuals, _ = photographs.measure_unlikeness(X)
    assert float(residuals.square().mean()) == pytest.approx(least, rel=0.01)


# The page


@pytest.fixture
def page(predict, folder, doubtful):
    """Return the page of the folder's pictures."""
    predict(folder)
    return folder.parent / "out" / "predictions.html"


def test_the_page_shows_each_picture_the_input_and_the_classes(page, folder):
    text = page.read_text(encoding="utf-8")
    rows, items = read_rows(page.with_suffix(".csv")), text.split("<li>\n")[1:]
    for item, row in zip(items, rows, strict=True):
        name = Path(row["file"]).name
        mirrored = f" · {photographs.MIRRORED}" if name == "picture 8.png" else ""
        assert f'<p class="name">{name}{mirrored}</p>' in item
        first = re.search(r"<li><span>(.+?)</span> <span>(.+?)</span></li>", item)
        assert first.groups() == (row["class"], f"{float(row['probability']):.3f}")
        alts = re.findall('alt="(.+?)"', item)
        assert alts == [f"the picture {name}", f"the model input for {name}"]
    embedded = re.findall('src="data:image/.+?;base64,(.+?)"', text)
    pictures = [Image.open(io.BytesIO(base64.b64decode(each))) for each in embedded]
    original, seen, *_, large, _ = pictures
    assert original.convert("L").tobytes() == Image.open(rows[0]["file"]).tobytes()
    assert seen.size == (28, 28)
    assert large.size == (SIDE, SIDE * 2 // 3)
    assert ["&lt;blank&gt;" in item for item in items] == [False] * 6 + [True]
    assert "doubtful: 1." in text
    assert str(folder) not in text  # a user's folders are private


def test_equal_names_are_shown_with_their_folders(predict, folder):
    (folder / "a").mkdir()
    for place in ("a", "."):
        Image.new("L", (28, 28), 99).save(folder / place / "same.png")
    predict(folder)
    text = (folder.parent / "out" / "predictions.html").read_text(encoding="utf-8")
    names = re.findall(r'class="name">(.*same.png)<', text)
    assert sorted(names) == ["a/same.png", f"{folder.name}/same.png"]


def test_the_page_fits_every_width_and_loads_nothing(page, visit):
    for scheme in ("light", "dark"):
        opened, requests = visit(page, width=390, scheme=scheme)
        for width in (320, 390, 2000):
            opened.set_viewport_size({"width": width, "height": 900})
            assert opened.evaluate("document.documentElement.scrollWidth") == width
        assert all(address.startswith("data:") for address in requests[1:])
        assert complaints(opened) == []
    sizes = "[...document.images].map(i => i.complete * Math.max(i.width, i.height))"
    assert set(opened.evaluate(sizes)) == {96}


@pytest.mark.usefixtures("font_for_chinese")
def test_the_page_in_chinese_is_chinese(predict, folder, visit):
    Image.new("L", (60, 60), 200).save(folder / "空白.png")
    predict(folder, folder / "*.gif", "--lang=zh")
    opened, _ = visit(folder.parent / "out" / "predictions.html")
    assert opened.evaluate("document.documentElement.lang") == "zh-CN"
    shown = "h1, h2, header p, .classes span, .none, .note"
    texts = [opened.title(), *opened.locator(shown).all_inner_texts()]
    texts += opened.evaluate("[...document.images].map(image => image.alt)")
    names = "|".join(re.escape(path.name) for path in folder.rglob("*.*")) + "|docs/photographs.md"
    assert not re.search("[a-z]{2}", re.sub(names, "", "\n".join(texts)))


# The figure of a prediction


def texts_in(figure):
    """Return all texts of a figure and its subfigures."""
    return [text.get_text() for text in figure.findobj(Text)]


def numbers(text):
    """Return the numbers with decimals in a text."""
    return [float(number.replace("−", "-")) for number in re.findall(r"[+−]?\d+\.\d+", text)]


@pytest.mark.parametrize("shape", [(1, 4, 5), (3, 4, 5)], ids=["gray", "color"])
def test_products_and_numbers_of_the_best_two_classes_add_up(shape, generator):
    model = scratch.SoftmaxRegression(math.prod(shape), 7)
    model.W.copy_(torch.randn(model.W.shape, generator=generator))
    model.b.copy_(torch.randn(7, generator=generator))
    X = torch.rand(1, *shape, generator=generator)
    figure = draw_prediction(X, {}, (), model, [f"class {k}" for k in range(7)])
    logits = (X.flatten().double() @ model.W.double() + model.b).tolist()
    best = sorted(range(7), key=lambda k: -logits[k])[:2]
    of_classes = [axes for axes in figure.axes if axes.get_title().startswith("class")]
    for axes, k in zip(of_classes, best, strict=True):
        assert axes.get_title().startswith(f"class {k}:")
        products = axes.images[0].get_array()
        assert products.shape == (4, 5)
        assert float(products.sum()) + float(model.b[k]) == pytest.approx(logits[k], abs=1e-5)
        of_pixels, bias, logit = numbers(axes.get_xlabel())
        assert (bias, logit) == pytest.approx((float(model.b[k]), logits[k]), abs=0.0051)
        assert of_pixels + bias == pytest.approx(logit, abs=1e-9)
        assert numbers(axes.get_title()) == [logit]
    (line,) = [text for text in texts_in(figure) if " against " in text]
    first, second, difference, p, p_rival = numbers(line.split("\n")[1])
    assert (first, second) == pytest.approx([logits[k] for k in best], abs=0.0051)
    assert first - second == pytest.approx(difference, abs=1e-9)
    assert math.log(p / p_rival) == pytest.approx(difference, abs=0.02)


def test_a_drawing_shows_the_calibrated_probabilities_and_the_note():
    model = scratch.SoftmaxRegression(4, 3)
    model.W.zero_()
    model.b.copy_(torch.tensor([16.0, 2.0, 0.0]))
    X = torch.rand(1, 1, 2, 2)
    figure = draw_prediction(X, {}, (), model, CLASSES[:3], temperature=2.0, note="A note.")
    (bars,) = [axes for axes in figure.axes if axes.get_xlabel() == "probability"]
    assert [text.get_text() for text in bars.texts] == ["0.999", "<0.001", "<0.001"]
    assert "A note." in texts_in(figure)
    assert "16.00 − 2.00 = 14.00 ≈ 2 × log(0.999 / 0.000911)" in "\n".join(texts_in(figure))
