"""The figure of a prediction: what the model saw of a picture, and what its answer is made of."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from d2l_softmax.figures.style import (
    WRONG,
    draw_image,
    new_figure,
    shortened,
    signed_colors,
)
from d2l_softmax.i18n import tr
from d2l_softmax.training.evaluation import Model

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase
    from PIL.Image import Image


MOST_BARS = 12


def draw_prediction(
    X: Tensor,
    steps: Mapping[str, Image],
    doubts: Sequence[str],
    model: Model,
    classes: Sequence[str],
) -> Figure:
    """Draw how a picture became X (1, c, h, w), the probabilities, and what they are made of.

    `steps` is the picture after each step, by the step's name. Where X are features (1, d), the
    probabilities alone are drawn. Doubts are English sentences.
    """
    from matplotlib.figure import Figure

    with torch.no_grad():
        y_hat = model.probabilities(X)[0]
    if X.dim() == 2:
        figure, (bars,) = new_figure(4.5, 2.9)
        draw_probabilities(bars, y_hat, classes)
        return figure
    height = (5.3 if steps else 3.6) + 0.25 * len(doubts)
    figure = Figure(figsize=(12, height), dpi=150, layout="constrained")
    images, bars = figure.subfigures(1, 2, width_ratios=(2.6, 1), squeeze=False)[0]
    if steps:
        upper, images = images.subfigures(2, 1, height_ratios=(1, 1.45), squeeze=False)[:, 0]
        draw_steps(upper, steps)
    draw_products(images, X, model, classes)
    draw_probabilities(bars.subplots(), y_hat, classes)
    if doubts:
        lines = [line for doubt in doubts for line in textwrap.wrap(tr(doubt), 140)]
        figure.suptitle("\n".join(lines), color=WRONG, fontsize="medium")
    return figure


def draw_steps(figure: FigureBase, steps: Mapping[str, Image]) -> None:
    """Draw a picture after each of the steps, in a row."""
    for axes, (name, picture) in zip(row_of(figure, len(steps)), steps.items(), strict=True):
        axes.imshow(picture.convert("RGBA"))
        axes.set_title(textwrap.fill(tr(name), 22), fontsize="small")


def draw_products(figure: FigureBase, X: Tensor, model: Model, classes: Sequence[str]) -> None:
    """Draw X (1, c, h, w) and, for the class and its rival, each pixel times its weight.

    The rival is the second most probable class. The products of a class and its bias sum to its
    logit, and the difference of two logits is the logarithm of the ratio of the probabilities.
    """
    W, b = model.W.detach(), model.b.detach()
    logits = (X.flatten(1) @ W + b)[0]  # (1, d) @ (d, q) -> (1, q)
    pair = logits.topk(2).indices.tolist()
    products = (X.flatten() * W[:, pair].T).reshape(2, *X.shape[1:]).sum(dim=1)  # (2, h, w)
    style = signed_colors(float(products.abs().max()) or 1.0)
    seen, *both = axes = row_of(figure, 3)
    draw_image(seen, X[0])
    seen.set_title(tr("what the model saw"), fontsize="small")
    for place, product, k in zip(both, products, pair, strict=True):
        image = place.imshow(product.numpy(force=True), **style)
        name, sum_and_bias = logit_contributions(classes[k], float(logits[k]), float(b[k]))
        place.set_title(name, fontsize="small")
        place.set_xlabel(sum_and_bias, fontsize=8)
    figure.colorbar(image, ax=axes, label=tr("pixel × weight"), shrink=0.8)
    figure.supxlabel(against(logits, pair, classes), fontsize="small")


def logit_contributions(name: str, logit: float, bias: float) -> tuple[str, str]:
    """Return a class with its logit, and the sum of the products and the bias that give it.

    The sum is rounded so that what is shown adds up.
    """
    logit, bias = round(logit, 2), round(bias, 2)
    parts = {"sum": plain(logit - bias, "+"), "bias": plain(bias, "+"), "logit": plain(logit)}
    return (
        tr("{name}: logit {logit}", name=shortened(name), logit=plain(logit)),
        tr("sum of the pixels {sum},\nbias {bias}: logit {logit}", **parts),
    )


def against(logits: Tensor, pair: Sequence[int], classes: Sequence[str]) -> str:
    """Say what the colours mean, and what the difference of a class's and its rival's logits is."""
    first, second = (round(float(logits[k]), 2) for k in pair)
    one, other = (float(logits.softmax(dim=0)[k]) for k in pair)
    return tr(
        "blue pixels count towards the class, orange ones against it\n"
        "{name} against {rival}: {first} − {second} = {difference} ≈ log({one} / {other})",
        name=shortened(classes[pair[0]]),
        rival=shortened(classes[pair[1]]),
        first=plain(first),
        second=plain(second) if second >= 0 else f"({plain(second)})",
        difference=plain(first - second),
        one=f"{one:.3g}",
        other=f"{other:.3g}",
    )


def plain(number: float, sign: str = "") -> str:
    """Return a number with two decimals and a true minus; with the sign "+", a plus, too."""
    return f"{number:{sign}.2f}".replace("-", "−")


def row_of(figure: FigureBase, columns: int) -> list[Axes]:
    """Return a row of axes for images: a frame, as what they show may be white, and no ticks."""
    row = list(figure.subplots(1, columns, squeeze=False).flat)
    for axes in row:
        axes.set(xticks=[], yticks=[])
    return row


def draw_probabilities(bars: Axes, y_hat: Tensor, classes: Sequence[str]) -> None:
    """Draw the probabilities (q,) as bars; of many classes the highest only, from the top down."""
    if len(classes) > MOST_BARS:
        y_hat, highest = y_hat.topk(MOST_BARS)
        classes = [classes[k] for k in highest.tolist()]
    probabilities = y_hat.tolist()
    best = max(probabilities)
    colors = ["tab:blue" if p == best else "lightsteelblue" for p in probabilities]
    drawn = bars.barh(range(len(classes)), probabilities, color=colors)
    bars.bar_label(drawn, fmt="%.3f", padding=3, fontsize=8)
    bars.set_yticks(range(len(classes)), [shortened(name) for name in classes])
    bars.invert_yaxis()
    bars.set(xlim=(0, 1.15), xlabel=tr("probability"))
    bars.set_xticks([0, 0.5, 1])
    bars.spines[["top", "right"]].set_visible(False)
