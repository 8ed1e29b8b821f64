"""Preprocessing of pictures on any roughly uniform background, as Fashion-MNIST was made."""

import io

import numpy as np
import pytest
import torch
from conftest import TWINS, first_quick, load_parameters
from PIL import Image, ImageFilter, ImageOps

from d2l_softmax.data import background
from d2l_softmax.data.background import (
    border_mask,
    dilate,
    drop_small_parts,
    erode,
    find_object,
    fit_background,
)
from d2l_softmax.data.preprocessing import (
    BLANK,
    CLUTTERED,
    NO_BACKGROUND,
    RESIZED,
    SPECK,
    THE_PICTURE,
    TRIMMED,
    preprocess,
)

WHITE, BEIGE, GRAY, DARK = (255, 255, 255), (236, 222, 196), (140, 140, 140), (40, 42, 48)


def shirt(background=WHITE, colour=(30, 40, 90), size=(400, 300), at=(120, 60), scale=1.0):
    """Return a picture of a T-shirt: a body 80 wide and 140 high, with two sleeves."""
    picture = Image.new("RGB", size, background)
    x, y = at
    for left, upper, right, lower in ((30, 0, 110, 140), (0, 10, 30, 60), (110, 10, 140, 60)):
        box = (x + scale * left, y + scale * upper, x + scale * right, y + scale * lower)
        picture.paste(colour, tuple(map(round, box)))
    return picture


def changed(picture, change):
    """Return a picture whose pixels (h, w, 3) in [0, 1] a function has changed."""
    pixels = change(np.asarray(picture, np.float64) / 255)
    return Image.fromarray((pixels.clip(0, 1) * 255).round().astype(np.uint8))


def as_jpeg(picture, quality):
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file)


def gradient(pixels, most=0.3):
    """Return pixels in light that falls by `most` from one corner to the other."""
    height, width, _ = pixels.shape
    light = np.add.outer(np.linspace(0, 0.5, height), np.linspace(0, 0.5, width))
    return pixels * (1 - most * light)[..., None]


def noisy(pixels, size=0.03):
    return pixels + np.random.default_rng(0).normal(0, size, pixels.shape)


def shadowed(pixels):
    """Return pixels of the beige shirt with its soft shadow on the background."""
    outline = ImageOps.invert(shirt((0, 0, 0), (255, 255, 255), at=(128, 70)).convert("L"))
    shadow = np.asarray(outline.filter(ImageFilter.GaussianBlur(10)), np.float64) / 255
    is_background = np.isclose(pixels, np.array(BEIGE) / 255).all(axis=2)[..., None]
    return np.where(is_background, pixels * (0.85 + 0.15 * shadow)[..., None], pixels)


PICTURES = {
    "beige": shirt(BEIGE),
    "gray": shirt(GRAY),
    "light on dark": shirt(DARK, (230, 220, 210)),
    "in a corner": shirt(at=(30, 140)),
    "at the border": shirt(BEIGE, at=(120, 160)),
    "larger": shirt(size=(1200, 900), at=(500, 100), scale=4),
    "smaller": shirt(size=(800, 600), at=(300, 200)),
    "noise": changed(shirt(BEIGE), noisy),
    "lighting gradient": changed(shirt(BEIGE), gradient),
    "soft shadow": changed(shirt(BEIGE), shadowed),
    "JPEG": as_jpeg(shirt(BEIGE), 30),
    "inverted": ImageOps.invert(shirt()),
    "gray levels": shirt().convert("L"),
    "a button beside it": shirt(),
}
PICTURES["a button beside it"].paste((0, 0, 0), (20, 20, 32, 32))


@pytest.fixture(params=[True, False], ids=["with OpenCV", "without"], autouse=True)
def has_opencv(request, monkeypatch):
    """Try everything with OpenCV and without it."""
    if request.param:
        return pytest.importorskip("cv2")
    monkeypatch.setattr(background, "cv2", None)
    return None


@pytest.mark.parametrize("name", PICTURES)
def test_an_object_is_28_pixels_long_and_centred_on_any_background(name):
    expected = torch.zeros(28, 28)
    expected[:, 6:22] = 1
    expected[2:12, :] = 1
    result = preprocess(PICTURES[name])
    assert result.doubts == ()
    difference = (result.X[0, 0] - expected).abs()
    uneven = name in ("noise", "lighting gradient", "soft shadow", "JPEG")
    assert difference.mean() < (0.07 if uneven else 0.02)  # at the edges
    assert difference.median() < 0.06
    assert result.X[0, 0, 20:, :4].max() < 0.02


def test_the_steps_are_those_of_the_paper_in_its_order():
    steps = preprocess(shirt()).steps
    assert list(steps) == [THE_PICTURE, NO_BACKGROUND, TRIMMED, RESIZED]
    assert [step.size for step in steps.values()] == [(400, 300), (256, 192), (90, 90), (28, 28)]
    assert steps[NO_BACKGROUND].getpixel((0, 0)) == 0
    tall = preprocess(shirt().crop((150, 0, 230, 300))).steps[RESIZED]
    assert tall.size == (16, 28)


def test_a_shade_is_proportional_to_its_distance_from_the_background():
    picture = shirt(WHITE, (0, 0, 0))
    picture.paste((128, 128, 128), (160, 100, 220, 200))
    X = preprocess(picture).X[0, 0]
    assert float(X[14, 14]) == pytest.approx(0.5, abs=0.03)
    assert float(X[4, 14]) == pytest.approx(1.0, abs=0.03)


def test_inversion_can_be_forced():
    # A body lighter than its background, with a dark print: only the print is "dark on light".
    picture = shirt(GRAY, (250, 250, 250))
    picture.paste((10, 10, 10), (170, 90, 210, 170))
    auto, light, dark = (preprocess(picture, invert).X[0, 0] for invert in ("auto", "no", "yes"))
    assert torch.equal(auto, light)
    assert light[14, 14] < 0.1 < 0.9 < light[26, 14]
    assert dark[14, 14] > 0.9 > 0.1 > dark[26, 14]


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_blank_picture_has_no_object(shade):
    plain = Image.new("RGB", (300, 200), (shade,) * 3)
    for picture in (plain, changed(plain, noisy), changed(plain, gradient), plain.resize((28, 28))):
        result = preprocess(picture)
        assert (result.doubts, result.found, float(result.X.max())) == ((BLANK,), False, 0)


def test_specks_and_clutter_are_doubted():
    speck = Image.new("RGB", (600, 400), WHITE)
    speck.paste((0, 0, 0), (300, 200, 318, 218))
    assert preprocess(speck).doubts == (SPECK,)
    tiles = np.random.default_rng(0).integers(0, 256, (8, 10, 3)).astype(np.uint8)
    clutter = Image.fromarray(tiles).resize((500, 400), Image.Resampling.NEAREST)
    horizon = Image.new("RGB", (400, 300), WHITE)
    horizon.paste((20, 60, 20), (0, 0, 400, 150))
    assert preprocess(clutter).doubts == preprocess(horizon).doubts == (CLUTTERED,)


def test_an_object_at_the_border_does_not_bend_the_background():
    pixels = gradient(np.full((60, 80, 3), 0.8))
    covered = pixels.copy()
    covered[30:, 10:60] = 0.1  # 18 % of the border
    assert np.abs(fit_background(covered, border_mask(covered, 0.02)) - pixels).max() < 0.01


def test_the_background_is_estimated_behind_the_object():
    pixels = gradient(np.asarray(shirt(BEIGE), np.float64) / 255).astype(np.float32)
    light = gradient(np.ones((300, 400, 1)))
    found = find_object(pixels)
    assert np.abs(found.background - light * np.array(BEIGE) / 255).max() < 0.01
    assert found.mask[70:190, 160:220].all()
    assert found.border_share == 0


def test_an_object_is_found_on_an_uneven_background(has_opencv):
    """A shirt on a carpet, whose shades vary as much as the shirt differs from them."""
    tiles = np.random.default_rng(0).integers(90, 220, (30, 40), dtype=np.uint8)
    carpet = Image.fromarray(tiles).resize((400, 300), Image.Resampling.NEAREST).convert("RGB")
    outline = shirt((0, 0, 0), (255, 255, 255)).convert("L")
    carpet.paste((150, 30, 60), (0, 0), outline)
    pixels = np.asarray(carpet) / 255
    found, again = find_object(pixels), find_object(pixels)
    assert (found.mask == again.mask).all()
    wrong = (found.mask != (np.asarray(outline) > 0)).mean()
    assert (wrong < 0.01) == bool(has_opencv)


def test_only_the_largest_part_and_those_of_similar_size_are_kept():
    mask = np.zeros((90, 120), bool)
    mask[10:40, 10:40] = True  # 900 pixels
    mask[40, 40] = True  # connected by a corner
    mask[60:67, 10:17] = True  # 49
    mask[60:66, 60:67] = True  # 42, below 5 %
    kept = mask.copy()
    kept[60:66, 60:67] = False
    assert (drop_small_parts(mask) == kept).all()
    snake = np.zeros((41, 41), bool)
    snake[::2] = True
    snake[1::4, -1] = snake[3::4, 0] = True
    assert (drop_small_parts(snake) == snake).all()
    assert not drop_small_parts(np.zeros((5, 5), bool)).any()


def test_dilation_and_erosion_by_squares():
    mask = np.zeros((7, 7), bool)
    mask[3, 3] = True
    assert dilate(mask, 3).sum() == 9
    assert (erode(dilate(mask, 5), 3) == dilate(mask, 3)).all()
    assert erode(np.ones((4, 4), bool), 3).all()  # nothing is eroded at the picture's border


@pytest.mark.parametrize(
    "kind", first_quick(["as a photo", "dark on white", "dark on beige", "light on dark"])
)
def test_test_images_keep_their_class_on_a_background(kind, trained, real_data):
    """Forty correctly predicted images, each enlarged and off the centre of a background."""
    model = TWINS["scratch"].SoftmaxRegression()
    load_parameters(trained / "model.pt", model)
    images, labels = real_data[1]
    is_correct = model(images.unsqueeze(1).float() / 255).argmax(1) == labels
    chosen = is_correct.nonzero().flatten()[:40]
    inputs = [preprocess(on_background(images[i].numpy(), kind)).X for i in chosen]
    kept = model(torch.cat(inputs)).argmax(1) == labels[chosen]
    assert kept.float().mean() >= 0.85


def on_background(image, kind):
    """Return a test image (28, 28) enlarged nine times, as an object on a noisy background."""
    v = np.zeros((360, 480, 1))
    enlarged = Image.fromarray(image).resize((252, 252), Image.Resampling.BICUBIC)
    v[70:322, 190:442, 0] = np.asarray(enlarged) / 255
    background = {"dark on beige": BEIGE, "light on dark": DARK}.get(kind, WHITE)
    object_ = {"light on dark": 0.95, "as a photo": 1 - v}.get(kind, 0.1)
    opacity = v > 0 if kind == "as a photo" else v
    pixels = np.array(background) / 255 * (1 - opacity) + object_ * opacity
    return as_jpeg(changed(Image.fromarray((255 * pixels).astype(np.uint8)), noisy), 75)
