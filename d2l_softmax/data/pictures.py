"""Read picture files safely, and convert them to gray or to a custom model's input."""

import io
import warnings
from pathlib import Path
from typing import cast

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from d2l_softmax.errors import UserError

MAX_PIXELS = 50_000_000  # 7,000 × 7,000; a larger picture is a mistake or an attack
MIN_CONTRAST = 0.03  # between the edge and the inside of an object, where white is 1
LARGEST_SIDE = 1000  # pixels; the model sees 28 of them, a figure shows 300
# Not every format of Pillow: some, such as EPS, are programs, which it would run.
FORMATS = ("AVIF", "BMP", "GIF", "ICO", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP")

HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


class PictureError(UserError, ValueError):
    """A file can't be used as a picture; the message names the file and the reason."""


def load_picture(path: Path, content: bytes | None = None) -> Image.Image:
    """Read a picture, rotated by its EXIF orientation; PictureError for other files.

    The result has 8 bits per channel. A picture with a side of 2,000 pixels or more is reduced to
    a longer side of 1,000 to 2,000. If a file has several pictures, such as a photograph and its
    depth map, the first is read. If `content` is given, it is decoded instead of the file, and the
    path is used in messages only.
    """
    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]
    file = path if content is None else io.BytesIO(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about metadata, which are not used, and many pixels
            with Image.open(file, formats=formats) as picture:
                width, height = picture.size
                if width * height > MAX_PIXELS:
                    raise PictureError(
                        f"{path}: {width:,} by {height:,} pixels are too many; {MAX_PIXELS:,} at "
                        "most"
                    )
                picture.load()
                turned = to_eight_bits(ImageOps.exif_transpose(picture))
        factor = max(turned.size) // LARGEST_SIDE
        return turned.convert("RGBA").reduce(factor) if factor > 1 else turned
    except PictureError:
        raise
    except FileNotFoundError as error:
        raise PictureError(f"{path}: there is no such file") from error
    except UnidentifiedImageError as error:
        raise PictureError(f"{path}: {describe_unidentified(path, content)}") from error
    except Exception as error:  # corrupt input can raise arbitrary exceptions
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise PictureError(f"{path}: damaged or unreadable: {reason}") from error


def describe_unidentified(path: Path, content: bytes | None) -> str:
    """Describe a file that Pillow doesn't recognize; HEIC is the format of iPhones."""
    if content is None:
        with path.open("rb") as file:
            content = file.read(12)
    if content[4:8] == b"ftyp" and content[8:12] in HEIC_BRANDS:
        return "a HEIC picture, which can't be read; save it as JPEG"
    return "not a picture"


def to_example(shape: tuple[int, ...], picture: Image.Image) -> Tensor:
    """Convert a picture to an example (1, c, h, w) of a model of custom images, in [0, 1].

    The picture is converted to gray or RGB and resized, like the images of a folder. Raises
    PictureError if `shape`, that of the model's inputs, is not (1, h, w) or (3, h, w).
    """
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise PictureError(
            f"can't use a picture: the model's inputs have shape {shape}, expected (1, h, w) or "
            "(3, h, w)"
        )
    channels, height, width = shape
    pixels = to_array(picture, "L" if channels == 1 else "RGB", [height, width])
    return torch.tensor(pixels).reshape(1, height, width, channels).permute(0, 3, 1, 2) / 255


def to_array(picture: Image.Image, mode: str, size: list[int]) -> np.ndarray:
    """Return a picture as an array (h, w) for mode "L" or (h, w, 3) for "RGB".

    Transparent pixels are composed on white. The picture is resized to [h, w] if that is given.
    """
    picture = to_opaque(picture).convert(mode)
    if size:
        picture = picture.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(picture)


def is_coloured(picture: Image.Image) -> bool:
    """Return True if a picture's mode is neither black and white nor gray."""
    return not picture.mode.startswith(("1", "L", "I", "F"))


def to_opaque(picture: Image.Image) -> Image.Image:
    """Compose a transparent picture on white; return any other unchanged.

    This is the same for a custom model's training images and for the pictures to classify.
    """
    if not picture.has_transparency_data:
        return picture
    picture = picture.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def flatten(picture: Image.Image) -> tuple[Image.Image, int | None]:
    """Convert a picture to gray; return it and the shade behind transparent pixels, or None.

    The picture must have 8 bits per channel and no transparent margin. The shade is 0 (black) for a
    light object and 255 (white) for a dark one, or None if no pixel is transparent.
    """
    shade, alpha = picture.convert("RGBA").convert("LA").split()
    if alpha.getextrema()[0] == 255 or alpha.getbbox() is None:
        return shade, None
    background = 0 if is_light_on_dark(to_tensor(shade), to_tensor(alpha)) else 255
    return Image.composite(shade, Image.new("L", shade.size, background), alpha), background


def to_eight_bits(picture: Image.Image) -> Image.Image:
    """Convert a picture of 16 bits, integers or floats to 8 bits; return any other unchanged."""
    if not picture.mode.startswith(("I", "F")):
        return picture
    sixteen_bits = picture.mode.startswith("I;16")
    picture = picture.convert("F")
    lowest, highest = cast(tuple[float, float], picture.getextrema())
    if not lowest <= highest:  # NaN
        raise ValueError("its pixels are not numbers")
    white = 65535 if sixteen_bits or highest > 255 else 255 if highest > 1 else 1
    return picture.point(lambda shade: shade * (255 / white) + 0).convert("L")


def is_light_on_dark(shade: Tensor, alpha: Tensor) -> bool:
    """Return True if an object was cut out of a dark background; gray values and alpha are (h, w).

    The object's edge contains some of the background: an edge darker than the inside indicates a
    dark background. If both are alike, a light object counts as light on dark.
    """
    visible = (alpha > 0).float()
    padded = torch.nn.functional.pad(visible, (1, 1, 1, 1))  # outside nothing is visible
    inner = -torch.nn.functional.max_pool2d(-padded[None], 3, stride=1)[0]
    rim = visible - inner
    contrast = mean_shade(shade, inner) - mean_shade(shade, rim) if inner.any() else 0.0
    return contrast > 0 if abs(contrast) > MIN_CONTRAST else mean_shade(shade, visible) > 0.5


def mean_shade(shade: Tensor, weights: Tensor) -> float:
    """Return the weighted mean of a gray picture (h, w)."""
    return float((shade * weights).sum() / weights.sum())


def border_shade(gray: Image.Image) -> int:
    """Return the median of the outermost pixels of a gray picture, 0 (black) to 255 (white)."""
    pixels = to_tensor(gray)
    edges = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
    return int(torch.cat(edges).median() * 255)


def to_tensor(gray: Image.Image) -> Tensor:
    """Return a gray picture as a tensor (h, w), float32 in [0, 1]."""
    pixels = torch.frombuffer(bytearray(gray.tobytes()), dtype=torch.uint8)
    return pixels.reshape(gray.height, gray.width) / 255
