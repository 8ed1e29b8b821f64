"""Separate an object from a roughly uniform background, despite noise and uneven light."""

from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import max_pool2d

# Terms of the polynomials that are fitted to the background: constant, linear, quadratic
NUM_TERMS = (1, 3, 6)
# A pixel is foreground if it differs from the background by more than each of these:
MIN_DISTANCE = 0.03  # of colours in [0, 1]
NOISE_FACTOR = 4.0  # times the background's noise
CONTRAST_FACTOR = 0.12  # times the contrast between object and background
MARGIN = 9  # pixels around the object that are no good sample of the background: shadow, blur
MIN_BACKGROUND = 0.2  # share of the picture that a second fit needs
MAX_SAMPLES = 2_000  # pixels in a fit


class ForegroundMask(NamedTuple):
    """The object's pixels, `mask` (h, w), and the background's colours (h, w, 3) everywhere.

    `noise` is that of the background, `border_share` the share of the border that is foreground.
    """

    background: np.ndarray
    mask: np.ndarray
    noise: float
    border_share: float


def find_object(pixels: np.ndarray) -> ForegroundMask:
    """Separate an object from its background; pixels (h, w, 3) are in [0, 1].

    A polynomial is fitted to the colours of the border, then again to all that is far from the
    foreground. An object may reach the border, but not cover most of it.
    """
    height, width, _ = pixels.shape
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=2)
    band = max(2, round(0.02 * max(height, width)))
    border = np.ones((height, width), bool)
    border[band:-band, band:-band] = False

    def sample(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = np.flatnonzero(mask)
        rows = rows[:: max(1, len(rows) // MAX_SAMPLES)]
        return terms.reshape(-1, 6)[rows], pixels.reshape(-1, 3)[rows]

    def subtract(factors: np.ndarray, residuals: np.ndarray) -> ForegroundMask:
        background = terms @ factors
        noise = 1.4826 * float(np.median(residuals))  # standard deviation of a normal distribution
        mask = threshold(np.abs(pixels - background).max(axis=2), noise)
        return ForegroundMask(background, mask, noise, float(mask[border].mean()))

    first = subtract(*fit_border(*sample(border)))
    far = ~dilate(first.mask, MARGIN)
    if far.mean() < MIN_BACKGROUND:
        return first
    factors, residuals, _ = fit(*sample(far))
    return subtract(factors, residuals)


def fit_border(terms: np.ndarray, colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit colours (n, 3) of the border by more and more terms (n, 6); return factors, residuals.

    It begins with a constant, so that an object at the border does not bend the polynomial.
    """
    residuals = np.abs(colours - np.median(colours, axis=0)).max(axis=1)
    weights = robust_weights(residuals, min_scale=0.01)
    for number in NUM_TERMS:
        factors, residuals, weights = fit(terms[:, :number], colours, weights)
    return factors, residuals


def fit(
    terms: np.ndarray, colours: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit colours (n, 3) by terms (n, k), robustly; return factors (k, 3), residuals and weights.

    Iteratively reweighted least squares, first with the given weights (n,) or equal ones (Holland
    and Welsch, 1977, "Robust regression using iteratively reweighted least-squares").
    """
    weights = np.ones(len(terms)) if weights is None else weights
    for _ in range(4):
        root = np.sqrt(weights)[:, None]
        factors = np.linalg.lstsq(terms * root, colours * root, rcond=None)[0]
        residuals = np.abs(colours - terms @ factors).max(axis=1)
        weights = robust_weights(residuals)
    return factors, residuals, weights


def robust_weights(residuals: np.ndarray, min_scale: float = 0.004) -> np.ndarray:
    """Return weights for residuals (n,): 1 for zero, a quarter at twice their median.

    Geman and McClure (1987), "Statistical methods for tomographic image reconstruction".
    """
    scale = 2 * max(float(np.median(residuals)), min_scale)
    return 1 / (1 + (residuals / scale) ** 2) ** 2


def threshold(distance: np.ndarray, noise: float) -> np.ndarray:
    """Return the foreground mask (h, w) of the pixels' distances to the background."""
    contrast = float(np.quantile(distance, 0.995))
    mask = distance > max(MIN_DISTANCE, NOISE_FACTOR * noise, CONTRAST_FACTOR * contrast)
    return dilate(erode(mask, 3), 5) & mask  # removes specks


def dilate(mask: np.ndarray, side: int) -> np.ndarray:
    """Dilate a mask (h, w) by a square of `side` pixels."""
    ones = torch.from_numpy(mask)[None].float()
    return max_pool2d(ones, side, stride=1, padding=side // 2)[0].bool().numpy()


def erode(mask: np.ndarray, side: int) -> np.ndarray:
    """Erode a mask (h, w) by a square of `side` pixels; outside the picture counts as mask."""
    return ~dilate(~mask, side)
