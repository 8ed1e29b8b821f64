"""Figures of the weights as images, the templates of the classes: at the end, and by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from d2l_softmax.figures import alt_text as describe
from d2l_softmax.figures.style import (
    as_pixels,
    as_png,
    draw_tile,
    new_figure,
    new_tiles,
    save_figure,
    shortened,
    signed_colors,
)
from d2l_softmax.pages.svg import Shown
from d2l_softmax.i18n import tr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_TEMPLATES = 60
MOST_BY_EPOCH = 20  # classes in figures of many epochs
MOST_COLUMNS, MOST_FRAMES = 8, 20  # epochs
BY_EPOCH = "templates-by-epoch.png"


def draw_templates(W: Tensor, shape: Sequence[int], classes: Sequence[str]) -> Figure:
    """Draw the weights (d,) of each class as an image (c, h, w), of the first 60 at most.

    Blue is above zero, orange below, white zero. Weights of three channels are drawn in these
    colours, gray where they are zero.
    """
    classes = classes[:MOST_TEMPLATES]
    columns = 5 if len(classes) <= 20 else 10
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
    figure.suptitle(meaning_of_colours(shape), fontsize="medium")
    return figure


def write_templates_by_epoch(
    output_dir: Path, course: Mapping[int, Tensor], shape: Sequence[int], classes: Sequence[str]
) -> Shown:
    """Write BY_EPOCH, how the templates form, and return what a page shows of it."""
    save_figure(output_dir / BY_EPOCH, draw_templates_by_epoch(course, shape, classes))
    caption = tr(
        "How the weights of each class form, epoch by epoch. They grow, so each epoch is drawn on "
        "a scale of its own."
    )
    if 0 in course:
        caption += tr(" Epoch 0 is the noise that they start from.")
    if len(classes) > MOST_BY_EPOCH:
        caption += tr(" The first {n} classes are drawn.", n=MOST_BY_EPOCH)
    epochs = a_few_of(course, MOST_COLUMNS)
    return Shown(caption, describe.of_templates_by_epoch(epochs, classes))


def templates_frames(
    course: Mapping[int, Tensor], shape: Sequence[int], classes: Sequence[str]
) -> tuple[list[bytes], list[str]]:
    """Return how the templates form as PNG files of equal sizes, and the label of each."""
    epochs = a_few_of(course, MOST_FRAMES)
    frames = [as_png(draw_frame(course[epoch], shape, classes)) for epoch in epochs]
    return frames, [tr("epoch {epoch}", epoch=epoch) for epoch in epochs]


def draw_templates_by_epoch(
    course: Mapping[int, Tensor], shape: Sequence[int], classes: Sequence[str]
) -> Figure:
    """Draw how the templates form: a row for each class, a column for each of a few epochs.

    `course` has the weights (d, q) after an epoch by its number; of many classes the first twenty
    are drawn. Each column is as bright as its largest weight, which is named: on one scale for
    all, the first weights would be white.
    """
    classes = classes[:MOST_BY_EPOCH]
    columns = {
        epoch: as_images(course[epoch], shape, len(classes))
        for epoch in a_few_of(course, MOST_COLUMNS)
    }
    pixels = torch.cat([in_a_column(scaled(templates)) for templates in columns.values()], dim=2)
    _, height, width = pixels.shape
    inches = min(0.9, 12 / len(classes))  # of the longer side of a template
    side = inches / max(height / len(classes), width / len(columns))  # of a pixel
    figure, (axes,) = new_figure(max(side * width, 4.5) + 1.2, side * height + 1)
    figure.set_layout_engine("compressed")  # the other cuts names beside what has an aspect
    axes.imshow(as_pixels(pixels), **signed_colors())
    axes.set_yticks(middles(height, len(classes)), [shortened(name) for name in classes])
    limits = [f"{epoch}\n±{largest(templates):.2g}" for epoch, templates in columns.items()]
    axes.set_xticks(middles(width, len(columns)), limits)
    axes.tick_params(length=0, labelsize=8, labeltop=True, labelbottom=False)
    axes.spines[:].set_visible(False)
    scale = tr("above each column its epoch, and the weight that is drawn in full colour")
    figure.suptitle(f"{meaning_of_colours(shape)}\n{scale}", fontsize="medium")
    return figure


def draw_frame(W: Tensor, shape: Sequence[int], classes: Sequence[str]) -> Figure:
    """Draw the templates of one epoch, each where the frame of any other epoch has it.

    They are as bright as the largest weight of the epoch.
    """
    classes = classes[:MOST_BY_EPOCH]
    columns = min(5, len(classes))
    figure, axes = new_tiles(len(classes), columns, side=1.1)
    templates, style = scaled(as_images(W, shape, len(classes))), signed_colors()
    for place, (template, label) in enumerate(zip(templates, classes, strict=True)):
        draw_tile(axes, place, columns, template, shortened(label), **style)
    return figure


def a_few_of(course: Mapping[int, Tensor], most: int) -> list[int]:
    """Return the numbers of a few epochs, the first ones closer together: most happens there."""
    epochs = list(course)
    if len(epochs) <= most:
        return epochs
    first, last = epochs[0], epochs[-1]
    steps = torch.logspace(0, math.log10(last - first), most - 1).round().int()
    return sorted({first, *(first + step for step in steps.tolist())})


def meaning_of_colours(shape: Sequence[int]) -> str:
    """Return what the colours of templates say, for images (c, h, w)."""
    if shape[0] == 3:
        return tr("weights of each class: a colour brighter than in gray counts towards it")
    return tr("weights of each class: blue counts towards it, orange against it")


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


def in_a_column(images: Tensor) -> Tensor:
    """Return images (n, c, h, w) below each other, with gaps around: (c, n (h + 2), w + 2)."""
    nothing = 1.0 if images.shape[1] == 3 else math.nan  # matplotlib draws nothing for NaN
    padded = torch.nn.functional.pad(images, (1, 1, 1, 1), value=nothing)
    return torch.cat(list(padded), dim=1)


def middles(length: int, n: int) -> list[float]:
    """Return where the middles of n equal parts of so many pixels are, as imshow counts them."""
    return [(k + 0.5) * length / n - 0.5 for k in range(n)]
