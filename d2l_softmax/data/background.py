"""An object on a nearly even ground, in spite of noise, shadows and uneven light: where it is."""

from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import max_pool2d

# Terms of a ground's colour at (x, y): even, a slope of light, and one that curves.
DEGREES = (1, 3, 6)
LEAST = 0.03  # what differs less from the ground is ground; colours are in [0, 1]
OF_NOISE, OF_CONTRAST = 4.0, 0.12  # or less than this many times its noise, this part of the most
FAR = 9  # pixels around the object that say nothing of the ground: its shadow, its blurred edge
LEAST_GROUND = 0.2  # of the picture, or there is too little to fit a surface to
ENOUGH = 2_000  # pixels, to fit a surface to them


class Found(NamedTuple):
    """What was found in pixels: the ground's colour at each (h, w, 3), and the object (h, w).

    `noise` is that of the ground, `share_of_border` the part of the border that is not ground.
    """

    ground: np.ndarray
    mask: np.ndarray
    noise: float
    share_of_border: float


def find_object(pixels: np.ndarray) -> Found:
    """Tell an object from the ground around it; pixels (h, w, 3) are in [0, 1].

    A curved surface is fitted to the picture's border, then again to all that is far from what
    stands out from it. An object may reach the border, but not cover most of it.
    """
    terms, border = terms_of(*pixels.shape[:2]), border_of(*pixels.shape[:2])

    def some_of(where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = np.flatnonzero(where)
        rows = rows[:: max(1, len(rows) // ENOUGH)]
        return terms.reshape(-1, 6)[rows], pixels.reshape(-1, 3)[rows]

    def found(surface: np.ndarray, residuals: np.ndarray) -> Found:
        ground = terms @ surface
        noise = 1.4826 * float(np.median(residuals))  # a normal distribution's, from its median
        mask = standing_out(np.abs(pixels - ground).max(axis=2), noise)
        return Found(ground, mask, noise, float(mask[border].mean()))

    first = found(*fit_border(*some_of(border)))
    far = ~grown(first.mask, FAR)
    if far.mean() < LEAST_GROUND:
        return first
    surface, residuals, _ = fit(*some_of(far))
    return found(surface, residuals)


def terms_of(height: int, width: int) -> np.ndarray:
    """Return what a surface's colour may depend on at each pixel: (h, w, 6)."""
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=2)


def border_of(height: int, width: int) -> np.ndarray:
    """Return which pixels (h, w) are the border: the outer 2 % of the longer side, two at least."""
    band = max(2, round(0.02 * max(height, width)))
    border = np.ones((height, width), bool)
    border[band:-band, band:-band] = False
    return border


def fit_border(terms: np.ndarray, colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit a surface to the border: first an even one, so that an object there doesn't bend it."""
    residuals = np.abs(colours - np.median(colours, axis=0)).max(axis=1)
    weights = trust(residuals, least=0.01)
    for degree in DEGREES:
        surface, residuals, weights = fit(terms[:, :degree], colours, weights)
    return surface, residuals


def fit(
    terms: np.ndarray, colours: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit colours (n, 3) by terms (n, k), robustly; return factors (k, 3), residuals and weights.

    Weighted least squares, first with the given weights (n,) or equal ones, then with those from
    the residuals of the round before (Holland and Welsch, 1977, "Robust regression using
    iteratively reweighted least-squares").
    """
    weights = np.ones(len(terms)) if weights is None else weights
    for _ in range(4):
        root = np.sqrt(weights)[:, None]
        factors = np.linalg.lstsq(terms * root, colours * root, rcond=None)[0]
        residuals = np.abs(colours - terms @ factors).max(axis=1)
        weights = trust(residuals)
    return factors, residuals, weights


def trust(residuals: np.ndarray, least: float = 0.004) -> np.ndarray:
    """Return weights for residuals (n,): 1 for none, a quarter at twice their median.

    Geman and McClure (1987), "Statistical methods for tomographic image reconstruction".
    """
    scale = 2 * max(float(np.median(residuals)), least)
    return 1 / (1 + (residuals / scale) ** 2) ** 2


def standing_out(distance: np.ndarray, noise: float) -> np.ndarray:
    """Return which pixels (h, w) are of the object, given how far they are from the ground."""
    contrast = float(np.quantile(distance, 0.995))
    mask = distance > max(LEAST, OF_NOISE * noise, OF_CONTRAST * contrast)
    return grown(shrunk(mask, 3), 5) & mask  # without specks


def grown(mask: np.ndarray, side: int) -> np.ndarray:
    """Return which pixels (h, w) have one of the mask in the square around them."""
    ones = torch.from_numpy(mask)[None].float()
    return max_pool2d(ones, side, stride=1, padding=side // 2)[0].bool().numpy()


def shrunk(mask: np.ndarray, side: int) -> np.ndarray:
    """Return which pixels (h, w) have only those of the mask in the square around them."""
    return ~grown(~mask, side)
