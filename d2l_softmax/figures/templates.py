"""Figures of templates, the weights of each class as an image: after training, and by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from d2l_softmax.figures.style import (
    CaptionedFigure,
    as_pixels,
    as_png,
    draw_tile,
    new_figure,
    new_tiles,
    save_figure,
    shortened,
    signed_colors,
)
from d2l_softmax.i18n import tr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_TEMPLATES = 60
MOST_BY_EPOCH = 20  # classes in figures of several epochs
MOST_COLUMNS, MOST_FRAMES = 8, 20  # epochs
BY_EPOCH = "templates-by-epoch.png"


def draw_templates(W: Tensor, shape: Sequence[int], classes: Sequence[str]) -> Figure:
    """Draw the weights W (d, q) of up to MOST_TEMPLATES classes as images of shape (c, h, w).

    Positive weights are blue, negative weights orange, zero is white. With three channels, each
    weight sets the intensity of its own channel, and zero is gray.
    """
    heading = meaning_of_colours(shape)
    if len(classes) > MOST_TEMPLATES:
        heading += "\n" + tr(" Only the first {n} classes are shown.", n=MOST_TEMPLATES).strip()
    classes = classes[:MOST_TEMPLATES]
    columns = min(len(classes), 5 if len(classes) <= 20 else 10)
    figure, axes = new_tiles(len(classes), columns, side=1.4, margin=0.9)
    templates = as_images(W, shape, len(classes))
    in_colour = shape[0] == 3
    if in_colour:
        templates = scaled(templates)
    style = signed_colors(largest(templates))
    for place, (template, label) in enumerate(zip(templates, classes, strict=True)):
        image = draw_tile(axes, place, columns, template, shortened(label), **style)
    if not in_colour:
        figure.colorbar(image, ax=axes, shrink=0.8)
    figure.suptitle(heading, fontsize="medium", wrap=True)
    return figure


def describe_templates(classes: Sequence[str]) -> str:
    """Return the alt text of `draw_templates`."""
    classes = classes[:MOST_TEMPLATES]
    names = tr(", ").join(map(shortened, classes[:10]))
    return tr("The weights of {q} classes as images: {names}.", q=len(classes), names=names)


def write_templates_by_epoch(
    output_dir: Path, weights: Mapping[int, Tensor], shape: Sequence[int], classes: Sequence[str]
) -> CaptionedFigure:
    """Write the figure BY_EPOCH; return its caption and alt text."""
    save_figure(output_dir / BY_EPOCH, draw_templates_by_epoch(weights, shape, classes))
    caption = tr(
        "The weights of each class by epoch. Each epoch has its own colour scale, because the "
        "weights grow."
    )
    if 0 in weights:
        caption += tr(" Epoch 0 shows the random initial weights.")
    if len(classes) > MOST_BY_EPOCH:
        caption += tr(" Only the first {n} classes are shown.", n=MOST_BY_EPOCH)
    epochs = select_epochs(weights, MOST_COLUMNS)
    return CaptionedFigure(caption, describe_templates_by_epoch(epochs, classes))


def templates_frames(
    weights: Mapping[int, Tensor], shape: Sequence[int], classes: Sequence[str]
) -> tuple[list[bytes], list[str]]:
    """Return the frames of an animation over the epochs, as PNG bytes, and their labels."""
    epochs = select_epochs(weights, MOST_FRAMES)
    frames = [as_png(draw_frame(weights[epoch], shape, classes)) for epoch in epochs]
    return frames, [tr("epoch {epoch}", epoch=epoch) for epoch in epochs]


def draw_templates_by_epoch(
    weights: Mapping[int, Tensor], shape: Sequence[int], classes: Sequence[str]
) -> Figure:
    """Draw templates by epoch: a row per class (up to MOST_BY_EPOCH), a column per epoch.

    `weights` maps epochs to W (d, q). Each column is scaled to its largest weight, printed above
    the column: on a common scale the first epochs would be white.
    """
    classes = classes[:MOST_BY_EPOCH]
    columns = {
        epoch: as_images(weights[epoch], shape, len(classes))
        for epoch in select_epochs(weights, MOST_COLUMNS)
    }
    pixels = torch.cat([in_a_column(scaled(templates)) for templates in columns.values()], dim=2)
    _, height, width = pixels.shape
    inches = min(0.9, 12 / len(classes))  # the longer side of a template
    side = inches / max(height / len(classes), width / len(columns))  # the side of a pixel
    figure, (axes,) = new_figure(max(side * width, 4.5) + 1.2, side * height + 1)
    figure.set_layout_engine("compressed")  # "constrained" cuts names beside a fixed aspect
    axes.imshow(as_pixels(pixels), **signed_colors())
    axes.set_yticks(middles(height, len(classes)), [shortened(name) for name in classes])
    limits = [f"{epoch}\n±{largest(templates):.2g}" for epoch, templates in columns.items()]
    axes.set_xticks(middles(width, len(columns)), limits)
    axes.tick_params(length=0, labelsize=8, labeltop=True, labelbottom=False)
    axes.spines[:].set_visible(False)
    scale = tr("above each column: the epoch and its largest weight, drawn in full colour")
    figure.suptitle(f"{meaning_of_colours(shape)}\n{scale}", fontsize="medium")
    return figure


def describe_templates_by_epoch(epochs: Sequence[int], classes: Sequence[str]) -> str:
    """Return the alt text of `draw_templates_by_epoch`."""
    names = tr(", ").join(map(str, epochs))
    return describe_templates(classes[:MOST_BY_EPOCH]) + tr(
        " One column per epoch: {names}.", names=names
    )


def draw_frame(W: Tensor, shape: Sequence[int], classes: Sequence[str]) -> Figure:
    """Draw the templates of one epoch, scaled to their largest weight.

    The layout is the same for every epoch, as the frames of an animation need.
    """
    classes = classes[:MOST_BY_EPOCH]
    columns = min(5, len(classes))
    figure, axes = new_tiles(len(classes), columns)
    templates, style = scaled(as_images(W, shape, len(classes))), signed_colors()
    for place, (template, label) in enumerate(zip(templates, classes, strict=True)):
        draw_tile(axes, place, columns, template, shortened(label), **style)
    return figure


def select_epochs(weights: Mapping[int, Tensor], most: int) -> list[int]:
    """Return at most `most` epochs, denser at the start, where the weights change most."""
    epochs = list(weights)
    if len(epochs) <= most:
        return epochs
    first, last = epochs[0], epochs[-1]
    steps = torch.logspace(0, math.log10(last - first), most - 1).round().int()
    return sorted({first, *(first + step for step in steps.tolist())})


def meaning_of_colours(shape: Sequence[int]) -> str:
    """Return the legend of the colours in templates of shape (c, h, w)."""
    if shape[0] == 3:
        return tr("weights of each class: a colour brighter than gray counts towards it")
    return tr("weights of each class: blue counts towards it, orange against it")


def as_images(W: Tensor, shape: Sequence[int], n: int) -> Tensor:
    """Return the weights W (d, q) of the first n classes as images (n, c, h, w)."""
    return W.detach().cpu().T[:n].reshape(-1, *shape)


def scaled(templates: Tensor) -> Tensor:
    """Scale templates (n, c, h, w) by their largest weight to [-1, 1]; three channels to [0, 1]."""
    scaled = templates / largest(templates)
    return scaled / 2 + 0.5 if templates.shape[1] == 3 else scaled


def largest(templates: Tensor) -> float:
    """Return the largest absolute weight, or 1 if all weights are zero."""
    return float(templates.abs().max()) or 1.0


def in_a_column(images: Tensor) -> Tensor:
    """Stack images (n, c, h, w), each padded by one pixel, to one of (c, n (h + 2), w + 2)."""
    gap = 1.0 if images.shape[1] == 3 else math.nan  # matplotlib draws nothing for NaN
    padded = torch.nn.functional.pad(images, (1, 1, 1, 1), value=gap)
    return torch.cat(list(padded), dim=1)


def middles(length: int, n: int) -> list[float]:
    """Return the centres of n equal intervals of `length` pixels, in imshow's coordinates."""
    return [(k + 0.5) * length / n - 0.5 for k in range(n)]
