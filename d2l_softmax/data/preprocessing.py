"""Preprocess a picture: convert it to a model's input.

For a model of Fashion-MNIST this follows Xiao, Rasul and Vollgraf (2017), section 2. Their
photographs had a white background. Here any roughly uniform background is removed first. The other
steps are the same: trim, resize the longer side to 28 pixels, sharpen, centre, and make the object
light on black. For a model of custom images, the picture is made similar to the training images.
"""

from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps
from torch import Tensor

from d2l_softmax.data.appearance import Appearance, measure_images
from d2l_softmax.data.background import ForegroundMask, erode, find_object
from d2l_softmax.data.pictures import (
    border_shade,
    flatten,
    to_eight_bits,
    to_example,
    to_opaque,
    to_tensor,
)

SIDE = 28
INVERSIONS = ("auto", "yes", "no")
WORKING_SIDE = 256  # longer side, in pixels, of the copy in which the object is found
LUMINANCE = np.array([0.299, 0.587, 0.114])  # of red, green and blue, as in Pillow's gray
SHARPENED = ImageFilter.UnsharpMask(radius=1, percent=40, threshold=0)
MIN_OBJECT = 0.05  # share of the picture's longer side
MAX_BORDER_SHARE = 0.35  # share of the picture's border that the object may cover
MAX_NOISE = 0.1  # of the background, where white is 1
MAX_DIFFERENCE = 0.3  # between the shades of two backgrounds that count as equal
MAX_OFFSET = 0.15  # share of the frame, between an object and its place in training
MIN_CONTRAST = 0.02  # of an input, relative to the training images; below it the input is blank

THE_PICTURE, NO_BACKGROUND = "the picture", "without its background"
TRIMMED, RESIZED = "trimmed", "28 pixels long, sharpened"
INVERTED, REFRAMED = "inverted", "framed like the training images"
BLANK = "No object found. Try a background of another colour."
SPECK = "The object is very small: move closer."
CLUTTERED = "The background is not uniform, or the object is cut off: try a plain background."
OTHER_BACKGROUND = {
    "dark": "The background is not dark, unlike that of the training images.",
    "light": "The background is not light, unlike that of the training images.",
}
UNLIKE = "The picture is unlike the training images: lighter, darker or of another contrast."


class Preprocessed(NamedTuple):
    """A preprocessed picture: the model's input `X` (1, c, h, w), float32 in [0, 1].

    `steps` maps the name of each step to its result. `doubts` are warnings about the prediction.
    `found` is False if no object was found in the picture.
    """

    X: Tensor
    steps: dict[str, Image.Image]
    doubts: tuple[str, ...] = ()
    found: bool = True


def preprocess(picture: Image.Image, invert: str = "auto") -> Preprocessed:
    """Preprocess a picture for a model of Fashion-MNIST; X is (1, 1, 28, 28).

    `invert` is "yes" if the object is darker than its background, "no" if it is lighter, and "auto"
    to decide by the shades. An opaque picture of at most 28×28 pixels is not trimmed.
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
    if not SIDE - 2 <= max(gray.size) <= SIDE:  # a margin does less harm than resizing by a pixel
        gray = resize_longer_side(gray)
        steps[RESIZED] = gray
    darkest, lightest = gray.getextrema()
    if darkest == lightest:
        return nothing_found(steps, (BLANK,))
    return Preprocessed(centre(gray, border), steps)


def nothing_found(steps: dict[str, Image.Image], doubts: tuple[str, ...]) -> Preprocessed:
    """Return the result for a picture without an object, with a black input."""
    return Preprocessed(torch.zeros(1, 1, SIDE, SIDE), steps, doubts, found=False)


def preprocess_photograph(picture: Image.Image, invert: str) -> Preprocessed:
    """Preprocess a picture for a model of Fashion-MNIST: remove its background, then trim it."""
    cut = cut_out(picture, invert)
    if cut.shades is None:
        return nothing_found({THE_PICTURE: picture}, cut.doubts)
    trimmed = cut.shades.crop(cut.box)
    sharp = resize_longer_side(trimmed).filter(SHARPENED)
    steps = {THE_PICTURE: picture, NO_BACKGROUND: cut.shades, TRIMMED: trimmed, RESIZED: sharp}
    return Preprocessed(centre(sharp, 0), steps, cut.doubts)


class CutOut(NamedTuple):
    """An object that was cut out of a picture, and doubts about it.

    `shades` is a gray copy of the picture, `factor` times smaller, with the object light on black;
    None if no object was found. `box` is the object's bounding box in the copy: left, upper, right,
    lower.
    """

    shades: Image.Image | None
    box: tuple[int, int, int, int]
    factor: float
    doubts: tuple[str, ...]


def cut_out(picture: Image.Image, invert: str) -> CutOut:
    """Find the object in a picture and remove the background."""
    factor = max(1.0, max(picture.size) / WORKING_SIDE)
    width, height = (max(5, round(length / factor)) for length in picture.size)
    small = resize(picture.convert("RGB"), width, height, Image.Resampling.BOX)
    found = find_object(np.asarray(small.filter(ImageFilter.MedianFilter(3))) / 255)
    if not found.mask.any():
        doubt = CLUTTERED if found.noise > MAX_NOISE else BLANK
        return CutOut(None, (0, 0, width, height), factor, (doubt,))
    light = remove_background(np.asarray(small) / 255, found, invert)
    shades = Image.fromarray((light * 255).round().astype(np.uint8))
    rows, columns = (np.flatnonzero(found.mask.any(axis=axis)) for axis in (1, 0))
    left, upper, right, lower = map(int, (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
    doubts: tuple[str, ...] = ()
    if max(right - left, lower - upper) < MIN_OBJECT * max(found.mask.shape):
        doubts = (SPECK,)
    elif found.border_share > MAX_BORDER_SHARE or found.noise > MAX_NOISE:
        doubts = (CLUTTERED,)
    return CutOut(shades, (left, upper, right, lower), factor, doubts)


def remove_background(pixels: np.ndarray, found: ForegroundMask, invert: str) -> np.ndarray:
    """Subtract the background: return the object (h, w), light on black, from pixels (h, w, 3).

    Lightness is the distance to the background's colour. It is measured along the object's mean
    difference in colour, so that noise and shadows of other colours count less. The background, or
    the object's darkest part, is black.
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

    Some versions of Pillow would choose another order, which rounds differently.
    """
    return picture.resize((width, picture.height), resampling).resize((width, height), resampling)


def centre(gray: Image.Image, border: int) -> Tensor:
    """Centre a gray picture on a square of the shade `border`; return it as (1, 1, 28, 28)."""
    square = Image.new("L", (SIDE, SIDE), border)
    # As in Fashion-MNIST, an odd pixel of margin is above or to the left.
    square.paste(gray, ((SIDE - gray.width + 1) // 2, (SIDE - gray.height + 1) // 2))
    return to_tensor(square).reshape(1, 1, SIDE, SIDE)


# Custom images


def preprocess_like(
    appearance: Appearance | None,
    shape: tuple[int, ...],
    picture: Image.Image,
    invert: str = "auto",
) -> Preprocessed:
    """Preprocess a picture for a model of custom images; X is (1, c, h, w).

    If the training images have a background of one shade, the picture is made similar. It is
    inverted if only one of the backgrounds is dark; coloured pictures are inverted only if `invert`
    is "yes". The object is resized and centred like the training objects. For other training
    images, the picture is only resized. `doubts` name the remaining differences; without an
    appearance there are none.

    Raises PictureError if the model's inputs are not images in gray or RGB.
    """
    X = to_example(shape, picture)
    steps: dict[str, Image.Image] = {THE_PICTURE: picture}
    if appearance is None or appearance.background is None:
        X = 1 - X if invert == "yes" else X
        return add_doubts(X, steps, appearance)
    is_gray, is_other = shape[0] == 1, bool(measure_images(X).is_dark) != appearance.is_dark
    if invert == "yes" or (invert == "auto" and is_other and is_gray):
        X = 1 - X
        steps[INVERTED] = ImageOps.invert(to_opaque(picture).convert("RGB"))
    is_small = picture.width <= shape[2] and picture.height <= shape[1]
    if is_small or is_framed(X, appearance):
        X = match_shades(X, appearance) if is_gray else X
        return add_doubts(X, steps, appearance)
    frame = frame_gray if is_gray else frame_coloured
    return frame(appearance, shape, picture, invert)


def is_framed(X: Tensor, appearance: Appearance) -> bool:
    """Return True if the object in X (1, c, h, w) has the size and position of training objects."""
    measured = measure_images(X)
    centre = measured.mass if appearance.centred_by == "mass" else measured.box
    offset = centre[0] - torch.tensor(appearance.centre)
    return (
        bool(measured.is_uniform)
        and bool(measured.is_dark) == appearance.is_dark
        and appearance.margin.contains(float(measured.margin), times=2, at_least=0.05)
        and float(offset.abs().max()) < MAX_OFFSET
    )


def match_shades(X: Tensor, appearance: Appearance) -> Tensor:
    """Change the background and contrast of X (1, 1, h, w) to those of the training images."""
    measured = measure_images(X)
    factor = appearance.contrast.mean / max(float(measured.difference), 1e-6)
    return (appearance.shade + (X - measured.shade) * factor).clamp(0, 1)


def frame_gray(
    appearance: Appearance, shape: tuple[int, ...], picture: Image.Image, invert: str
) -> Preprocessed:
    """Place a picture's object on the training images' background, in the size of their objects."""
    _, height, width = shape
    if not appearance.is_dark:  # the object has to be darker than the background
        invert = {"yes": "no", "no": "yes"}.get(invert, invert)
    picture = to_opaque(picture)
    cut = cut_out(picture, invert)
    steps: dict[str, Image.Image] = {THE_PICTURE: picture}
    light = torch.zeros(height, width)
    if cut.shades is not None:
        trimmed = cut.shades.crop(cut.box)
        scale = object_scale(appearance, shape, trimmed.size)
        size = [max(1, round(length * scale)) for length in trimmed.size]
        small = to_tensor(resize(trimmed, size[0], size[1], Image.Resampling.BILINEAR))
        top, left = object_corner(small, appearance, (height, width))
        small = small[: height - top, : width - left]
        light[top : top + len(small), left : left + small.shape[1]] = small
        steps |= {NO_BACKGROUND: cut.shades, TRIMMED: trimmed}
    light = light * appearance.contrast.mean
    shades = appearance.shade + (light if appearance.is_dark else -light)
    X = shades.clamp(0, 1).reshape(1, 1, height, width)
    return add_doubts(X, steps, appearance, cut)


def object_scale(appearance: Appearance, shape: tuple[int, ...], size: tuple[int, int]) -> float:
    """Return the factor that scales an object of `size` (width, height) to the training margin."""
    _, height, width = shape
    return (1 - 2 * appearance.margin.mean) / max(size[0] / width, size[1] / height)


def object_corner(light: Tensor, appearance: Appearance, frame: tuple[int, int]) -> tuple[int, int]:
    """Return top and left of an object (h, w) in a frame, centred like the training objects."""
    corner = []
    for dim, side in enumerate(frame):
        length, middle = light.shape[dim], light.shape[dim] / 2
        if appearance.centred_by == "mass":
            along = light.sum(dim=1 - dim)
            middle = float(along @ (torch.arange(length) + 0.5) / along.sum().clamp(min=1e-9))
        corner.append(
            min(max(0, round(appearance.centre[dim] * side - middle)), max(0, side - length))
        )
    return corner[0], corner[1]


def frame_coloured(
    appearance: Appearance, shape: tuple[int, ...], picture: Image.Image, invert: str
) -> Preprocessed:
    """Crop or extend a coloured picture, so that its object has the size of training objects."""
    _, height, width = shape
    picture = to_opaque(picture).convert("RGB")
    cut = cut_out(picture, "auto")
    steps: dict[str, Image.Image] = {THE_PICTURE: picture}
    framed = picture
    if cut.shades is not None:
        left, upper, right, lower = (round(length * cut.factor) for length in cut.box)
        scale = object_scale(appearance, shape, (right - left, lower - upper))
        size = max(1, round(width / scale)), max(1, round(height / scale))
        y, x = appearance.centre
        corner = round((left + right) / 2 - x * size[0]), round((upper + lower) / 2 - y * size[1])
        pixels = np.asarray(picture)
        edges = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        colour = tuple(np.median(edges, axis=0).astype(int).tolist())
        framed = Image.new("RGB", size, colour)
        framed.paste(picture, (-corner[0], -corner[1]))
        steps[REFRAMED] = framed
    X = to_example(shape, framed)
    X = 1 - X if invert == "yes" else X
    return add_doubts(X, steps, appearance, cut)


def add_doubts(
    X: Tensor,
    steps: dict[str, Image.Image],
    appearance: Appearance | None,
    cut: CutOut | None = None,
) -> Preprocessed:
    """Return the result for X (1, c, h, w), with doubts about the cut-out object or about X."""
    doubts = cut.doubts if cut else ()
    if appearance and not doubts:
        doubts = find_differences(X, appearance)
    found = BLANK not in doubts and (cut is None or cut.shades is not None)
    return Preprocessed(X, steps, doubts, found)


def find_differences(X: Tensor, appearance: Appearance) -> tuple[str, ...]:
    """Return doubts about X (1, c, h, w): its differences from the training images."""
    measured = measure_images(X)
    if float(measured.difference) < MIN_CONTRAST * appearance.contrast.mean:
        return (BLANK,)
    if appearance.background and abs(float(measured.shade) - appearance.shade) > MAX_DIFFERENCE:
        return (OTHER_BACKGROUND[appearance.background],)
    contrast = measured.difference if appearance.background else measured.deviation
    pairs = (appearance.mean, measured.mean), (appearance.contrast, contrast)
    if not all(known.contains(float(value), times=3, at_least=0.1) for known, value in pairs):
        return (UNLIKE,)
    return ()
