"""Measure how custom training images look, so that `predict` can make pictures similar."""

import itertools
import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from d2l_softmax.data.batches import ArrayDataset

SAMPLE = 2000  # largest number of measured images
MAX_NUMBERS, BLOCK = 1 << 27, 1 << 22  # pixel values that are measured, in total and at a time
MAX_MARGIN = 0.4  # share of the frame
TOLERANCE = 0.2  # share of an image's contrast; pixels that differ less are background
MIN_UNIFORM = 0.7  # share of an image's border that is background; objects may cover the rest
MIN_IMAGES = 0.9  # share of the images with the same background


class MeanAndStd(NamedTuple):
    """Mean and standard deviation over the training images."""

    mean: float
    std: float

    def contains(self, value: float, times: float, at_least: float) -> bool:
        """Return True if a value is within `times` std of the mean, or within `at_least` of it."""
        return abs(value - self.mean) <= max(times * self.std, at_least)


class Appearance(NamedTuple):
    """Common properties of the training images; lengths are shares of the frame, white is 1.

    `background` is "dark" if objects are lighter than it, and "light" if they are darker. It is
    None if there is no common uniform background, as in photographs. `shade` is its shade. `margin`
    is the distance from an object to the frame, on either side, in the dimension in which the
    object is longest. `centre` (y, x) is the mean centre of the objects' bounding boxes
    (`centred_by` is "box"), or of mass ("mass"), whichever varies less. `mean` is that of all
    pixels. `contrast` is the largest difference from the background or, without one, the standard
    deviation of the pixels.
    """

    background: str | None
    shade: float
    margin: MeanAndStd
    centred_by: str
    centre: tuple[float, float]
    mean: MeanAndStd
    contrast: MeanAndStd

    @property
    def is_dark(self) -> bool:
        """Return True if objects are lighter than their background."""
        return self.background == "dark"

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Appearance":
        """Create an Appearance from model.json's `appearance`, the result of `_asdict`.

        Raises ValueError, TypeError or KeyError if it is invalid.
        """
        pairs = {
            name: MeanAndStd(*map(float, values[name])) for name in ("margin", "mean", "contrast")
        }
        y, x = map(float, values["centre"])
        appearance = cls(**values | pairs | {"centre": (y, x), "shade": float(values["shade"])})
        numbers = [appearance.shade, y, x, *itertools.chain(*pairs.values())]
        if not (
            all(0 <= number <= 1 for number in numbers)
            and appearance.margin.mean <= MAX_MARGIN
            and appearance.background in ("dark", "light", None)
            and appearance.centred_by in ("mass", "box")
        ):
            raise ValueError("not an appearance of images")
        return appearance


class Measurements(NamedTuple):
    """Measurements of n images, see Appearance. The margin of an image without object is 0.5."""

    shade: Tensor  # (n,), the median of the border
    is_uniform: Tensor  # (n,), True if the border has one shade
    is_dark: Tensor  # (n,), True if the object is lighter than the background
    margin: Tensor  # (n,)
    box: Tensor  # (n, 2), the centre of the object's bounding box
    mass: Tensor  # (n, 2), its centre of mass
    mean: Tensor  # (n,)
    deviation: Tensor  # (n,), the standard deviation of the pixels
    difference: Tensor  # (n,), the largest difference from the background


def measure_images(X: Tensor) -> Measurements:
    """Measure images X (n, c, h, w) in [0, 1]."""
    gray = X.float().mean(dim=1)
    n, height, width = gray.shape
    edges = gray[:, 0], gray[:, -1], gray[:, 1:-1, 0], gray[:, 1:-1, -1]
    border = torch.cat(edges, dim=1)
    shade = border.median(dim=1).values
    distance = (gray - shade.view(n, 1, 1)).abs()
    difference = distance.amax(dim=(1, 2))
    tolerance = TOLERANCE * difference
    weight = torch.where(distance > tolerance.view(n, 1, 1), distance, 0)
    margins, box, mass = [], [], []
    for dim, length in ((2, height), (1, width)):
        along = weight.sum(dim=dim)  # (n, length)
        inside = (along > 0).long()
        first, last = inside.argmax(dim=1), length - 1 - inside.flip(1).argmax(dim=1)
        extent = torch.where(inside.any(dim=1), last + 1 - first, 0)
        margins.append((1 - extent / length) / 2)
        box.append((first + last + 1) / (2 * length))
        places = (torch.arange(length) + 0.5) / length
        mass.append(along @ places / along.sum(dim=1).clamp(min=1e-9))
    return Measurements(
        shade,
        ((border - shade.view(n, 1)).abs() <= tolerance.view(n, 1)).float().mean(dim=1)
        >= MIN_UNIFORM,
        gray.amax(dim=(1, 2)) - shade > shade - gray.amin(dim=(1, 2)),
        torch.stack(margins).amin(dim=0),
        torch.stack(box, dim=1),
        torch.stack(mass, dim=1),
        gray.mean(dim=(1, 2)),
        gray.flatten(1).std(dim=1, correction=0),
        difference,
    )


def measure_appearance(dataset: ArrayDataset) -> Appearance | None:
    """Measure up to 2,000 images of a data set, evenly spaced; None for features."""
    if len(dataset.shape) != 3:
        return None
    size = math.prod(dataset.shape)
    sample = min(SAMPLE, max(1, MAX_NUMBERS // size))
    rows = torch.arange(0, len(dataset), math.ceil(len(dataset) / sample))
    parts = [measure_images(dataset[block][0].cpu()) for block in rows.split(max(1, BLOCK // size))]
    measured = Measurements(*map(torch.cat, zip(*parts, strict=True)))
    shade, contrast = measured.shade.median(), measured.difference.mean()
    is_common = measured.is_uniform & ((measured.shade - shade).abs() <= TOLERANCE * contrast)
    background = None
    for name, is_so in (("dark", measured.is_dark), ("light", ~measured.is_dark)):
        if (is_common & is_so).float().mean() >= MIN_IMAGES:
            background = name
    shown = measured.margin < 0.5  # images that are not empty
    kept = shown if shown.any() else ~shown
    centres = {"box": measured.box[kept], "mass": measured.mass[kept]}
    centred_by = min(centres, key=lambda name: float(centres[name].var(dim=0, correction=0).sum()))
    y, x = centres[centred_by].mean(dim=0).tolist()
    return Appearance(
        background,
        round(float(shade), 4),
        mean_and_std(measured.margin[kept].clamp(max=MAX_MARGIN)),
        centred_by,
        (round(y, 4), round(x, 4)),
        mean_and_std(measured.mean),
        mean_and_std(measured.difference if background else measured.deviation),
    )


def mean_and_std(values: Tensor) -> MeanAndStd:
    """Return mean and standard deviation of values (n,), rounded to four decimals."""
    return MeanAndStd(round(float(values.mean()), 4), round(float(values.std(correction=0)), 4))
