"""The figures of the notebooks. Each function takes the results of a cell and returns a figure."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from d2l_softmax.figures.curves import draw_curves
from d2l_softmax.figures.losses import draw_losses
from d2l_softmax.figures.style import (
    GRAY,
    default_style,
    draw_tile,
    new_figure,
    new_tiles,
    shortened,
    signed_colors,
)
from d2l_softmax.i18n import tr, use_language
from d2l_softmax.training.fit import EpochRecord

_contexts = ExitStack()  # keeps the contexts open, as they end when they are garbage-collected


def use_chinese() -> None:
    """Draw all further figures with Chinese texts, in an installed Chinese font."""
    _contexts.enter_context(use_language("zh"))
    _contexts.enter_context(default_style())


# 1 to 4: ideas


def regression_and_classification(x: Tensor, values: Tensor, scores: Tensor) -> Figure:
    """Draw values (n,) with a line, and three scores (3, n), against the input x (n,)."""
    figure, (left, right) = new_figure(8, 2.8, columns=2)
    left.plot(x, values, ".", color="gray")
    left.plot(x, 0.8 * x + 0.5)
    left.set(title=tr("regression: one output"), xlabel="x", ylabel=tr("a value"))
    right.plot(x, scores.amax(dim=0), color="gold", linewidth=7, alpha=0.6, label=tr("the largest"))
    for k, score in enumerate(scores):
        right.plot(x, score, label=tr("class {k}", k=k))
    title = tr("classification: an output for each class")
    right.set(title=title, xlabel="x", ylabel=tr("a score"))
    right.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def images_and_weights(X: Tensor, W: Tensor) -> Figure:
    """Draw images X (n, 4) and the templates W (4, q) as 2×2 squares with their numbers."""
    figure, all_axes = new_figure(8, 1.6, columns=len(X) + W.shape[1])
    for k, (image, axes) in enumerate(zip(X, all_axes[: len(X)], strict=True)):
        matrix(axes, image.reshape(2, 2), tr("image {k}", k=k))
    for k, (template, axes) in enumerate(zip(W.T, all_axes[len(X) :], strict=True)):
        matrix(axes, template.reshape(2, 2), tr("weights of {k}", k=k))
    return figure


def matrix(
    axes: Axes,
    values: Tensor,
    title: str,
    brightest: float = 1,
    cmap: str = "gray",
    color: str = "red",
) -> None:
    """Draw a matrix as an image with its numbers; colours range from 0 to `brightest`."""
    axes.imshow(values, cmap=cmap, vmin=0, vmax=brightest)
    for (row, column), value in np.ndenumerate(values):
        style = {"color": color, "weight": "bold", "ha": "center", "va": "center"}
        axes.text(column, row, f"{value:.2g}", **style)
    axes.set_title(title, fontsize="medium")
    axes.set(xticks=[], yticks=[])


def bars(axes: Axes, heights: Tensor, title: str, **style: object) -> None:
    """Draw a labelled bar for each class."""
    drawn = axes.bar([str(k) for k in range(len(heights))], heights, **style)
    axes.bar_label(drawn, fmt="%.2f", padding=2, fontsize=8)
    axes.set(title=title, xlabel=tr("class"))


def softmax_steps(logits: Tensor) -> Figure:
    """Draw one row of logits (q,), their exponentials, and the probabilities."""
    figure, all_axes = new_figure(8, 2.4, columns=3)
    exponentials = torch.exp(logits)
    steps = {
        "logits": logits,
        "exp": exponentials,
        tr("divided by the sum"): exponentials / exponentials.sum(),
    }
    for axes, (title, heights) in zip(all_axes, steps.items(), strict=True):
        bars(axes, heights, title, color=["lightsteelblue", "tab:blue", "steelblue"])
        axes.margins(y=0.2)
    return figure


def temperatures(softmax: Callable, logits: Tensor, temperatures: Sequence[float]) -> Figure:
    """Draw the softmax of one row of logits (1, q) divided by each temperature."""
    figure, all_axes = new_figure(9, 2.4, columns=len(temperatures), sharey=True)
    for T, axes in zip(temperatures, all_axes, strict=True):
        bars(axes, softmax(logits / T)[0], f"T = {T:g}", color="tab:blue")
        axes.set(ylim=(0, 1.15))
    all_axes[0].set_ylabel(tr("probability"))
    return figure


def cost_of_probability(picked: Tensor) -> Figure:
    """Draw -log p against p, and mark the probabilities picked (3,) of three images."""
    p = torch.linspace(0.01, 1, 100)
    figure, (axes,) = new_figure(5, 2.8)
    axes.plot(p, -torch.log(p))
    axes.plot(picked, -torch.log(picked), "o", color="tab:red")
    shifts = [(0.01, 0.15), (0.02, 0.15), (-0.16, -0.5)]
    for k, (probability, (right, up)) in enumerate(zip(picked, shifts, strict=True)):
        text = tr("image {k}", k=k)
        axes.text(probability + right, up - torch.log(probability), text)
    axes.set(xlabel=tr("probability of the true class"), ylabel=tr("loss (nats)"))
    axes.grid(alpha=0.3)
    return figure


def errors(error: Tensor) -> Figure:
    """Draw the errors y_hat - y (n, q) as bars, in one chart per image."""
    figure, all_axes = new_figure(8, 2.5, columns=len(error), sharey=True)
    for k, axes in enumerate(all_axes):
        colors = ["tab:red" if e > 0 else "tab:blue" for e in error[k]]
        bars(axes, error[k], tr("image {k}", k=k), color=colors)
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set(ylim=(-0.95, 0.75))
    all_axes[0].set_ylabel(tr("predicted - true"))
    return figure


def losses(functions: Mapping[Callable, Callable]) -> Figure:
    """Draw losses, functions of (y_hat, y), with their likelihoods and gradients.

    `functions` maps each loss to its gradient.
    """
    titles = {"squared": tr("squared loss"), "l1": tr("L1 loss"), "huber": tr("Huber's loss")}
    return draw_losses({titles[loss.__name__]: (loss, functions[loss]) for loss in functions})


# 5 to 7: from scratch


def tiles(
    images: Tensor, labels: Sequence[int], classes: Sequence[str], columns: int = 9
) -> Figure:
    """Draw images (n, 1, h, w) below the names of their classes."""
    figure, axes = new_tiles(len(images), columns)
    for place, (image, label) in enumerate(zip(images, labels, strict=True)):
        draw_tile(axes, place, columns, image, shortened(classes[label]), **GRAY)
    return figure


def sums(tables: Mapping[str, Tensor]) -> Figure:
    """Draw matrices with their names above and their shapes below."""
    figure, all_axes = new_figure(9, 1.9, columns=len(tables))
    for axes, (title, values) in zip(all_axes, tables.items(), strict=True):
        matrix(axes, values, title, brightest=30, cmap="Blues", color="black")
        axes.set(xlim=(-0.6, 2.6), ylim=(1.6, -0.6), xlabel=f"{tuple(values.shape)}")
        axes.set_frame_on(False)
    return figure


def largest_exponents() -> Figure:
    """Draw log₁₀ exp(x) up to the x at which exp overflows, for four floating-point formats."""
    figure, (axes,) = new_figure(5, 2.7)
    markers = {"float64": "s", "float32": "o", "bfloat16": "+", "float16": "x"}
    for name, marker in markers.items():
        limit = np.log(torch.finfo(getattr(torch, name)).max)
        axes.plot([0, limit], [0, limit / np.log(10)], color="tab:blue")
        axes.plot(limit, limit / np.log(10), marker, markersize=8, label=f"{name}: {limit:.2f}")
    axes.set(xlabel="x", ylabel="log₁₀ exp(x)")
    axes.legend(title=tr("the largest x"))
    axes.grid(alpha=0.3)
    return figure


def means_and_templates(means: Tensor, templates: Tensor, classes: Sequence[str]) -> Figure:
    """Draw ten mean images (10, 1, h, w), and below them ten templates of the same shape."""
    colors = signed_colors(templates.abs().max().item())
    figure, axes = new_tiles(20, columns=10)
    for k in range(10):
        draw_tile(axes, k, 10, means[k], shortened(classes[k]), **GRAY)
        draw_tile(axes, 10 + k, 10, templates[k], "", **colors)
    return figure


def curves(history: Sequence[tuple[float, float, float, float]]) -> Figure:
    """Draw the curves of (train_loss, train_acc, test_loss, test_acc) of each epoch."""
    records = [
        EpochRecord(epoch, train_loss, train_acc, test_acc, test_loss, seconds=0)
        for epoch, (train_loss, train_acc, test_loss, test_acc) in enumerate(history, start=1)
    ]
    return draw_curves(records, tr("ten epochs of SGD, learning rate 0.1"))


# 8 and 9: with the library


def gaps(loss_gaps: Sequence[float], weight_gaps: Sequence[float]) -> Figure:
    """Draw the differences of two trainings after each epoch; a difference of 0 has no point."""
    figure, (axes,) = new_figure(5.5, 2.9)
    epochs = range(1, len(loss_gaps) + 1)
    axes.plot(epochs, [gap or np.nan for gap in loss_gaps], "o-", label=tr("train loss"))
    axes.plot(epochs, [gap or np.nan for gap in weight_gaps], "s--", label=tr("W, largest entry"))
    rounding = tr("rounding of float32, 1.2e-7")
    axes.axhline(2**-23, color="gray", linestyle=":", label=rounding)
    axes.set(yscale="log", ylim=(1e-11, 1e-4), xlabel=tr("epoch"), ylabel=tr("difference"))
    axes.yaxis.set_major_formatter("{x:.0e}")  # default_style disables mathematical text
    axes.legend(loc="upper left")
    axes.grid(alpha=0.3)
    return figure


def optimizers(sgd: Sequence[float], adam: Sequence[float]) -> Figure:
    """Draw the training losses of SGD and Adam for the epochs that `adam` has."""
    figure, (axes,) = new_figure(5, 2.7)
    epochs = range(1, len(adam) + 1)
    axes.plot(epochs, sgd[: len(adam)], "o-", label=tr("SGD, 0.1"))
    axes.plot(epochs, adam, "s--", label=tr("Adam, 1e-4"))
    axes.set(
        xlabel=tr("epoch"), ylabel=tr("train loss (nats)"), xticks=list(epochs), ylim=(0, None)
    )
    axes.legend()
    axes.grid(alpha=0.3)
    return figure
