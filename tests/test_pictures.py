"""Picture files of any format are read, or refused by name."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from d2l_softmax.data.pictures import PictureError, border_shade, is_light_on_dark, load_picture
from d2l_softmax.data.preprocessing import preprocess

NUM_IMAGES = 150


# Shades, transparency, sizes


@pytest.fixture(scope="module")
def test_pictures(real_data):
    """Return the first test images as gray pictures."""
    return [Image.fromarray(image.numpy()) for image in real_data[1][0][:NUM_IMAGES]]


def on_transparent(picture, size=(50, 50), at=(11, 11), mask=None):
    """Paste a picture, where a mask is white, onto a larger transparent one."""
    canvas = Image.new("RGBA", size, (0, 0, 0, 0))
    canvas.paste(picture.convert("RGBA"), at, mask)
    return canvas


def to_model_input(picture, invert="auto"):
    return preprocess(picture, invert).X


def test_a_test_image_is_its_own_input_also_inverted(test_pictures, real_data, tmp_path):
    for picture, image in zip(test_pictures, real_data[1][0], strict=False):
        for same in (picture, ImageOps.invert(picture)):
            same.save(tmp_path / "picture.png", compress_level=0)
            X = to_model_input(load_picture(tmp_path / "picture.png"))
            assert torch.equal(X[0, 0], image / 255)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F"])
def test_any_mode_and_size(mode):
    picture = Image.new("L", (61, 40), 0)
    picture.paste(255, (20, 10, 40, 30))
    X = to_model_input(picture.convert(mode))
    assert (X.shape, X.dtype) == ((1, 1, 28, 28), torch.float32)
    assert 0 <= X.min() <= X.max() <= 1
    assert X[0, 0, 14, 14] > 0.9
    assert X[0, 0, 0, 0] < 0.1


@pytest.mark.parametrize(("shade", "expected"), [(200, 0), (65535 // 2, 0.5), (65535, 1)])
def test_sixteen_bits_reach_from_black_to_white(shade, expected):
    picture = Image.new("I;16", (28, 28), 0)
    picture.putpixel((14, 14), shade)
    X = to_model_input(picture)
    assert float(X.max()) == pytest.approx(expected, abs=0.01)
    assert float(X.min()) == 0


@pytest.mark.parametrize(
    ("shade", "invert", "inverted"),
    [
        (120, "auto", False),
        (135, "auto", True),
        (180, "auto", True),
        (120, "yes", True),
        (180, "no", False),
    ],
)
def test_the_median_of_the_border_decides_what_is_light(shade, invert, inverted):
    picture = Image.new("L", (28, 28), shade)
    picture.paste(255, (0, 0, 28, 8))  # a quarter of the border
    X = to_model_input(picture, invert)
    assert float(X[0, 0, 27, 27]) == pytest.approx((255 - shade if inverted else shade) / 255)
    assert float(X[0, 0, 0, 0]) == (0.0 if inverted else 1.0)


def test_a_picture_is_widened_with_the_median_of_its_border():
    tall = Image.new("L", (14, 28), 0)
    tall.paste(255, (5, 0, 9, 28))  # light from edge to edge, in 8 of the 84 outermost pixels
    X = to_model_input(tall)[0, 0]
    assert X[:, :7].max() == X[:, 21:].max() == 0
    assert X[:, 12:16].min() == 1
    wide = ImageOps.expand(Image.new("L", (52, 10), 255), 2, 0)
    X = to_model_input(wide)[0, 0]
    assert X[14, 14] > 0.9
    assert X[:8].max() < 0.1


def test_fine_patterns_are_averaged():
    picture = Image.new("L", (448, 448), 0)
    for row in range(100, 324):
        for column in range(100 + row % 2, 324, 2):
            picture.putpixel((column, row), 255)
    X = to_model_input(picture)[0, 0, 3:-3, 3:-3]
    assert X.min() > 0.8 * X.max()  # not the moiré of single pixels


@pytest.mark.parametrize("shade", [0, 255])
def test_a_cut_out_lies_on_pure_black(shade):
    mask = Image.new("L", (26, 26), 255)
    mask.putpixel((0, 0), 0)  # the background is seen through a corner
    X = to_model_input(on_transparent(Image.new("L", (26, 26), shade), (28, 28), (1, 1), mask))
    assert float(X[0, 0, 1, 1]) == float(X[0, 0, 0, 0]) == 0.0
    assert float(X[0, 0, 14, 14]) == 1.0  # a dark one is laid on white and inverted with it


@pytest.mark.parametrize(
    ("shades", "expected"), [([0, 254], False), ([0, 255], False), ([1, 255], True)]
)
def test_a_thin_cut_out_is_light_if_it_is_lighter_than_the_middle(shades, expected):
    shade = torch.tensor([shades]) / 255
    assert is_light_on_dark(shade, torch.ones(1, 2)) == expected


@pytest.mark.parametrize(("inside", "edge"), [(0.4, 0.36), (0.6, 0.64)])
def test_an_edge_that_is_a_little_darker_means_a_dark_background(inside, edge):
    """The edge has more pixels than the inside, and must not be mixed with it."""
    shade = torch.full((6, 6), edge)
    shade[1:-1, 1:-1] = inside
    assert is_light_on_dark(shade, torch.ones(6, 6)) == (edge < inside)


def test_the_shade_of_a_border_is_the_median_of_all_four_sides():
    rows = [[0, 0, 0, 0], [255, 0, 0, 255], [255, 0, 0, 255], [255, 255, 255, 255]]
    for turns in range(4):
        picture = np.rot90(np.array(rows, np.uint8), turns)
        assert border_shade(Image.fromarray(picture)) == 255


# Files


def test_files_that_cannot_be_used_are_named_with_the_reason(tmp_path, test_pictures):
    Image.new("F", (9, 9), float("nan")).save(tmp_path / "nan.tiff")
    test_pictures[0].resize((200, 200)).save(tmp_path / "half.png")
    contents = {
        "half.png": ((tmp_path / "half.png").read_bytes()[:300], "damaged"),
        "text.png": (b"no picture", "not a picture"),
        "empty.png": (b"", "not a picture"),
        "phone.heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC.* JPEG"),
        "nan.tiff": (None, "not numbers"),
        "missing.png": (None, "no such file"),
        "": (None, "(Is a directory|Permission denied)"),
    }
    for name, (content, message) in contents.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(PictureError, match=message) as caught:
            load_picture(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_pictures_are_rotated_reduced_and_of_eight_bits(tmp_path):
    picture = Image.new("L", (40, 20), 0)
    exif = picture.getexif()
    exif[0x0112] = 6  # rotated by a quarter
    picture.save(tmp_path / "rotated.jpg", exif=exif)
    assert load_picture(tmp_path / "rotated.jpg").size == (20, 40)
    Image.new("RGB", (6000, 3500), "white").save(tmp_path / "large.jpg")
    assert load_picture(tmp_path / "large.jpg").size == (1000, 584)
    Image.new("I;16", (9, 9), 32_768).save(tmp_path / "sixteen.png")
    assert load_picture(tmp_path / "sixteen.png").convert("L").getextrema() == (127, 127)


@pytest.mark.parametrize(("mode", "size"), [("L", (40_000, 1)), ("RGBA", (30, 30))])
def test_extreme_shapes_and_full_transparency_are_no_errors(tmp_path, mode, size):
    Image.new(mode, size).save(tmp_path / "picture.png")
    assert to_model_input(load_picture(tmp_path / "picture.png")).shape == (1, 1, 28, 28)
