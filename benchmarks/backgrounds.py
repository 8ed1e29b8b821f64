"""Test images drawn like photographs: enlarged, off-centre, on various backgrounds.

Only images that the model classifies correctly are used. Each is enlarged 6 to 12 times, and placed
at random on a canvas of 1:1, 4:3 or 3:4, of which it takes 15 to 60 % of the width. It is drawn on
the background in one of four ways, where v is the image:

- "dark", "light": a dark or a light garment with opacity v: background (1 - v) + shade v;
- "photo": cut out where v > 0, and inverted, like the photographs that v was made from: 1 - v;
- "kept": cut out where v > 0, with its shades in Fashion-MNIST, v.
"""

import io
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageFilter

from benchmarks.peers import make_training
from d2l_softmax.data.preprocessing import preprocess

PER_ROUND = 40  # images on each background
WHITE, LIGHT_GRAY, GRAY, DARK, BLACK = ((shade,) * 3 for shade in (1.0, 0.83, 0.5, 0.2, 0.0))
BEIGE, BLUE, GREEN = (0.93, 0.87, 0.76), (0.25, 0.45, 0.8), (0.55, 0.75, 0.5)
RESAMPLINGS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)


def slope(background, rng):
    """Return the brightness factor of each pixel: a gradient of 30 % from side to side."""
    rows, columns = places(background.shape)
    angle = rng.uniform(0, 2 * np.pi)
    return 0.85 + 0.15 * (rows * np.sin(angle) + columns * np.cos(angle)) / 2**0.5


def vignette(background, rng):
    """Return the brightness factor of each pixel: 30 % darker in the corners."""
    rows, columns = places(background.shape)
    return 1 - 0.15 * (rows**2 + columns**2)


def shadow(background, rng):
    """Return the brightness factor of each pixel: a soft shadow, up to 20 %, beside the object."""
    object_ = Image.fromarray(((1 - background) * 255).astype(np.uint8))
    soft = np.asarray(object_.filter(ImageFilter.GaussianBlur(rng.uniform(6, 14)))) / 255
    beside = np.roll(soft, rng.integers(4, 14, 2), (0, 1))
    return 1 - rng.uniform(0.1, 0.2) * beside * background


def folds(background, rng):
    """Return the brightness factor of each pixel: variations of 4 %, like folds of a sheet."""
    grains = rng.uniform(-1, 1, (9, 9)).astype(np.float32)
    size = background.shape[1], background.shape[0]
    return 1 + 0.04 * np.asarray(Image.fromarray(grains).resize(size, Image.Resampling.BICUBIC))


def noise(pixels, rng):
    """Add noise to pixels, like that of a camera in low light."""
    return pixels + rng.normal(0, rng.uniform(0.02, 0.06), pixels.shape)


def jpeg(lowest: int, highest: int) -> Callable:
    """Return a function that compresses pixels as JPEG, with a random quality in the range."""

    def finish(pixels, rng):
        file = io.BytesIO()
        as_picture(pixels).save(file, "JPEG", quality=int(rng.integers(lowest, highest + 1)))
        return np.asarray(Image.open(file)) / 255

    return finish


class Kind(NamedTuple):
    """A background: its colour (None: transparent), and how the garment is drawn on it.

    `way` is "dark", "light", "photo" or "kept". `light` returns brightness factors, and `finish`
    changes the finished pixels, for example by noise.
    """

    colour: tuple[float, float, float] | None
    way: str
    light: Callable | None = None
    finish: Callable | None = None


KINDS = {
    "transparent": Kind(None, "photo"),
    "white, dark": Kind(WHITE, "dark"),
    "white, photo": Kind(WHITE, "photo"),
    "beige, dark": Kind(BEIGE, "dark"),
    "beige, photo": Kind(BEIGE, "photo"),
    "light gray, dark": Kind(LIGHT_GRAY, "dark"),
    "gray, dark": Kind(GRAY, "dark"),
    "gray, light": Kind(GRAY, "light"),
    "dark, light": Kind(DARK, "light"),
    "dark, kept": Kind(DARK, "kept"),
    "black, kept": Kind(BLACK, "kept"),
    "blue, light": Kind(BLUE, "light"),
    "green, dark": Kind(GREEN, "dark"),
    "light gray, dark, noise": Kind(LIGHT_GRAY, "dark", None, noise),
    "dark, light, noise": Kind(DARK, "light", None, noise),
    "white, dark, slope of light": Kind(WHITE, "dark", slope),
    "beige, photo, vignette": Kind(BEIGE, "photo", vignette),
    "white, dark, shadow": Kind(WHITE, "dark", shadow),
    "beige, dark, folds": Kind(BEIGE, "dark", folds),
    "white, dark, JPEG 50 to 75": Kind(WHITE, "dark", None, jpeg(50, 75)),
    "beige, photo, slope, JPEG 30": Kind(BEIGE, "photo", slope, jpeg(30, 30)),
}
# Areas of a garment that are as bright as the background are invisible here.
LIMITS = {"white, kept": Kind(WHITE, "kept"), "gray, photo": Kind(GRAY, "photo")}
IN_ALL, NOTHING, CLUTTER = "all but the last four", "noise alone", "clutter"


def measure(rounds: int) -> list[dict]:
    """Return a record for each background: the numbers of pictures, correct ones and warnings."""
    model = trained_model()
    images, labels = model["images"], model["labels"]
    kept = (model["predict"](images.float() / 255) == labels).nonzero().flatten()
    records = []
    for name, kind in (KINDS | LIMITS).items():
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        chosen = kept[rng.permutation(len(kept))[: rounds * PER_ROUND]]
        seen = [preprocess(disguise(images[i].numpy(), kind, rng)) for i in chosen]
        correct = model["predict"](torch.cat([each.X for each in seen])) == labels[chosen]
        records.append({"background": name, "correct": int(correct.sum()), **counts(seen)})
    for name, picture in ((NOTHING, nothing), (CLUTTER, clutter)):
        rng = np.random.default_rng(0)
        seen = [preprocess(picture(rng)) for _ in range(rounds * PER_ROUND)]
        records.append({"background": name, "correct": None, **counts(seen)})
    return records


def trained_model() -> dict:
    """Train scratch; return test images, labels, and a function "predict" from X to classes."""
    training = make_training("scratch")
    for _ in training.fit():
        pass
    dataset = training.test_iter.dataset
    return {
        "images": torch.as_tensor(dataset.images).reshape(-1, 28, 28),
        "labels": torch.as_tensor(dataset.labels).long(),
        "predict": lambda X: training.model(X.reshape(-1, 1, 28, 28)).argmax(dim=1),
    }


def counts(seen: list) -> dict:
    """Return the number of pictures, and the number with a warning."""
    return {"pictures": len(seen), "warned": sum(bool(each.doubts) for each in seen)}


def disguise(image: np.ndarray, kind: Kind, rng: np.random.Generator) -> Image.Image:
    """Draw an image (28, 28), uint8, on a background."""
    v, cut = on_canvas(image, rng)
    object_ = {"dark": 0.1, "light": 0.95, "photo": 1 - v, "kept": v}[kind.way] + 0 * v
    if kind.colour is None:
        return as_picture(np.dstack([object_, object_, object_, cut]))
    opacity = v if kind.way in ("dark", "light") else cut
    pixels = np.array(kind.colour) * (1 - opacity)[..., None] + (object_ * opacity)[..., None]
    if kind.light:
        pixels = pixels * kind.light(1 - opacity, rng)[..., None]
    return as_picture(kind.finish(pixels, rng) if kind.finish else pixels)


def on_canvas(image: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return an enlarged image on an empty canvas (h, w), and the mask of its pixels above 0."""
    side = round(28 * rng.uniform(6, 12))
    width = round(side / rng.uniform(0.15, 0.6))
    height = max(round(width * rng.choice((3 / 4, 1, 4 / 3))), side + 20)
    y, x = rng.integers(8, height - side - 8), rng.integers(8, width - side - 8)
    canvases = np.zeros((2, height, width))
    resampling = RESAMPLINGS[rng.integers(3)]
    for canvas, pixels in zip(canvases, (image, (image > 0) * np.uint8(255)), strict=True):
        enlarged = Image.fromarray(pixels).resize((side, side), resampling)
        canvas[y : y + side, x : x + side] = np.asarray(enlarged) / 255
    return canvases[0], canvases[1]


def places(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the coordinates of rows (h, 1) and columns (1, w), from -1 to 1."""
    rows, columns = (np.linspace(-1, 1, length) for length in shape)
    return rows[:, None], columns[None]


def nothing(rng: np.random.Generator) -> Image.Image:
    """Return a picture of one shade with noise, and without an object."""
    return as_picture(noise(np.full((300, 400, 3), rng.uniform(0, 1)), rng))


def clutter(rng: np.random.Generator) -> Image.Image:
    """Return a picture full of coloured boxes."""
    tiles = rng.integers(0, 256, (*rng.integers(4, 12, 2), 3)).astype(np.uint8)
    return Image.fromarray(tiles).resize((500, 400), Image.Resampling.NEAREST)


def as_picture(pixels: np.ndarray) -> Image.Image:
    """Convert pixels (h, w, c) in [0, 1] to a picture."""
    return Image.fromarray((pixels.clip(0, 1) * 255).round().astype(np.uint8))


def table(records: list[dict]) -> Iterator[tuple]:
    """Yield a table of the accuracy and the share of warnings on each background."""
    yield "background, garment", "pictures", "correct", "with a warning"
    judged = [record for record in records if record["background"] in KINDS]
    sums = {key: sum(record[key] for record in judged) for key in ("pictures", "correct", "warned")}
    split = len(judged)
    for record in (*records[:split], {"background": IN_ALL, **sums}, *records[split:]):
        n, correct = record["pictures"], record["correct"]
        shares = ["-" if k is None else f"{k / n:.1%}" for k in (correct, record["warned"])]
        yield record["background"], f"{n:,}", *shares
