"""The curves of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from d2l_softmax.figures.drawing import new_figure, whole_numbers
from d2l_softmax.training.loop import EpochRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_curves(history: Sequence[EpochRecord], title: str) -> Figure:
    """Draw the loss on the left and both accuracies on the right, over the epochs."""
    figure, (loss_axes, accuracy_axes) = new_figure(8, 3.2, columns=2)
    figure.suptitle(title, fontsize="medium")
    epochs = [record.epoch for record in history]
    draw_lines(loss_axes, epochs, {"train": [r.train_loss for r in history]})
    loss_axes.set_ylabel("cross-entropy (nats)")
    accuracies = {"train": [r.train_acc for r in history], "test": [r.test_acc for r in history]}
    if history[0].valid_acc is not None:
        accuracies["validation"] = [r.valid_acc or 0.0 for r in history]
    draw_lines(accuracy_axes, epochs, accuracies)
    accuracy_axes.set_ylabel("accuracy")
    for axes in (loss_axes, accuracy_axes):
        axes.set_xlabel("epoch")
        whole_numbers(axes.xaxis)
    return figure


def draw_lines(axes: Axes, x: Sequence[float], lines: dict[str, list[float]]) -> None:
    """Draw named lines with a mark on every value; one value alone is then still seen."""
    for (label, values), style in zip(lines.items(), ("o-", "s--", "^-."), strict=False):
        axes.plot(x, values, style, markersize=4, label=label)
    axes.grid(alpha=0.3)
    axes.legend()
