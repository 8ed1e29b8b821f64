"""Figures of docs/photographs.md: model inputs of photographs, and garments with sleeves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from d2l_softmax import load_data_fashion_mnist
from d2l_softmax.data.fashion_mnist import CLASSES
from d2l_softmax.figures.style import (
    GRAY,
    WRONG,
    default_style,
    draw_tile,
    new_tiles,
    save_figure,
    signed_colors,
)
from d2l_softmax.figures.templates import as_images

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOCS = Path(__file__).parents[1] / "docs"
SHOWN = 12  # photographs of each class
SPREAD = ("t-shirt", "pullover", "coat")  # garments with sleeves
RIVAL = "bag"


class Seen(NamedTuple):
    """The model input (1, 28, 28) of a photograph, its label, and the predicted class."""

    X: Tensor
    label: int
    predicted: int


def write_figures(seen: Sequence[Seen], model: Any) -> None:
    """Write photographs.png and sleeves.png to docs/."""
    with default_style():
        save_figure(DOCS / "photographs.png", draw_seen(seen))
        save_figure(DOCS / "sleeves.png", draw_sleeves(seen, model))


def draw_seen(seen: Sequence[Seen]) -> Figure:
    """Draw the model inputs of SHOWN photographs per class; red titles are wrong predictions."""
    labels = list(dict.fromkeys(each.label for each in seen))
    figure, axes = new_tiles(SHOWN * len(labels), SHOWN, side=0.8)
    for row, label in enumerate(labels):
        chosen = [each for each in seen if each.label == label]
        step = max(1, len(chosen) // SHOWN)
        for column, each in enumerate(chosen[::step][:SHOWN]):
            is_right = each.predicted == label
            title = CLASSES[each.predicted]
            color = "black" if is_right else WRONG
            draw_tile(axes, row * SHOWN + column, SHOWN, each.X, title, color, **GRAY)
    return figure


def draw_sleeves(seen: Sequence[Seen], model: Any) -> Figure:
    """Draw four images for each garment with sleeves.

    They are the mean of Fashion-MNIST's training images, the mean of the photographs, the weights
    of the class, and the weights of RIVAL.
    """
    dataset = load_data_fashion_mnist(256)[0].dataset
    X, y = torch.as_tensor(dataset.images), torch.as_tensor(dataset.labels)
    weights = as_images(model.W, (1, 28, 28), len(CLASSES))
    colors = signed_colors(float(weights.abs().max()) / 2)
    figure, axes = new_tiles(4 * len(SPREAD), 4, side=1.5)
    for row, name in enumerate(SPREAD):
        label = CLASSES.index(name)
        of_photographs = torch.stack([each.X for each in seen if each.label == label]).mean(dim=0)
        of_training = X[y == label].reshape(-1, 1, 28, 28).float().mean(dim=0) / 255
        tiles = (
            (of_training, f"{name}: training images", GRAY),
            (of_photographs, "photographs", GRAY),
            (weights[label], f"weights of {name}", colors),
            (weights[CLASSES.index(RIVAL)], f"weights of {RIVAL}", colors),
        )
        for column, (image, title, style) in enumerate(tiles):
            draw_tile(axes, row * 4 + column, 4, image, title, **style)
    return figure
