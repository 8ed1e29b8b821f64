"""Preprocess a picture as Fashion-MNIST was made: Xiao, Rasul and Vollgraf (2017), section 2.

Their photographs had a white background. Here any roughly uniform background is removed first; the
other steps are theirs: trim, resize the longer side to 28 pixels, sharpen, centre, and make the
object light on black.
"""

from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps
from torch import Tensor

from d2l_softmax.data.background import ForegroundMask, erode, find_object
from d2l_softmax.data.pictures import border_shade, flatten, to_eight_bits, to_tensor

SIDE = 28
INVERSIONS = ("auto", "yes", "no")
WORKING_SIDE = 256  # pixels of the copy in which the object is found; the model sees 28 of them
LUMINANCE = np.array([0.299, 0.587, 0.114])  # of red, green and blue, as Pillow's gray
SHARPENED = ImageFilter.UnsharpMask(radius=1, percent=40, threshold=0)
MIN_OBJECT = 0.05  # of the picture's longer side
MAX_BORDER_SHARE = 0.35  # of the picture's border that the object may cover
MAX_NOISE = 0.1  # of the background, where white is 1

THE_PICTURE, NO_BACKGROUND = "the picture", "without its background"
TRIMMED, RESIZED = "trimmed", "28 pixels long, sharpened"
BLANK = "No object found: the prediction means nothing. Try a background of another colour."
SPECK = "The object is very small: move closer."
CLUTTERED = "The background is not uniform, or the object is cut off: try a plain background."


class Preprocessed(NamedTuple):
    """The model's input for a picture, `X` (1, 1, 28, 28), float32 in [0, 1].

    `steps` has the picture after each step, by the step's name; `doubts` are warnings about the
    prediction.
    """

    X: Tensor
    steps: dict[str, Image.Image]
    doubts: tuple[str, ...] = ()


def preprocess(picture: Image.Image, invert: str = "auto") -> Preprocessed:
    """Make the model's input of a picture, and note each step and doubt.

    `invert` says whether the object is darker than its background: "yes", "no", or "auto", to
    decide by the shades. A picture of at most 28 pixels is not trimmed.
    """
    picture = to_eight_bits(picture)
    opaque = picture.convert("RGBA").getchannel("A").getbbox()
    cropped = picture.crop(opaque) if opaque else picture
    gray, background = flatten(cropped)
    if background is None and max(cropped.size) > SIDE:
        return preprocess_photograph(cropped, invert)
    border = border_shade(gray) if background is None else background
    if invert == "yes" or (invert == "auto" and border > 127):
        gray, border = ImageOps.invert(gray), 255 - border
    steps = {THE_PICTURE: picture} | ({} if background is None else {TRIMMED: gray})
    if not SIDE - 2 <= max(gray.size) <= SIDE:  # resizing by a pixel does more harm than a margin
        gray = resize_longer_side(gray)
        steps[RESIZED] = gray
    darkest, lightest = gray.getextrema()
    return Preprocessed(centre(gray, border), steps, (BLANK,) if darkest == lightest else ())


def preprocess_photograph(picture: Image.Image, invert: str) -> Preprocessed:
    """Make the model's input of a picture whose background is to be removed."""
    factor = max(1.0, max(picture.size) / WORKING_SIDE)
    width, height = (max(5, round(length / factor)) for length in picture.size)
    small = resize(picture.convert("RGB"), width, height, Image.Resampling.BOX)
    found = find_object(np.asarray(small.filter(ImageFilter.MedianFilter(3))) / 255)
    if not found.mask.any():
        doubt = CLUTTERED if found.noise > MAX_NOISE else BLANK
        return Preprocessed(torch.zeros(1, 1, SIDE, SIDE), {THE_PICTURE: picture}, (doubt,))
    light = remove_background(np.asarray(small) / 255, found, invert)
    shades = Image.fromarray((light * 255).round().astype(np.uint8))
    rows, columns = (np.flatnonzero(found.mask.any(axis=axis)) for axis in (1, 0))
    trimmed = shades.crop((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
    sharp = resize_longer_side(trimmed).filter(SHARPENED)
    steps = {THE_PICTURE: picture, NO_BACKGROUND: shades, TRIMMED: trimmed, RESIZED: sharp}
    doubts: tuple[str, ...] = ()
    if max(trimmed.size) < MIN_OBJECT * max(found.mask.shape):
        doubts = (SPECK,)
    elif found.border_share > MAX_BORDER_SHARE or found.noise > MAX_NOISE:
        doubts = (CLUTTERED,)
    return Preprocessed(centre(sharp, 0), steps, doubts)


def remove_background(pixels: np.ndarray, found: ForegroundMask, invert: str) -> np.ndarray:
    """Return the object (h, w) of pixels (h, w, 3) light on black, by distance to the background.

    Distance is measured along the object's mean difference in colour, so that noise and shadows of
    other colours count less. The background, or the object's darkest part, is black.
    """
    difference, mask = pixels - found.background, found.mask
    direction = difference[mask].mean(axis=0)
    if invert != "auto" and (direction @ LUMINANCE > 0) == (invert == "yes"):
        direction = -direction
    distance = difference @ direction / (np.linalg.norm(direction) + 1e-9)
    inner = erode(mask, 3)
    inner = inner if inner.any() else mask
    black = min(0.0, float(np.quantile(distance[inner], 0.02)))
    light = np.where(mask, distance - black, 0).clip(min=0)
    return (light / max(float(np.quantile(light[inner], 0.998)), 1e-3)).clip(max=1)


def resize_longer_side(gray: Image.Image) -> Image.Image:
    """Resize a gray picture so that its longer side has 28 pixels."""
    side = max(gray.size)
    width, height = (max(1, round(length * SIDE / side)) for length in gray.size)
    return resize(gray, width, height, Image.Resampling.LANCZOS)


def resize(
    picture: Image.Image, width: int, height: int, resampling: Image.Resampling
) -> Image.Image:
    """Resize a picture horizontally, then vertically.

    Some versions of Pillow choose the order themselves, which gives other roundings.
    """
    return picture.resize((width, picture.height), resampling).resize((width, height), resampling)


def centre(gray: Image.Image, border: int) -> Tensor:
    """Centre a gray picture on a square of the shade `border`; return it as (1, 1, 28, 28)."""
    square = Image.new("L", (SIDE, SIDE), border)
    # As in Fashion-MNIST, an odd pixel of margin is above or to the left.
    square.paste(gray, ((SIDE - gray.width + 1) // 2, (SIDE - gray.height + 1) // 2))
    return to_tensor(square).reshape(1, 1, SIDE, SIDE)
