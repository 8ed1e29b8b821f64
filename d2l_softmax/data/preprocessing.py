"""A picture as Fashion-MNIST's were made: Xiao, Rasul and Vollgraf (2017), section 2.

Their photographs had a white ground. Here it may be any that is nearly even: it is taken away
first, and what is left of the steps is the same: trim the edges, bring the longest edge to 28
pixels, sharpen, put the object in the middle of a square, and make it light on black.
"""

from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps
from torch import Tensor

from d2l_softmax.data.background import Found, find_object, shrunk
from d2l_softmax.data.pictures import border_shade, flatten, to_eight_bits, to_tensor

SIDE = 28
INVERSIONS = ("auto", "yes", "no")
WORKING_SIDE = 256  # pixels of the copy that is worked on; the model sees 28 of them
LUMINANCE = np.array([0.299, 0.587, 0.114])  # of red, green and blue, as Pillow's gray
SHARPENED = ImageFilter.UnsharpMask(radius=1, percent=40, threshold=0)
SMALLEST = 0.05  # of the picture's longer side
MOST_BORDER = 0.35  # of the picture's border may be covered by the object
MOST_NOISE = 0.1  # of the ground, in parts of white

THE_PICTURE, NO_GROUND = "the picture", "without its ground"
TRIMMED, RESIZED = "trimmed", "28 pixels long, sharpened"
BLANK = "Nothing stands out from the ground: the answer means nothing."
SPECK = "What stands out from the ground is tiny: take the picture from nearer."
CLUTTERED = "The ground is not even, or not all of the object is seen: try an even ground."


class Prepared(NamedTuple):
    """A picture as the model sees it, and how it came to that.

    `X` is (1, 1, 28, 28), float32 in [0, 1]; `steps` has the picture after each step, by its name;
    `doubts` are reasons not to trust the answer.
    """

    X: Tensor
    steps: dict[str, Image.Image]
    doubts: tuple[str, ...] = ()


def to_model_input(picture: Image.Image, invert: str = "auto") -> Tensor:
    """Return the picture as the model's input (1, 1, 28, 28); see `prepare`."""
    return prepare(picture, invert).X


def prepare(picture: Image.Image, invert: str = "auto") -> Prepared:
    """Return what the model sees of a picture, with each step and what speaks against it.

    `invert` says whether the object is darker than its ground: "yes", "no", or "auto", where its
    shades decide. A picture of 28 pixels at most is such an input already and is not trimmed.
    """
    picture = to_eight_bits(picture)
    visible = without_margin(picture)
    gray, ground = flatten(visible)
    if ground is None and max(visible.size) > SIDE:
        return of_photograph(visible, invert)
    border = border_shade(gray) if ground is None else ground
    if invert == "yes" or (invert == "auto" and border > 127):
        gray, border = ImageOps.invert(gray), 255 - border
    steps = {THE_PICTURE: picture} | ({} if ground is None else {TRIMMED: gray})
    if not SIDE - 2 <= max(gray.size) <= SIDE:  # a margin does less harm than a pixel more
        gray = resized(gray)
        steps[RESIZED] = gray
    return Prepared(in_the_middle(gray, border), steps, () if any_shade(gray) else (BLANK,))


def without_margin(picture: Image.Image) -> Image.Image:
    """Return a picture without the margin in which it is transparent, if it has one."""
    visible = picture.convert("RGBA").getchannel("A").getbbox()
    return picture.crop(visible) if visible else picture


def of_photograph(picture: Image.Image, invert: str) -> Prepared:
    """Return what the model sees of a picture whose ground is to be taken away."""
    factor = max(1.0, max(picture.size) / WORKING_SIDE)
    width, height = (max(5, round(length / factor)) for length in picture.size)
    small = of_size(picture.convert("RGB"), width, height, Image.Resampling.BOX)
    found = find_object(in_unit_interval(small.filter(ImageFilter.MedianFilter(3))))
    if not found.mask.any():
        doubt = CLUTTERED if found.noise > MOST_NOISE else BLANK
        return Prepared(torch.zeros(1, 1, SIDE, SIDE), {THE_PICTURE: picture}, (doubt,))
    light = to_picture(without_ground(in_unit_interval(small), found, invert))
    trimmed = light.crop(bounds(found.mask))
    sharp = resized(trimmed).filter(SHARPENED)
    steps = {THE_PICTURE: picture, NO_GROUND: light, TRIMMED: trimmed, RESIZED: sharp}
    return Prepared(in_the_middle(sharp, 0), steps, doubts(found, trimmed.size))


def without_ground(pixels: np.ndarray, found: Found, invert: str) -> np.ndarray:
    """Return the object (h, w) of pixels (h, w, 3) light on black: its distance from the ground.

    It is measured along the colour in which the object differs from the ground, so that noise and
    shadows of other colours count less. The part that differs least, or the ground, is black.
    """
    away, mask = pixels - found.ground, found.mask
    colour = away[mask].mean(axis=0)
    if invert != "auto" and (colour @ LUMINANCE > 0) == (invert == "yes"):
        colour = -colour
    distance = away @ colour / (np.linalg.norm(colour) + 1e-9)
    inside = shrunk(mask, 3)
    inside = inside if inside.any() else mask
    black = min(0.0, float(np.quantile(distance[inside], 0.02)))
    light = np.where(mask, distance - black, 0).clip(min=0)
    return (light / max(float(np.quantile(light[inside], 0.998)), 1e-3)).clip(max=1)


def bounds(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Return left, upper, right and lower end of a mask (h, w), as Pillow counts them."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def doubts(found: Found, size: tuple[int, int]) -> tuple[str, ...]:
    """Return what speaks against the object that was found, of the size (w, h)."""
    if max(size) < SMALLEST * max(found.mask.shape):
        return (SPECK,)
    if found.share_of_border > MOST_BORDER or found.noise > MOST_NOISE:
        return (CLUTTERED,)
    return ()


def any_shade(gray: Image.Image) -> bool:
    """Tell whether a gray picture has two shades at least."""
    lowest, highest = gray.getextrema()
    return lowest != highest


def in_unit_interval(picture: Image.Image) -> np.ndarray:
    """Return the pixels (h, w, 3) of a picture in [0, 1]."""
    return np.asarray(picture) / 255


def to_picture(light: np.ndarray) -> Image.Image:
    """Return shades (h, w) in [0, 1] as a gray picture."""
    return Image.fromarray((light * 255).round().astype(np.uint8))


def resized(gray: Image.Image) -> Image.Image:
    """Return a gray picture whose longer side has 28 pixels."""
    side = max(gray.size)
    width, height = (max(1, round(length * SIDE / side)) for length in gray.size)
    return of_size(gray, width, height, Image.Resampling.LANCZOS)


def of_size(
    picture: Image.Image, width: int, height: int, filter_: Image.Resampling
) -> Image.Image:
    """Return a picture in another size, resized across first, then down.

    Some versions of Pillow choose the order themselves, which rounds otherwise.
    """
    return picture.resize((width, picture.height), filter_).resize((width, height), filter_)


def in_the_middle(gray: Image.Image, border: int) -> Tensor:
    """Return a gray picture on a square of a shade as the model's input (1, 1, 28, 28)."""
    square = Image.new("L", (SIDE, SIDE), border)
    # In Fashion-MNIST, too, an odd pixel of margin is above or to the left.
    square.paste(gray, ((SIDE - gray.width + 1) // 2, (SIDE - gray.height + 1) // 2))
    return to_tensor(square).reshape(1, 1, SIDE, SIDE)
