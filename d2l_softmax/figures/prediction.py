"""The figure of a prediction: preprocessing steps, contributions and probabilities."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from d2l_softmax.figures.style import (
    BLUE,
    GRAY,
    WRONG,
    as_pixels,
    new_figure,
    shortened,
    signed_colors,
)
from d2l_softmax.i18n import current_language, tr
from d2l_softmax.training.evaluation import Model, calibrate, format_probability

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase
    from PIL.Image import Image


MOST_BARS = 12
NO_PREDICTION = "no prediction: no object found"


def draw_prediction(
    X: Tensor,
    steps: Mapping[str, Image],
    doubts: Sequence[str],
    model: Model,
    classes: Sequence[str],
    temperature: float = 1.0,
    note: str = "",
) -> Figure:
    """Draw a prediction: preprocessing steps, per-pixel contributions and class probabilities.

    X is the model input (1, c, h, w). `steps` maps the name of each preprocessing step to the
    picture after it. For features X (1, d) only the probabilities are drawn. Probabilities are the
    softmax of the logits divided by `temperature`. `doubts`, English sentences, are the title; they
    are translated. `note`, in the figure's language, is printed below.
    """
    with torch.no_grad():
        y_hat = calibrate(model.probabilities(X), temperature)[0]
    if X.dim() == 2:
        figure, (bars,) = new_figure(4.5, 2.9)
        draw_probabilities(bars, y_hat, classes)
        return figure
    figure = new_drawing((5.3 if steps else 3.6), doubts)
    images, bars = figure.subfigures(1, 2, width_ratios=(2.6, 1), squeeze=False)[0]
    if steps:
        upper, images = images.subfigures(2, 1, height_ratios=(1, 1.45), squeeze=False)[:, 0]
        draw_steps(upper, steps)
    draw_contributions(images, X, model, classes, temperature)
    draw_probabilities(bars.subplots(), y_hat, classes)
    if note:
        draw_note(bars, note, 46)
    return figure


def draw_nothing_found(steps: Mapping[str, Image], doubts: Sequence[str], note: str) -> Figure:
    """Draw the preprocessing steps of a picture in which no object was found."""
    figure = new_drawing(3.3, [NO_PREDICTION, *doubts])
    draw_steps(figure, steps)
    if note:
        draw_note(figure, note, 140)
    return figure


def new_drawing(height: float, doubts: Sequence[str]) -> Figure:
    """Return an empty figure whose title has the doubts (English sentences), translated."""
    from matplotlib.figure import Figure

    lines = [line for doubt in doubts for line in textwrap.wrap(tr(doubt), 140)]
    figure = Figure(figsize=(12, height + 0.25 * len(lines)), dpi=150, layout="constrained")
    if lines:
        figure.suptitle("\n".join(lines), color=WRONG, fontsize="medium")
    return figure


def draw_steps(figure: FigureBase, steps: Mapping[str, Image]) -> None:
    """Draw the picture after each preprocessing step, with the step's name as title."""
    for axes, (name, picture) in zip(row_of(figure, len(steps)), steps.items(), strict=True):
        axes.imshow(picture.convert("RGBA"))
        axes.set_title(textwrap.fill(tr(name), 22), fontsize="small")


def draw_note(figure: FigureBase, note: str, width: int) -> None:
    """Write a note below a figure, in lines of about `width` Latin characters."""
    if current_language() == "zh":
        width = width * 3 // 4  # its characters are wider
    lines = textwrap.wrap(note, width, break_long_words=False, break_on_hyphens=False)
    figure.supxlabel("\n".join(lines), fontsize="small", color="dimgray")


def draw_contributions(
    figure: FigureBase, X: Tensor, model: Model, classes: Sequence[str], temperature: float
) -> None:
    """Draw X (1, c, h, w) and its per-pixel contributions to the two most probable classes.

    A contribution is pixel × weight. The contributions and the bias of a class add up to its logit.
    A caption explains the difference of the two logits: temperature × log(ratio of probabilities).
    """
    W, b = model.W.detach(), model.b.detach()
    logits = (X.flatten(1) @ W + b)[0]  # (1, d) @ (d, q) -> (1, q)
    pair = logits.topk(2).indices.tolist()
    products = (X.flatten() * W[:, pair].T).reshape(2, *X.shape[1:]).sum(dim=1)  # (2, h, w)
    style = signed_colors(float(products.abs().max()) or 1.0)
    model_input, *both = axes = row_of(figure, 3)
    model_input.imshow(as_pixels(X[0]), **GRAY)
    model_input.axis("off")
    model_input.set_title(tr("model input"), fontsize="small")
    for place, product, k in zip(both, products, pair, strict=True):
        image = place.imshow(product.numpy(force=True), **style)
        title, below = logit_contributions(classes[k], float(logits[k]), float(b[k]))
        place.set_title(title, fontsize="small")
        place.set_xlabel(below, fontsize=8)
    figure.colorbar(image, ax=axes, label=tr("pixel × weight"), shrink=0.8)
    figure.supxlabel(logit_difference(logits, pair, classes, temperature), fontsize="small")


def logit_contributions(name: str, logit: float, bias: float) -> tuple[str, str]:
    """Return the title and the label below a class's image: its logit, and the logit's two terms.

    The terms are the sum over the pixels and the bias. The sum is adjusted so that the printed
    numbers add up.
    """
    logit, bias = round(logit, 2), round(bias, 2)
    terms = {"sum": signed(logit - bias, "+"), "bias": signed(bias, "+"), "logit": signed(logit)}
    return (
        tr("{name}: logit {logit}", name=shortened(name), logit=signed(logit)),
        tr("sum over the pixels {sum},\nbias {bias}: logit {logit}", **terms),
    )


def logit_difference(
    logits: Tensor, pair: Sequence[int], classes: Sequence[str], temperature: float
) -> str:
    """Return a caption: the meaning of the colours, and the difference of the two logits."""
    first, second = (round(float(logits[k]), 2) for k in pair)
    one, other = (float((logits / temperature).softmax(dim=0)[k]) for k in pair)
    return tr(
        "contributions to the two most probable classes: blue raises the logit, orange lowers it\n"
        "{name} against {rival}: {first} − {second} = {difference} ≈ {factor}log({one} / {other})",
        name=shortened(classes[pair[0]]),
        rival=shortened(classes[pair[1]]),
        first=signed(first),
        second=signed(second) if second >= 0 else f"({signed(second)})",
        difference=signed(first - second),
        factor="" if temperature == 1 else f"{temperature:.3g} × ",
        one=f"{one:.3g}",
        other=f"{other:.3g}",
    )


def signed(number: float, sign: str = "") -> str:
    """Format a number with two decimals and the sign −; with sign="+", also show the sign +."""
    return f"{number:{sign}.2f}".replace("-", "−")


def row_of(figure: FigureBase, columns: int) -> list[Axes]:
    """Return a row of axes for images, without ticks; frames show the edges of white images."""
    row = list(figure.subplots(1, columns, squeeze=False).flat)
    for axes in row:
        axes.set(xticks=[], yticks=[])
    return row


def draw_probabilities(bars: Axes, y_hat: Tensor, classes: Sequence[str]) -> None:
    """Draw the probabilities (q,) as bars; with many classes only the MOST_BARS highest, sorted."""
    if len(classes) > MOST_BARS:
        y_hat, highest = y_hat.topk(MOST_BARS)
        classes = [classes[k] for k in highest.tolist()]
    probabilities = y_hat.tolist()
    best = max(probabilities)
    colors = [BLUE if p == best else "lightsteelblue" for p in probabilities]
    drawn = bars.barh(range(len(classes)), probabilities, color=colors)
    labels = [format_probability(p) for p in probabilities]
    bars.bar_label(drawn, labels, padding=3, fontsize=8)
    bars.set_yticks(range(len(classes)), [shortened(name) for name in classes])
    bars.invert_yaxis()
    bars.set(xlim=(0, 1.15), xlabel=tr("probability"))
    bars.set_xticks([0, 0.5, 1])
    bars.spines[["top", "right"]].set_visible(False)
