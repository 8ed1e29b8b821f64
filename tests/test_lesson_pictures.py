"""A picture in the page that one can touch becomes the model's input as it does in Python."""

import base64
import io
import zlib

import numpy as np
import pytest
from conftest import first_quick
from firefox import Firefox
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.backgrounds import KINDS, clutter, disguise, nothing
from d2l_softmax.data import preprocessing
from d2l_softmax.data.pictures import LARGEST_SIDE, load_picture
from d2l_softmax.data.preprocessing import BLANK, CLUTTERED, SPECK, preprocess

DOUBTS = {"blank": BLANK, "speck": SPECK, "cluttered": CLUTTERED}
STEPS = {
    "picture": preprocessing.THE_PICTURE,
    "withoutGround": preprocessing.NO_BACKGROUND,
    "trimmed": preprocessing.TRIMMED,
    "resized": preprocessing.RESIZED,
}
PREPARE = """async ({ png, rgba, width, height }) => {
  const bytes = Uint8Array.from(atob(png ?? rgba), (letter) => letter.charCodeAt(0));
  const { readPicture, prepare } = d2l_softmax;
  const picture = png ? await readPicture(new Blob([bytes])) : { pixels: bytes, width, height };
  const { X, steps, doubts } = prepare(picture);
  const sizes = steps.map(({ name, width, height }) => [name, width, height]);
  return { X: [...X], steps: sizes, doubts };
}"""
READ = """async (file) => {
  const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
  try {
    const { pixels, width, height } = await d2l_softmax.readPicture(new Blob([bytes]));
    return { width, height, pixels: pixels.length > 4e5 ? null : [...pixels] };
  } catch (error) {
    return { key: error.key ?? String(error), ...error.values };
  }
}"""


def in_page(lesson, picture):
    """Return what the page makes of a picture: X (784,), sizes of the steps, and doubts."""
    if picture.mode == "RGB":
        return lesson.evaluate(PREPARE, {"png": in_base64(as_file(picture))})
    # A browser rounds what is half transparent, so these come as they are.
    size = {"width": picture.width, "height": picture.height}
    return lesson.evaluate(PREPARE, {"rgba": in_base64(picture.convert("RGBA").tobytes()), **size})


def in_base64(content):
    return base64.b64encode(content).decode()


def assert_same(lesson, picture):
    """Compare what both make of a picture: sizes of the steps, doubts, each pixel of the input."""
    factor = max(picture.size) // LARGEST_SIDE  # as it is read from a file, see below
    read = picture.reduce(factor) if factor > 1 and picture.mode == "RGB" else picture
    ours, theirs = in_page(lesson, picture), preprocess(read)
    assert [DOUBTS[each] for each in ours["doubts"]] == list(theirs.doubts)
    steps = [[STEPS[name], width, height] for name, width, height in ours["steps"]]
    assert steps == [[name, *step.size] for name, step in theirs.steps.items()]
    difference = np.abs(np.array(ours["X"]) - theirs.X.numpy().ravel()).max()
    assert difference * 255 < 1.001


@pytest.mark.parametrize("kind", first_quick(KINDS, 4))
def test_a_garment_on_any_ground(lesson, real_data, kind):
    _, (images, labels) = real_data
    rng = np.random.default_rng(zlib.crc32(kind.encode()))
    for c in (rng.integers(10), rng.integers(10)):
        image = images[labels == c][rng.integers(500)].numpy()
        assert_same(lesson, disguise(image, KINDS[kind], rng))


def drawn(size, ink, ground, mode="RGB"):
    """Return a picture of a few strokes."""
    picture = Image.new(mode, size, ground)
    draw = ImageDraw.Draw(picture)
    width, height = size
    draw.line([(0.3 * width, 0.2 * height), (0.6 * width, 0.7 * height)], ink, max(1, width // 9))
    draw.ellipse([0.4 * width, 0.5 * height, 0.8 * width, 0.8 * height], ink)
    return picture


OTHERS = {
    "strokes on the page's paper": drawn((280, 280), "white", "black"),
    "strokes on white": drawn((280, 280), "black", "white"),
    "a wide picture": drawn((1900, 300), "navy", "beige"),
    "a tall picture": drawn((90, 700), "navy", "beige"),
    "a line": drawn((300, 1), "black", "white"),
    "a tiny picture": drawn((12, 9), "black", "white"),
    "five pixels": drawn((5, 5), "white", "black"),
    "28 pixels": drawn((28, 28), "white", "black"),
    "29 pixels": drawn((29, 29), "white", "black"),
    "small, cut out": drawn((20, 24), "black", (0, 0, 0, 0), "RGBA"),
    "large, cut out, light": drawn((400, 500), "ivory", (0, 0, 0, 0), "RGBA"),
    "half transparent": drawn((300, 200), (200, 30, 30, 128), (0, 0, 0, 0), "RGBA"),
    "nothing visible": Image.new("RGBA", (40, 40), (9, 9, 9, 0)),
    "blank": Image.new("RGB", (200, 100), "teal"),
    "blank, small": Image.new("RGB", (20, 10), "teal"),
    "a speck": drawn((30, 30), "black", "white").resize((25, 25)),
    "noise": nothing(np.random.default_rng(0)),
    "clutter": clutter(np.random.default_rng(1)),
    "a blurred photograph": drawn((700, 500), "brown", "gray").filter(ImageFilter.GaussianBlur(9)),
}
OTHERS["a speck"] = Image.new("RGB", (900, 900), "white")
OTHERS["a speck"].paste("black", (400, 400, 420, 420))


@pytest.mark.parametrize("name", OTHERS)
def test_any_other_picture(lesson, name):
    assert_same(lesson, OTHERS[name])


def test_every_doubt_is_among_these_pictures():
    doubts = {doubt for picture in OTHERS.values() for doubt in preprocess(picture).doubts}
    assert doubts == set(DOUBTS.values())


# Files


def as_file(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def read_in_page(lesson, content):
    return lesson.evaluate(READ, in_base64(content))


def photograph(size=(300, 200)):
    pixels = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3)).astype(np.uint8)
    return Image.fromarray(pixels)


def test_a_png_file_is_read_to_the_last_bit(lesson):
    picture = photograph()
    came = read_in_page(lesson, as_file(picture))
    assert (came["width"], came["height"]) == picture.size
    assert bytes(came["pixels"]) == picture.convert("RGBA").tobytes()


def test_a_jpeg_file_is_turned_as_its_camera_noted(lesson, tmp_path):
    picture = drawn((120, 80), "navy", "beige")
    exif = picture.getexif()
    exif[0x0112] = 6  # to be turned to the right
    path = tmp_path / "turned.jpg"
    path.write_bytes(as_file(picture, "JPEG", exif=exif))
    came, expected = read_in_page(lesson, path.read_bytes()), load_picture(path).convert("RGBA")
    assert (came["width"], came["height"]) == expected.size == (80, 120)
    difference = np.abs(np.array(came["pixels"]) - np.frombuffer(expected.tobytes(), np.uint8))
    assert difference.max() <= 3  # decoders round differently


def test_a_large_picture_is_reduced_as_in_python(lesson, tmp_path):
    picture = photograph((2150, 40))
    path = tmp_path / "large.png"
    path.write_bytes(as_file(picture))
    came, expected = read_in_page(lesson, path.read_bytes()), load_picture(path).convert("RGBA")
    assert (came["width"], came["height"]) == expected.size == (1075, 20)
    difference = np.array(came["pixels"]) - np.frombuffer(expected.tobytes(), np.uint8).astype(int)
    assert np.abs(difference).max() <= 1


def test_more_than_fifty_million_pixels_are_refused_and_less_are_read(lesson):
    sizes = {(8192, 6144): None, (8000, 6000): (1000, 750)}
    for size, reduced in sizes.items():
        came = read_in_page(lesson, as_file(Image.new("L", size, 200)))
        if reduced:
            assert (came["width"], came["height"]) == reduced
        else:
            assert came == {"key": "tooManyPixels", "width": size[0], "height": size[1]}


@pytest.mark.parametrize("name", ["empty", "text", "cut off", "damaged"])
def test_what_is_no_picture_is_refused(lesson, name):
    whole = as_file(photograph())
    content = {
        "empty": b"",
        "text": b"This is no picture.\n",
        "cut off": whole[: len(whole) // 2],
        "damaged": whole[:2000] + bytes(500) + whole[2500:],
    }[name]
    read = read_in_page(lesson, content)
    if name in ("cut off", "damaged") and isinstance(lesson, Firefox):
        assert (read["width"], read["height"]) == (300, 200)  # Firefox shows what it could read
    else:
        assert read == {"key": "notAPicture"}


# What Pillow computes

RUN = """({ name, pixels, width, height, channels, more }) => {
  const bytes = Uint8Array.from(atob(pixels), (letter) => letter.charCodeAt(0));
  const result = d2l_softmax.pillow[name]({ pixels: bytes, width, height, channels }, ...more);
  return [...result.pixels];
}"""
OPERATIONS = {
    "box, smaller": (
        "resized",
        (31, 17, "box"),
        lambda p: p.resize((31, 17), Image.Resampling.BOX),
    ),
    "lanczos, smaller": (
        "resized",
        (28, 9, "lanczos"),
        lambda p: p.resize((28, 9), Image.Resampling.LANCZOS),
    ),
    "lanczos, larger": (
        "resized",
        (150, 77, "lanczos"),
        lambda p: p.resize((150, 77), Image.Resampling.LANCZOS),
    ),
    "median": ("median", (), lambda p: p.filter(ImageFilter.MedianFilter(3))),
    "sharpened": ("sharpened", (), lambda p: p.filter(preprocessing.SHARPENED)),
    "gray": ("grayOf", (), lambda p: p.convert("L")),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("size", [(97, 41), (28, 23), (64, 64)])
def test_an_operation_gives_what_pillow_gives(lesson, operation, size):
    name, more, expected = OPERATIONS[operation]
    picture = photograph(size)
    if name == "sharpened":
        picture = picture.convert("L")
    came = lesson.evaluate(
        RUN,
        {
            "name": name,
            "pixels": in_base64(picture.tobytes()),
            "width": picture.width,
            "height": picture.height,
            "channels": len(picture.getbands()),
            "more": more,
        },
    )
    assert bytes(came) == expected(picture).tobytes()
