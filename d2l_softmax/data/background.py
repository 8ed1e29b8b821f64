"""Separate an object from its background: by a threshold, or by GrabCut for uneven backgrounds.

GrabCut needs OpenCV, from the extra `photos`; without it, the threshold is always used.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import max_pool2d

try:
    import cv2
except ImportError:
    cv2 = None  # type: ignore[assignment,unused-ignore]

NUM_TERMS = (3, 6, 6)  # of the polynomials, fitted one after another: linear, then quadratic
INLIERS = 0.6  # share of the border in a fit; the other pixels, which differ most, may be an object
# A pixel is foreground if it differs from the background by more than each of these:
MIN_DISTANCE = 0.03  # between colours in [0, 1]
NOISE_FACTOR = 4.0  # times the background's noise
CONTRAST_FACTOR = 0.12  # times the contrast between object and background
EVEN_NOISE = 0.03  # highest noise of an even background, in colours in [0, 1]
FRAME = 0.03  # share of the longer side; GrabCut starts with this frame as background
ITERATIONS = 5  # of GrabCut
MIN_PART = 0.05  # share of the largest part's area; smaller parts of the object are dropped


class ForegroundMask(NamedTuple):
    """The mask (h, w) of an object, and the background's colours (h, w, 3), also behind the object.

    `noise` is the standard deviation of the background. `border_share` is the share of the border
    that differs from the background.
    """

    background: np.ndarray
    mask: np.ndarray
    noise: float
    border_share: float


def find_object(pixels: np.ndarray) -> ForegroundMask:
    """Separate an object from its background; pixels (h, w, 3) are in [0, 1].

    The object is the set of pixels that differ from a polynomial fitted to the border's colours. If
    the fit is poor and OpenCV is installed, GrabCut finds the object instead.
    """
    border = border_mask(pixels, 0.02)
    background = fit_background(pixels, border)
    distance = np.abs(pixels - background).max(axis=2)
    noise = 1.4826 * float(np.median(distance[border]))  # standard deviation of normal noise
    mask = threshold(distance, noise)
    border_share = float(mask[border].mean())
    if cv2 is not None and noise > EVEN_NOISE:
        cut = grab_cut(pixels)
        mask = cut if cut.any() else mask
    return ForegroundMask(background, drop_small_parts(mask), noise, border_share)


def border_mask(pixels: np.ndarray, width: float) -> np.ndarray:
    """Return a mask (h, w) of the border of pixels (h, w, 3).

    `width` is a share of the longer side; the border is at least two pixels wide.
    """
    band = max(2, round(width * max(pixels.shape[:2])))
    mask = np.ones(pixels.shape[:2], bool)
    mask[band:-band, band:-band] = False
    return mask


def fit_background(pixels: np.ndarray, border: np.ndarray) -> np.ndarray:
    """Estimate the background (h, w, 3): polynomials fitted to the colours at a border, a mask.

    Three least-squares fits follow each other. Each leaves out the pixels that differ most from the
    previous fit (the first: from the median colour). So an object at the border does not bend the
    polynomials.
    """
    height, width, _ = pixels.shape
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=2)
    colours, known = pixels[border], terms[border]
    fitted = np.median(colours, axis=0)
    for number in NUM_TERMS:
        residuals = np.abs(colours - fitted).max(axis=1)
        inlier = residuals <= np.quantile(residuals, INLIERS)
        factors = np.linalg.lstsq(known[inlier, :number], colours[inlier], rcond=None)[0]
        fitted = known[:, :number] @ factors
    return terms @ factors


def threshold(distance: np.ndarray, noise: float) -> np.ndarray:
    """Return the foreground mask (h, w) from the pixels' distances (h, w) to the background."""
    contrast = float(np.quantile(distance, 0.995))
    mask = distance > max(MIN_DISTANCE, NOISE_FACTOR * noise, CONTRAST_FACTOR * contrast)
    return dilate(erode(mask, 3), 5) & mask  # removes specks


def grab_cut(pixels: np.ndarray) -> np.ndarray:
    """Return the foreground mask (h, w) that GrabCut finds within a frame of background.

    Rother, Kolmogorov and Blake (2004), "GrabCut: interactive foreground extraction using iterated
    graph cuts".
    """
    labels = np.where(border_mask(pixels, FRAME), cv2.GC_BGD, cv2.GC_PR_FGD).astype(np.uint8)
    image = (pixels * 255).round().astype(np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))  # of background and foreground
    cv2.setNumThreads(1)
    cv2.setRNGSeed(0)  # the models start from random clusters
    cv2.grabCut(image, labels, None, *models, ITERATIONS, cv2.GC_INIT_WITH_MASK)
    return labels == cv2.GC_PR_FGD


def drop_small_parts(mask: np.ndarray) -> np.ndarray:
    """Remove the connected parts of a mask (h, w) that are smaller than MIN_PART of the largest.

    Pixels are connected to their eight neighbours.
    """
    # Label connected parts: each pixel takes the largest number n of its neighbours, then the
    # number that pixel n has, until nothing changes.
    numbers = torch.arange(mask.size).reshape(mask.shape) + 1
    parts = torch.where(torch.from_numpy(mask), numbers, 0)
    while True:
        largest = max_pool2d(parts[None].float(), 3, stride=1, padding=1)[0].long()
        spread = torch.where(parts > 0, largest, 0)
        spread = torch.cat([torch.zeros(1, dtype=torch.long), spread.flatten()])[spread]
        if torch.equal(spread, parts):
            break
        parts = spread
    sizes = torch.bincount(parts.flatten(), minlength=mask.size + 1)
    sizes[0] = 0
    is_large = (sizes > 0) & (sizes >= MIN_PART * sizes.max())
    return is_large[parts].numpy()


def dilate(mask: np.ndarray, side: int) -> np.ndarray:
    """Dilate a mask (h, w) by a square of `side` pixels."""
    ones = torch.from_numpy(mask)[None].float()
    return max_pool2d(ones, side, stride=1, padding=side // 2)[0].bool().numpy()


def erode(mask: np.ndarray, side: int) -> np.ndarray:
    """Erode a mask (h, w) by a square of `side` pixels; pixels outside the picture count as set."""
    return ~dilate(~mask, side)
