"""Pictures in the lesson: the model's input leads to the same class as Python's preparation."""

import base64
import io

import numpy as np
import pytest
import torch
from engines import Chromium
from PIL import Image, ImageDraw
from test_preprocessing import changed, noisy, on_background

from d2l_softmax.data.pictures import load_picture
from d2l_softmax.data.preprocessing import preprocess

MIN_SHARE = 0.9
READ = """async (file) => {
  const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
  const { readPicture, preprocess, trained } = d2l_softmax;
  try {
    const picture = await readPicture(new Blob([bytes]));
    const { X, steps, warnings } = preprocess(picture);
    const [logits] = trained.logits([X]);
    const names = steps.map(({ name }) => name);
    const { width, height, data: pixels } = picture;
    const some = pixels.length <= 60_000 ? [...pixels] : null; // more take seconds to pass on
    return { width, height, pixels: some, X: [...X], names, warnings, logits: [...logits] };
  } catch (error) {
    return { key: error.key ?? error.name, ...error.values };
  }
}"""


def as_file(picture):
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def read_in_page(lesson, content):
    """Return what the page makes of a picture or the content of a file."""
    if isinstance(content, Image.Image):
        content = as_file(content)
    return lesson.evaluate(READ, base64.b64encode(content).decode())


@pytest.fixture(scope="module")
def classify(lesson):
    """Return a function that predicts the class of X with the page's weights."""
    code = "[d2l_softmax.trained.W.map((w) => [...w]), [...d2l_softmax.trained.b]]"
    W, b = map(torch.tensor, lesson.evaluate(code))
    return lambda X: int((X.flatten() @ W + b).argmax())


def assert_same_classes(lesson, images, classify, per_kind):
    """Check that most pictures on plain backgrounds get the same class as in Python."""
    is_same = []
    rng = np.random.default_rng(0)
    for kind in ("as a photo", "dark on white", "dark on beige", "light on dark"):
        for _ in range(per_kind):
            picture = on_background(images[rng.integers(len(images))].numpy(), kind)
            in_page = read_in_page(lesson, picture)
            assert in_page["warnings"] == []
            is_same.append(np.argmax(in_page["logits"]) == classify(preprocess(picture).X))
    different = len(is_same) - sum(is_same)
    assert different <= max(2, (1 - MIN_SHARE) * len(is_same))


def test_pictures_on_plain_backgrounds_get_the_same_class_as_in_python(lesson, real_data, classify):
    assert_same_classes(lesson, real_data[1][0], classify, per_kind=5)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("tab", ["chromium"], indirect=True)
def test_many_pictures_get_the_same_class_as_in_python(lesson, real_data, classify):
    assert_same_classes(lesson, real_data[1][0], classify, per_kind=20)


def drawn(size, ink, background, mode="RGB"):
    """Return a picture of a pair of trousers."""
    picture, (width, height) = Image.new(mode, size, background), size
    x = np.array([0.35, 0.65, 0.67, 0.54, 0.5, 0.46, 0.33]) * width
    y = np.array([0.1, 0.1, 0.9, 0.9, 0.3, 0.9, 0.9]) * height
    ImageDraw.Draw(picture).polygon([*zip(x, y, strict=True)], ink)
    return picture


DRAWINGS = {
    "white on black, as on the page's canvas": drawn((280, 280), "white", "black"),
    "black on white": drawn((280, 280), "black", "white"),
    "28 pixels": drawn((28, 28), "white", "black"),
    "28 pixels, black on white": drawn((28, 28), "black", "white"),
    "cut out": drawn((300, 300), (30, 30, 60, 255), (0, 0, 0, 0), "RGBA"),
    "cut out, light": drawn((300, 300), (250, 250, 250, 255), (0, 0, 0, 0), "RGBA"),
    "half transparent": drawn((300, 300), (200, 30, 30, 128), (0, 0, 0, 0), "RGBA"),
    "gray": drawn((300, 300), 50, 200, "L"),
    "large": drawn((3000, 3000), "navy", "beige"),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_recognized(lesson, classify, name):
    in_page = read_in_page(lesson, DRAWINGS[name])
    assert classify(preprocess(DRAWINGS[name]).X) == 1
    assert np.argmax(in_page["logits"]) == 1
    assert in_page["warnings"] == []


def photograph(width=300, height=200):
    """Return random pixels."""
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return Image.fromarray(pixels)


SPECK = Image.new("RGB", (900, 900), "white")
SPECK.paste("black", (400, 400, 420, 420))
WARNINGS = {
    "one shade": (Image.new("RGB", (200, 100), "teal"), "blank"),
    "one shade, small": (Image.new("RGB", (20, 10), "teal"), "blank"),
    "one pixel": (Image.new("RGB", (1, 1), "white"), "blank"),
    "a thin strip": (Image.new("RGB", (400, 1), "white"), "blank"),
    "nothing visible": (Image.new("RGBA", (40, 40), (9, 9, 9, 0)), "blank"),
    "noise": (changed(Image.new("RGB", (400, 300), "teal"), noisy), "blank"),
    "strong noise": (Image.effect_noise((300, 200), 200), "cluttered"),
    "clutter": (photograph(10, 8).resize((500, 400), Image.Resampling.NEAREST), "cluttered"),
    "cut off": (drawn((300, 300), "black", "white").crop((100, 60, 200, 160)), "cluttered"),
    "a speck": (SPECK, "speck"),
}


@pytest.mark.parametrize("name", WARNINGS)
def test_a_picture_without_a_clear_object_carries_a_warning(lesson, name):
    picture, warning = WARNINGS[name]
    in_page = read_in_page(lesson, picture)
    assert in_page["warnings"] == [warning]
    assert np.isfinite(in_page["X"]).all()


def test_the_input_is_scaled_centred_and_light_on_black(lesson):
    in_page = read_in_page(lesson, drawn((400, 300), "navy", "beige"))
    assert in_page["names"] == ["picture", "withoutBackground", "trimmed", "scaled"]
    X = np.reshape(in_page["X"], (28, 28))
    rows, columns = (np.flatnonzero(X.max(axis=axis) > 0.5) for axis in (1, 0))
    assert (rows[0], rows[-1]) == (0, 27)
    assert abs(columns[0] + columns[-1] - 27) <= 1
    assert X[:, 0].max() == X[:, -1].max() == 0
    assert X.max() > 0.99


# Files


def test_a_png_file_is_read_to_the_last_bit(lesson):
    picture = photograph(120, 80)
    in_page = read_in_page(lesson, picture)
    assert (in_page["width"], in_page["height"]) == picture.size
    assert bytes(in_page["pixels"]) == picture.convert("RGBA").tobytes()


def test_a_jpeg_file_is_rotated_as_its_camera_noted(lesson, tmp_path):
    picture = drawn((120, 80), "navy", "beige")
    exif = picture.getexif()
    exif[0x0112] = 6  # to be rotated clockwise
    path = tmp_path / "rotated.jpg"
    picture.save(path, exif=exif)
    in_page, expected = read_in_page(lesson, path.read_bytes()), load_picture(path).convert("RGBA")
    assert (in_page["width"], in_page["height"]) == expected.size == (80, 120)
    difference = np.array(in_page["pixels"]) - np.asarray(expected).ravel().astype(int)
    assert np.abs(difference).max() <= 3  # decoders round differently


def test_a_large_picture_is_halved_by_area_averages(lesson):
    picture = photograph(1600, 80)
    in_page = read_in_page(lesson, picture)
    assert (in_page["width"], in_page["height"]) == (400, 20)
    expected = np.asarray(picture.reduce(4).convert("RGBA")).ravel().astype(int)
    assert np.abs(np.array(in_page["pixels"]) - expected).mean() < 2


def test_more_than_fifty_million_pixels_are_refused_and_fewer_are_read(lesson):
    refused = read_in_page(lesson, Image.new("L", (8192, 6144), 200))
    assert refused == {"key": "tooManyPixels", "width": 8192, "height": 6144}
    in_page = read_in_page(lesson, Image.new("L", (8000, 6000), 200))
    assert (in_page["width"], in_page["height"]) == (500, 375)


@pytest.mark.parametrize("name", ["text", "cut off", "damaged"])
def test_a_file_that_is_not_a_picture_is_refused(lesson, name):
    whole = as_file(photograph())
    damaged = whole[:2000] + bytes(500) + whole[2500:]
    files = {"text": b"This is no picture.\n", "cut off": whole[:9000], "damaged": damaged}
    in_page = read_in_page(lesson, files[name])
    if name != "text" and not isinstance(lesson, Chromium):
        assert (in_page["width"], in_page["height"]) == (300, 200)  # the others show the rest
    else:
        assert in_page == {"key": "InvalidStateError"}  # the browser's
