"""Augmentation: random variants of the training images, for classifying photographs."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

NUM_DRAWS = 8  # random numbers per image
BLACK = 0.02  # darker pixels are background


class Augmentation(NamedTuple):
    """Random changes of images, up to a limit for each kind; the defaults change nothing.

    Changes are independent, and uniform in both directions: a rotation of 10 means -10 to 10
    degrees. Factors are uniform on a log scale: 1.3 means 1 / 1.3 to 1.3.
    """

    stretch_x: float = 1.0  # factor of the width
    stretch_y: float = 1.0  # factor of the height
    rotation: float = 0.0  # degrees
    shear: float = 0.0  # horizontal shift of a row, per row of distance from the center
    shift: float = 0.0  # pixels, horizontally and vertically
    contrast: float = 1.0  # factor of all pixels
    brightness: float = 0.0  # added to all pixels that are not black

    def __call__(self, X: Tensor, draws: Tensor) -> Tensor:
        """Return a variant of each of the images X (n, c, h, w), in [0, 1], for random numbers.

        `draws` (n, NUM_DRAWS) are uniform in [0, 1); 0.5 changes nothing. Pixels from outside an
        image are black, and black pixels stay black.
        """
        draws = draws.to(X) * 2 - 1
        grid = affine_grid(self.to_original(draws[:, :6], *X.shape[2:]), X.shape, False)  # type: ignore[arg-type]
        X = grid_sample(X, grid, padding_mode="zeros", align_corners=False).clamp(0, 1)
        factor, summand = self.contrast ** draws[:, 6], self.brightness * draws[:, 7]
        varied = X * factor.reshape(-1, 1, 1, 1) + summand.reshape(-1, 1, 1, 1)
        return torch.where(X > BLACK, varied.clamp(0, 1), 0.0)

    def to_original(self, draws: Tensor, height: int, width: int) -> Tensor:
        """Return affine matrices (n, 2, 3) that map positions in the variants to the originals.

        `draws` (n, 6) are in [-1, 1]. Positions are from -1 to 1, as in affine_grid.
        """
        stretch_x, stretch_y = self.stretch_x ** draws[:, 0], self.stretch_y ** draws[:, 1]
        angle, shear = math.radians(self.rotation) * draws[:, 2], self.shear * draws[:, 3]
        cos, sin = angle.cos(), angle.sin()
        ratio = height / width  # a unit of y, in units of x
        rows = [
            [(cos + shear * sin) / stretch_x, (shear * cos - sin) / stretch_x * ratio],
            [sin / stretch_y / ratio, cos / stretch_y],
        ]
        shift = self.shift * 2 * draws[:, 4:6] / torch.tensor([width, height]).to(draws)
        linear = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)  # (n, 2, 2)
        return torch.cat([linear, -(linear @ shift.unsqueeze(2))], dim=2)


# Chosen on crops of photographs (docs/photographs.md)
PHOTOS = Augmentation(
    stretch_x=1.5, stretch_y=1.3, rotation=10, shear=0.2, shift=1, contrast=1.5, brightness=0.5
)
AUGMENTATIONS: dict[str, Augmentation | None] = {"none": None, "photos": PHOTOS}
