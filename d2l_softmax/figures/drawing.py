"""Figures of a run, and what all figures share. No pyplot: no display is ever needed."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from d2l_softmax.data.fashion_mnist import LABELS, get_fashion_mnist_labels
from d2l_softmax.storage.files import write_atomically
from d2l_softmax.training.loop import EpochRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from PIL.Image import Image

WRONG = "#c62828"
GRAY = {"cmap": "gray", "vmin": 0, "vmax": 1}
TILE_HEIGHT = 1.3  # of a tile with its title, in widths


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1, **grid):
    """Return a figure of the size in inches and its axes, a flat list."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False, **grid).flat)


def draw_curves(history: Sequence[EpochRecord], title: str) -> Figure:
    """Draw the loss on the left and both accuracies on the right, over the epochs."""
    figure, (loss_axes, accuracy_axes) = new_figure(8, 3.2, columns=2)
    figure.suptitle(title, fontsize="medium")
    epochs = [record.epoch for record in history]
    draw_lines(loss_axes, epochs, {"train": [r.train_loss for r in history]})
    loss_axes.set_ylabel("cross-entropy (nats)")
    accuracies = {"train": [r.train_acc for r in history], "test": [r.test_acc for r in history]}
    if history[0].valid_acc is not None:
        accuracies["validation"] = [r.valid_acc for r in history]
    draw_lines(accuracy_axes, epochs, accuracies)
    accuracy_axes.set_ylabel("accuracy")
    for axes in (loss_axes, accuracy_axes):
        axes.set_xlabel("epoch")
        whole_numbers(axes.xaxis)
    return figure


def whole_numbers(axis: Axis) -> None:
    """Mark whole numbers only: there is no epoch 2.5."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def draw_lines(axes: Axes, x: Sequence[float], lines: dict[str, Sequence[float]]) -> None:
    """Draw named lines with a mark on every value; one value alone is then still seen."""
    for (label, values), style in zip(lines.items(), ("o-", "s--", "^-."), strict=False):
        axes.plot(x, values, style, markersize=4, label=label)
    axes.grid(alpha=0.3)
    axes.legend()


def draw_predictions(
    images: Sequence[Tensor], y: Tensor, predicted: Tensor, columns: int = 9
) -> Figure:
    """Draw images (1, h, w) under their true and predicted labels, the wrong ones red with ✗."""
    figure, axes = new_tiles(len(images), columns)
    figure.suptitle("true label above predicted label, the wrong ones with ✗", fontsize="medium")
    names = zip(get_fashion_mnist_labels(y), get_fashion_mnist_labels(predicted), strict=True)
    for place, (image, (true_name, predicted_name)) in enumerate(zip(images, names, strict=True)):
        right = true_name == predicted_name
        title = f"{true_name}\n{predicted_name if right else f'✗ {predicted_name}'}"
        draw_tile(axes, place, columns, image[0], title, "black" if right else WRONG, **GRAY)
    return figure


def new_tiles(number: int, columns: int, side=1.1, margin=0.0) -> tuple[Figure, Axes]:
    """Return a figure with room for square tiles under their titles, all on one axes.

    An axes for each would take most of the time of drawing. Side and right margin are in inches.
    """
    rows = -(-number // columns)
    figure, (axes,) = new_figure(side * columns + margin, side * TILE_HEIGHT * rows + 0.3)
    axes.axis("off")
    axes.set(
        aspect="equal",
        autoscale_on=False,
        xlim=(0, columns),
        ylim=(rows * TILE_HEIGHT, 0),
    )
    return figure, axes


def draw_tile(
    axes: Axes, place: int, columns: int, image: Tensor, title: str, color="black", **style
) -> AxesImage:
    """Draw an image (h, w) at a place, counted in rows of so many, under a title of two lines."""
    row, column = divmod(place, columns)
    left, bottom = column + 0.05, (row + 1) * TILE_HEIGHT - 0.05
    axes.text(left + 0.45, bottom - 0.95, title, ha="center", va="bottom", fontsize=8, color=color)
    extent = (left, left + 0.9, bottom, bottom - 0.9)
    return axes.imshow(image.numpy(force=True), extent=extent, **style)


def draw_image(axes: Axes, image: Tensor) -> None:
    """Draw an image (1, h, w) with values in [0, 1], without a frame."""
    axes.imshow(image[0].numpy(force=True), **GRAY)
    axes.axis("off")


def draw_prediction(picture: Image, X: Tensor, y_hat: Tensor) -> Figure:
    """Draw a picture, what the model saw of it (1, 1, 28, 28), and the probabilities (1, q)."""
    figure, (original, seen, bars) = new_figure(9, 2.9, columns=3, width_ratios=(1, 1, 1.3))
    original.imshow(picture.convert("RGBA"))
    original.set_title("the picture", fontsize="medium")
    draw_image(seen, X[0])
    seen.set_title("what the model saw", fontsize="medium")
    original.set(xticks=[], yticks=[])  # but a frame: the picture may be white to its edge
    probabilities = y_hat[0].tolist()
    best = max(probabilities)
    colors = ["tab:blue" if p == best else "lightsteelblue" for p in probabilities]
    drawn = bars.barh(LABELS, probabilities, color=colors)
    bars.bar_label(drawn, fmt="%.3f", padding=3, fontsize=8)
    bars.invert_yaxis()
    bars.set(xlim=(0, 1.15), xlabel="probability")
    bars.set_xticks([0, 0.5, 1])
    bars.spines[["top", "right"]].set_visible(False)
    return figure


def draw_losses(losses: dict[str, tuple[Callable, Callable]]) -> Figure:
    """Draw each loss (value, gradient) over predictions of a target of 0, with its likelihood."""
    figure, all_axes = new_figure(3 * len(losses), 3.2, columns=len(losses))
    y_hat = torch.linspace(-3, 3, 601, dtype=torch.float64)
    y = torch.zeros_like(y_hat)
    for axes, (name, (loss, gradient)) in zip(all_axes, losses.items(), strict=True):
        values, slopes = loss(y_hat, y), gradient(y_hat, y)
        axes.plot(y_hat, values, "-", label="loss")
        axes.plot(y_hat, torch.exp(-values), "--", label="likelihood exp(-loss)")
        axes.plot(y_hat, slopes, "-.", label="gradient")
        axes.set(title=name, xlabel="prediction, for a target of 0")
        axes.grid(alpha=0.3)
        axes.sharey(all_axes[0])
    figure.legend(*all_axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def save_figure(path: Path, figure: Figure) -> None:
    """Write the figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_atomically(path, buffer.getvalue())
