"""Pictures for a model of custom images: brought to what its training images look like."""

import json

import numpy as np
import pytest
import torch
from conftest import train_on
from PIL import Image, ImageDraw, ImageFont

import d2l_softmax as d2l
from d2l_softmax import __main__ as d2l_main
from d2l_softmax import load_data
from d2l_softmax.data.appearance import Appearance, measure_appearance
from d2l_softmax.data.batches import ArrayDataset
from d2l_softmax.data.preprocessing import (
    BLANK,
    CLUTTERED,
    OTHER_BACKGROUND,
    UNLIKE,
    preprocess_like,
)

SIDE, HELD_OUT = 28, 30
COLOURS = ((190, 40, 40), (40, 130, 60), (40, 60, 180), (120, 60, 140))
SHAPES = ("disc", "ring", "square", "triangle")


def draw_digit(k, rng, side=SIDE, margin=4):
    """Return a digit k as ink, 0 to 1, (side, side): of varying size, turned, with a margin."""
    big = Image.new("L", (320, 320))
    font = ImageFont.load_default(size=int(rng.integers(140, 220)))
    ImageDraw.Draw(big).text((160, 160), str(k), 255, font, "mm", stroke_width=int(rng.integers(9)))
    big = big.rotate(rng.uniform(-12, 12), Image.Resampling.BILINEAR)
    big = big.crop(big.getbbox())
    scale = (side - 2 * margin) / max(big.size)
    small = big.resize([max(1, round(length * scale)) for length in big.size])
    image = Image.new("L", (side, side))
    image.paste(small, ((side - small.width) // 2, (side - small.height) // 2))
    return np.asarray(image) / 255


def digits(n, seed):
    """Return n digits as ink (n, 28, 28) and their labels."""
    rng, y = np.random.default_rng(seed), np.arange(n) % 10
    return np.stack([draw_digit(k, rng) for k in y]), y


def on_sheet(ink, side, dark, light, *, size=(600, 450), at=(90, 200), noise=0.015, shade=0.1):
    """Return a picture of a digit in ink of a shade on paper, `side` pixels high."""
    paper = np.full(size, light) * (1 - shade * np.linspace(0, 1, size[1]))
    large = np.asarray(Image.fromarray((ink * 255).astype(np.uint8)).resize((side, side))) / 255
    place = slice(at[0], at[0] + side), slice(at[1], at[1] + side)
    paper[place] = paper[place] * (1 - large) + dark * large
    paper += np.random.default_rng(0).normal(0, noise, size)
    colours = np.stack([paper, paper * 0.98, paper * 0.94], axis=2)
    return Image.fromarray((colours.clip(0, 1) * 255).round().astype(np.uint8))


def gray(shades):
    return Image.fromarray((shades.clip(0, 1) * 255).round().astype(np.uint8))


PICTURES = {
    "as in training": gray,
    "reversed": lambda ink: gray(1 - ink),
    "large and reversed": lambda ink: gray(1 - ink).resize((560, 560), Image.Resampling.BICUBIC),
    "ink on paper": lambda ink: on_sheet(ink, 200, 0.15, 0.85),
    "small in the middle of a sheet": lambda ink: on_sheet(ink, 90, 0.2, 0.9, at=(250, 180)),
    "pencil": lambda ink: on_sheet(ink, 200, 0.55, 0.9),
    "chalk": lambda ink: on_sheet(ink, 200, 0.9, 0.2),
}


@pytest.fixture(scope="module", params=["dark", "light"])
def trained_on_digits(request, tmp_path_factory):
    """Train on digits on a dark or light background; return the folder of the run."""
    folder = tmp_path_factory.mktemp(request.param)
    run = folder / "run"
    X, y = digits(600, seed=1)
    X = 1 - X if request.param == "light" else X
    np.savez(folder / "data.npz", X=(X * 255).round().astype(np.uint8), y=y)
    assert train_on(folder / "data.npz", run, "--quiet") == 0
    assert d2l.load_model(run / "model.pt").description.appearance.background == request.param
    return run


@pytest.fixture(scope="module")
def digits_on(trained_on_digits):
    """Return whether the background is light, and the appearance of digits on it."""
    appearance = d2l.load_model(trained_on_digits / "model.pt").description.appearance
    return appearance.background == "light", appearance


@pytest.mark.parametrize("kind", PICTURES)
def test_held_out_digits_look_as_in_training_and_are_recognized(kind, trained_on_digits, digits_on):
    is_light, appearance = digits_on
    model = d2l.load_model(trained_on_digits / "model.pt")
    X, y = digits(HELD_OUT, seed=2)
    prepared = [preprocess_like(appearance, model.shape, PICTURES[kind](ink)) for ink in X]
    inputs = torch.cat([each.X for each in prepared])
    assert int((model(inputs).argmax(dim=1) == torch.from_numpy(y)).sum()) >= 28
    assert sum(bool(each.doubts) for each in prepared) <= 2
    expected = torch.from_numpy(1 - X if is_light else X).float()
    difference = (inputs.squeeze(1) - expected).abs().mean(dim=(1, 2))
    assert int((difference < 0.08).sum()) >= 28


def test_predict_does_so_and_draws_the_steps(trained_on_digits, capsys, tmp_path):
    pictures = [tmp_path / f"{k}.png" for k in range(3)]
    for path, ink in zip(pictures, digits(3, seed=2)[0], strict=True):
        PICTURES["ink on paper"](ink).save(path)
    model, output = f"--model={trained_on_digits / 'model.pt'}", f"--output-dir={tmp_path / 'out'}"
    assert d2l_main.main(["predict", *map(str, pictures), model, output, "--lang=zh"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[1][0] for line in lines[:3]] == ["0", "1", "2"]


def test_invert_says_whether_the_picture_is_to_be_inverted(digits_on):
    is_light, appearance = digits_on
    (ink,), _ = digits(1, seed=4)
    other, same = ("chalk", "ink on paper") if is_light else ("ink on paper", "chalk")
    for kind, right, wrong in ((other, "yes", "no"), (same, "no", "yes")):
        automatic, forced, reversed_ = (
            preprocess_like(appearance, (1, SIDE, SIDE), PICTURES[kind](ink), invert).X
            for invert in ("auto", right, wrong)
        )
        assert torch.equal(automatic, forced)
        assert float((automatic - reversed_).abs().mean()) > 0.1


def test_pictures_as_small_as_training_images_are_not_trimmed(digits_on):
    is_light, appearance = digits_on
    corner = np.zeros((SIDE, SIDE))
    corner[2:14, 1:7] = 1
    picture = gray(1 - corner if is_light else corner)
    prepared = preprocess_like(appearance, (1, SIDE, SIDE), picture)
    assert torch.allclose(prepared.X[0, 0], torch.from_numpy(np.asarray(picture) / 255).float())


def test_faint_pictures_get_the_contrast_of_training(digits_on):
    is_light, appearance = digits_on
    (ink,), _ = digits(1, seed=4)
    for side in (SIDE, 20 * SIDE):
        faint = gray(0.3 + 0.4 * ink).resize((side, side), Image.Resampling.BICUBIC)
        X = preprocess_like(appearance, (1, SIDE, SIDE), faint).X[0, 0]
        expected = torch.from_numpy(1 - ink if is_light else ink).float()
        assert float((X - expected).abs().mean()) < 0.05


def coloured(shape, side, background, colour, rng):
    """Return a shape whose margin is a sixth of the frame, drawn at four times its size."""
    image = Image.new("RGB", (4 * side, 4 * side), background)
    draw, middle, radius = ImageDraw.Draw(image), 2 * side + rng.normal(0, 2), 4 * side / 3
    box = [middle - radius, middle - radius, middle + radius, middle + radius]
    if shape == "triangle":
        draw.polygon([(middle, box[1]), (box[0], box[3]), (box[2], box[3])], colour)
    elif shape == "square":
        draw.rectangle(box, colour)
    elif shape == "ring":
        draw.ellipse(box, outline=colour, width=side // 3)
    else:
        draw.ellipse(box, colour)
    return image.resize((side, side))


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """Return the appearance of coloured shapes on white, and the images (80, 3, 32, 32)."""
    folder, rng = tmp_path_factory.mktemp("shapes"), np.random.default_rng(0)
    for shape in SHAPES:
        (folder / shape).mkdir()
        for i in range(20):
            image = coloured(shape, 48, (250, 250, 250), COLOURS[i % 4], rng)
            image.save(folder / shape / f"{i}.png")
    train_iter, _ = load_data(folder, 80, resize=32)
    return measure_appearance(train_iter.dataset)


def on_table(shape, background, at=(420, 310)):
    sheet = Image.new("RGB", (900, 700), background)
    sheet.paste(coloured(shape, 160, background, COLOURS[0], np.random.default_rng(1)), at)
    return sheet


@pytest.mark.parametrize("shape", SHAPES)
def test_coloured_pictures_are_framed_and_not_inverted(shape, shapes):
    assert shapes.background == "light"
    framed = preprocess_like(shapes, (3, 32, 32), on_table(shape, (240, 240, 232)))
    assert framed.doubts == ()
    expected = coloured(shape, 32, (240, 240, 232), COLOURS[0], np.random.default_rng(1))
    difference = np.asarray(expected) / 255 - framed.X[0].permute(1, 2, 0).numpy()
    assert np.abs(difference).mean() < 0.05
    dark = preprocess_like(shapes, (3, 32, 32), on_table(shape, (20, 20, 25)))
    assert dark.doubts == (OTHER_BACKGROUND["light"],)


def test_what_touches_the_edge_is_extended(shapes):
    cut = on_table("disc", (240, 240, 232), at=(0, 0)).crop((20, 20, 900, 700))
    framed = preprocess_like(shapes, (3, 32, 32), cut)
    assert float(framed.X[0, :, :2].min()) > 0.9  # a margin, though the picture has none


@pytest.mark.parametrize(
    ("picture", "doubt"),
    [
        (Image.new("RGB", (300, 200), (200, 200, 200)), BLANK),
        (Image.new("L", (28, 28), 255), BLANK),
        (gray(np.random.default_rng(0).random((300, 300))), CLUTTERED),
    ],
)
def test_nothing_found_is_a_doubt(picture, doubt, digits_on):
    _, appearance = digits_on
    assert preprocess_like(appearance, (1, SIDE, SIDE), picture).doubts == (doubt,)


def test_photographs_are_taken_as_they_are(tmp_path):
    rng = np.random.default_rng(0)
    scenes = rng.random((80, 4, 4, 3)).repeat(8, axis=1).repeat(8, axis=2)  # (80, 32, 32, 3)
    np.savez(tmp_path / "data.npz", X=(scenes * 255).astype(np.uint8), y=np.arange(80) % 2)
    dataset = load_data(tmp_path / "data.npz", 32)[0].dataset
    appearance = measure_appearance(dataset)
    assert appearance.background is None
    shape = (3, 32, 32)
    scene = Image.fromarray((scenes[0] * 255).astype(np.uint8))
    same = preprocess_like(appearance, shape, scene)
    assert same.doubts == ()
    assert torch.equal(same.X[0] * 255, torch.from_numpy(np.array(scene)).permute(2, 0, 1).float())
    night = scene.point(lambda shade: shade // 6)
    assert preprocess_like(appearance, shape, night).doubts == (UNLIKE,)
    assert torch.allclose(preprocess_like(appearance, shape, scene, "yes").X, 1 - same.X)
    assert preprocess_like(None, shape, night).doubts == ()  # a model of an earlier version


@pytest.mark.parametrize(("deviation", "background"), [(0.05, "dark"), (0.4, None)])
def test_a_background_is_uniform_if_its_pixels_deviate_little(deviation, background):
    rng = np.random.default_rng(0)
    X = 0.4 + rng.uniform(-deviation, deviation, (60, 20, 20))
    X[:, 6:14, 6:14] = 1.0
    images = torch.from_numpy((X * 255).astype(np.uint8))
    dataset = ArrayDataset(images, torch.zeros(60, dtype=torch.int64), ["any"])
    assert measure_appearance(dataset).background == background


def test_features_have_no_appearance_and_others_survive_json(shapes, tmp_path):
    np.savez(tmp_path / "data.npz", X=np.random.default_rng(0).normal(size=(20, 3)), y=[0, 1] * 10)
    assert measure_appearance(load_data(tmp_path / "data.npz", 4)[0].dataset) is None
    assert Appearance.from_dict(json.loads(json.dumps(shapes._asdict()))) == shapes


def test_a_damaged_appearance_is_refused(shapes):
    damage = {"margin": [0.5, 0], "shade": float("nan"), "mean": [1], "background": "blue"}
    for name, value in (damage | {"centre": None, "centred_by": 3, "more": 1}).items():
        with pytest.raises((ValueError, TypeError)):
            Appearance.from_dict(shapes._asdict() | {name: value})
