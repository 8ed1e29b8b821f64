"""One's own pictures, prepared as Fashion-MNIST was made, on any ground that is nearly even."""

import io

import numpy as np
import pytest
import torch
from conftest import TWINS, first_quick
from PIL import Image, ImageFilter, ImageOps

from d2l_softmax.data.background import find_object, fit, grown, shrunk, trust
from d2l_softmax.data.preprocessing import (
    BLANK,
    CLUTTERED,
    NO_GROUND,
    RESIZED,
    SPECK,
    THE_PICTURE,
    TRIMMED,
    prepare,
    to_model_input,
)
from d2l_softmax.models import load_parameters

WHITE, BEIGE, GRAY, DARK = (255, 255, 255), (236, 222, 196), (140, 140, 140), (40, 42, 48)


def shirt(ground=WHITE, colour=(30, 40, 90), size=(400, 300), at=(120, 60), scale=1.0):
    """Return a picture of a T-shirt on a ground: a body 80 wide, 140 high, with two sleeves."""
    picture = Image.new("RGB", size, ground)
    x, y = at
    for left, upper, right, lower in ((30, 0, 110, 140), (0, 10, 30, 60), (110, 10, 140, 60)):
        box = (x + scale * left, y + scale * upper, x + scale * right, y + scale * lower)
        picture.paste(colour, tuple(map(round, box)))
    return picture


def changed(picture, change):
    """Return a picture whose pixels (h, w, 3) in [0, 1] a function of them has changed."""
    pixels = change(np.asarray(picture, np.float64) / 255)
    return Image.fromarray((pixels.clip(0, 1) * 255).round().astype(np.uint8))


def as_jpeg(picture, quality):
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file)


def slope(pixels, most=0.3):
    """Return pixels under a light that falls by `most` from one corner to the other."""
    height, width, _ = pixels.shape
    light = np.add.outer(np.linspace(0, 0.5, height), np.linspace(0, 0.5, width))
    return pixels * (1 - most * light)[..., None]


def noisy(pixels, size=0.03):
    return pixels + np.random.default_rng(0).normal(0, size, pixels.shape)


DISGUISES = {
    "beige": shirt(BEIGE),
    "gray": shirt(GRAY),
    "light on dark": shirt(DARK, (230, 220, 210)),
    "somewhere else": shirt(at=(30, 140)),
    "larger": shirt(size=(1200, 900), at=(500, 100), scale=4),
    "smaller": shirt(size=(800, 600), at=(300, 200)),
    "noise": changed(shirt(BEIGE), noisy),
    "a slope of light": changed(shirt(BEIGE), slope),
    "JPEG": as_jpeg(shirt(BEIGE), 30),
    "inverted": ImageOps.invert(shirt()),
    "gray levels": shirt().convert("L"),
}


def of_shirt():
    """Return what a model should see of the shirt: 28 pixels long, in the middle."""
    X = torch.zeros(28, 28)
    X[:, 6:22] = 1
    X[2:12, :] = 1
    return X


def test_a_shirt_is_trimmed_brought_to_28_pixels_and_put_in_the_middle():
    X = to_model_input(shirt())[0, 0]
    difference = (X - of_shirt()).abs()
    assert difference.mean() < 0.05  # at the edges
    assert difference.median() == 0


@pytest.mark.parametrize("disguise", DISGUISES)
def test_the_same_object_is_seen_the_same_on_any_ground(disguise):
    prepared = prepare(DISGUISES[disguise])
    assert prepared.doubts == ()
    assert (prepared.X - to_model_input(shirt())).abs().mean() < 0.04
    assert prepared.X[0, 0, 20:, :4].max() < 0.02


def test_a_soft_shadow_is_not_the_object():
    picture = shirt(BEIGE)
    outline = ImageOps.invert(shirt((0, 0, 0), (255, 255, 255), at=(128, 70)).convert("L"))
    shadow = np.asarray(outline.filter(ImageFilter.GaussianBlur(10)), np.float64) / 255
    light = (0.85 + 0.15 * shadow)[..., None]
    pixels = np.asarray(picture, np.float64) / 255
    is_ground = (np.asarray(picture) == BEIGE).all(axis=2)[..., None]
    shaded = np.where(is_ground, pixels * light, pixels)
    X = to_model_input(Image.fromarray((shaded * 255).astype(np.uint8)))
    assert (X - to_model_input(shirt())).abs().mean() < 0.06


def test_the_steps_are_those_of_the_paper_in_its_order():
    prepared = prepare(shirt())
    assert list(prepared.steps) == [THE_PICTURE, NO_GROUND, TRIMMED, RESIZED]
    steps = list(prepared.steps.values())
    assert [step.size for step in steps[1:]] == [(256, 192), (90, 90), (28, 28)]
    assert steps[1].getpixel((0, 0)) == 0
    tall = prepare(shirt().crop((150, 0, 230, 300))).steps[RESIZED]
    assert tall.size == (16, 28)


def test_a_shade_is_kept_in_proportion_to_its_distance_from_the_ground():
    picture = shirt(WHITE, (0, 0, 0))
    picture.paste((128, 128, 128), (160, 100, 220, 200))
    X = to_model_input(picture)[0, 0]
    assert float(X[14, 14]) == pytest.approx(0.5, abs=0.03)
    assert float(X[4, 14]) == pytest.approx(1.0, abs=0.03)


def test_inversion_can_be_forced():
    # A body lighter than its ground, with a dark print: the print is what is "dark on light".
    picture = shirt(GRAY, (250, 250, 250))
    picture.paste((10, 10, 10), (170, 90, 210, 170))
    auto, light, dark = (to_model_input(picture, invert)[0, 0] for invert in ("auto", "no", "yes"))
    assert torch.equal(auto, light)
    assert light[14, 14] < 0.1 < 0.9 < light[26, 14]
    assert dark[14, 14] > 0.9 > 0.1 > dark[26, 14]


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_nothing_stands_out_of_a_blank_picture(shade):
    plain = Image.new("RGB", (300, 200), (shade,) * 3)
    for picture in (plain, changed(plain, noisy), changed(plain, slope), plain.resize((28, 28))):
        assert prepare(picture).doubts == (BLANK,)


def test_a_speck_is_doubted():
    picture = Image.new("RGB", (600, 400), WHITE)
    picture.paste((0, 0, 0), (300, 200, 318, 218))
    assert prepare(picture).doubts == (SPECK,)


def test_clutter_is_doubted():
    tiles = np.random.default_rng(0).integers(0, 256, (8, 10, 3)).astype(np.uint8)
    picture = Image.fromarray(tiles).resize((500, 400), Image.Resampling.NEAREST)
    assert prepare(picture).doubts == (CLUTTERED,)
    half = Image.new("RGB", (400, 300), WHITE)
    half.paste((20, 60, 20), (0, 0, 400, 150))  # a horizon
    assert prepare(half).doubts == (CLUTTERED,)


def test_an_object_at_the_border_does_not_bend_the_ground():
    X = to_model_input(shirt(BEIGE, at=(120, 160), size=(400, 300)))[0, 0]
    assert (X - of_shirt()).abs().mean() < 0.05


def test_a_fit_is_not_bent_by_what_does_not_belong_to_it():
    # 0.2 + 0.1 x at 100 places, of which 30 are something else.
    x = np.linspace(-1, 1, 100)
    terms = np.stack([np.ones(100), x], axis=1).astype(np.float32)
    colours = np.repeat(0.2 + 0.1 * x[:, None], 3, axis=1).astype(np.float32)
    colours[:30] = 0.9
    near = trust(np.abs(colours - np.median(colours, axis=0)).max(axis=1))
    factors, _, weights = fit(terms, colours, near)
    assert factors[0] == pytest.approx(np.full(3, 0.2), abs=0.01)
    assert factors[1] == pytest.approx(np.full(3, 0.1), abs=0.01)
    assert weights[:30].max() < 0.05 < 0.9 < weights[40:].min()


def test_the_ground_is_found_where_the_object_hides_it():
    pixels = slope(np.asarray(shirt(BEIGE), np.float64) / 255).astype(np.float32)
    light = slope(np.ones((300, 400, 1)))
    found = find_object(pixels)
    assert np.abs(found.ground - light * np.array(BEIGE) / 255).max() < 0.01
    assert found.mask[70:190, 160:220].all()
    assert found.share_of_border == 0


def test_a_mask_grows_and_shrinks_by_squares():
    mask = np.zeros((7, 7), bool)
    mask[3, 3] = True
    assert grown(mask, 3).sum() == 9
    assert (shrunk(grown(mask, 5), 3) == grown(mask, 3)).all()
    assert shrunk(np.ones((4, 4), bool), 3).all()  # there is no edge at the edge


@pytest.mark.parametrize(
    "way", first_quick(["as a photo", "dark on white", "dark on beige", "light on dark"])
)
def test_test_images_keep_their_class_on_a_ground(way, trained, real_data):
    """Forty that the model gets right, each enlarged and laid on a ground off its middle."""
    model = TWINS["scratch"].SoftmaxRegression()
    load_parameters(trained / "model.pt", model)
    images, labels = real_data[1]
    right = model(images.unsqueeze(1).float() / 255).argmax(1) == labels
    chosen = right.nonzero().flatten()[:40]
    inputs = [to_model_input(laid_on_ground(images[i].numpy(), way)) for i in chosen]
    kept = model(torch.cat(inputs)).argmax(1) == labels[chosen]
    assert kept.float().mean() >= 0.85  # `python -m benchmarks backgrounds` has many more


def laid_on_ground(image, way):
    """Return a test image (28, 28) enlarged nine times, as an object on a noisy ground."""
    v = np.zeros((360, 480, 1))
    enlarged = Image.fromarray(image).resize((252, 252), Image.Resampling.BICUBIC)
    v[70:322, 190:442, 0] = np.asarray(enlarged) / 255
    ground = {"dark on beige": BEIGE, "light on dark": DARK}.get(way, WHITE)
    object_ = {"light on dark": 0.95, "as a photo": 1 - v}.get(way, 0.1)
    opacity = v > 0 if way == "as a photo" else v
    pixels = np.array(ground) / 255 * (1 - opacity) + object_ * opacity
    return as_jpeg(changed(Image.fromarray((255 * pixels).astype(np.uint8)), noisy), 75)
