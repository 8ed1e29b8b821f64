"""Figures of the weights as images, the templates of the classes: at the end, and by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from d2l_softmax.figures.drawing import as_pixels, draw_tile, new_figure, new_tiles, shortened
from d2l_softmax.language import tr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_TEMPLATES = 60
MOST_BY_EPOCH = 10  # classes in figures of many epochs
MOST_ROWS, MOST_FRAMES = 8, 20  # epochs
BY_EPOCH = "templates-by-epoch.png"
COLORS: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -1, "vmax": 1}


def draw_templates(W: Tensor, shape: Sequence[int], classes: Sequence[str]) -> Figure:
    """Draw the weights (d,) of each class as an image (c, h, w), of the first 60 at most.

    Blue is below zero, red above. Weights of three channels are drawn in these colours, gray where
    they are zero.
    """
    classes = classes[:MOST_TEMPLATES]
    columns = 5 if len(classes) <= 20 else 10
    figure, axes = new_tiles(len(classes), columns, side=1.4, margin=0.9)
    templates = as_images(W, shape, len(classes))
    in_colour = shape[0] == 3
    if in_colour:
        templates = scaled(templates)
    limit = largest(templates)
    style = COLORS | {"vmin": -limit, "vmax": limit}
    for place, (template, label) in enumerate(zip(templates, classes, strict=True)):
        image = draw_tile(axes, place, columns, template, shortened(label), **style)
    if in_colour:
        title = tr("weights of each class: a colour brighter than in gray speaks for it")
    else:
        title = tr("weights of each class: red speaks for it, blue against it")
        figure.colorbar(image, ax=axes, shrink=0.8)
    figure.suptitle(title, fontsize="medium")
    return figure


def draw_templates_by_epoch(
    course: Mapping[int, Tensor], shape: Sequence[int], classes: Sequence[str]
) -> Figure:
    """Draw how the templates form: a row for each of a few epochs, a column for each class.

    `course` has the weights (d, q) after an epoch by its number; of many classes the first ten are
    drawn. Each row is as bright as its largest weight, which is named: on one scale for all, the
    first weights would be white.
    """
    classes = classes[:MOST_BY_EPOCH]
    rows = {
        epoch: as_images(course[epoch], shape, len(classes))
        for epoch in a_few_of(course, MOST_ROWS)
    }
    pixels = torch.cat([in_a_row(scaled(templates)) for templates in rows.values()], dim=1)
    _, height, width = pixels.shape
    figure, (axes,) = new_figure(9.2, 8 * height / width + 0.5)
    axes.imshow(as_pixels(pixels), **COLORS)
    places = [(k + 0.5) * width / len(classes) - 0.5 for k in range(len(classes))]
    axes.set_xticks(places, [shortened(name) for name in classes])
    places = [(k + 0.5) * height / len(rows) - 0.5 for k in range(len(rows))]
    limits = [f"{epoch}\n±{largest(templates):.2g}" for epoch, templates in rows.items()]
    axes.set_yticks(places, limits)
    axes.set_ylabel(tr("epoch, and its largest weight"))
    axes.tick_params(length=0, labelsize=8, labeltop=True, labelbottom=False)
    axes.spines[:].set_visible(False)
    return figure


def draw_frame(W: Tensor, shape: Sequence[int], classes: Sequence[str]) -> Figure:
    """Draw the templates of one epoch, each where the frame of any other epoch has it.

    They are as bright as the largest weight of the epoch.
    """
    classes = classes[:MOST_BY_EPOCH]
    columns = min(5, len(classes))
    figure, axes = new_tiles(len(classes), columns, side=1.1)
    templates = scaled(as_images(W, shape, len(classes)))
    for place, (template, label) in enumerate(zip(templates, classes, strict=True)):
        draw_tile(axes, place, columns, template, shortened(label), **COLORS)
    return figure


def a_few_of(course: Mapping[int, Tensor], most: int) -> list[int]:
    """Return the numbers of a few epochs, the first ones closer together: most happens there."""
    epochs = list(course)
    if len(epochs) <= most:
        return epochs
    first, last = epochs[0], epochs[-1]
    steps = torch.logspace(0, math.log10(last - first), most - 1).round().int()
    return sorted({first, *(first + step for step in steps.tolist())})


def as_images(W: Tensor, shape: Sequence[int], n: int) -> Tensor:
    """Return the weights (d, q) of the first n classes as images (n, c, h, w)."""
    return W.detach().cpu().T[:n].reshape(-1, *shape)


def scaled(templates: Tensor) -> Tensor:
    """Return templates (n, c, h, w) in [-1, 1]; three channels as colours in [0, 1]."""
    scaled = templates / largest(templates)
    return scaled / 2 + 0.5 if templates.shape[1] == 3 else scaled


def largest(templates: Tensor) -> float:
    """Return the largest size of a weight, 1 if all are zero."""
    return float(templates.abs().max()) or 1.0


def in_a_row(images: Tensor) -> Tensor:
    """Return images (n, c, h, w) side by side, with gaps between them: (c, h + 2, n (w + 2))."""
    n, channels, height, width = images.shape
    nothing = 1.0 if channels == 3 else math.nan  # matplotlib draws nothing for NaN
    padded = torch.nn.functional.pad(images, (1, 1, 1, 1), value=nothing)
    return padded.permute(1, 2, 0, 3).reshape(channels, height + 2, n * (width + 2))
