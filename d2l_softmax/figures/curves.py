"""The curves of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from d2l_softmax.figures.style import new_figure, whole_numbers
from d2l_softmax.i18n import tr
from d2l_softmax.training.history import EpochRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_curves(history: Sequence[EpochRecord], title: str) -> Figure:
    """Draw the loss on the left and the accuracies on the right, over the epochs.

    Each line says when it is measured: training while the epoch runs, the others at its end.
    """
    figure, (loss_axes, accuracy_axes) = new_figure(8, 3.2, columns=2)
    figure.suptitle(title, fontsize="medium")
    epochs = [record.epoch for record in history]
    during, after = tr("train, during the epoch"), tr("test, after it")
    draw_lines(loss_axes, epochs, {during: [r.train_loss for r in history]})
    loss_axes.set_ylabel(tr("cross-entropy (nats)"))
    accuracies = {during: [r.train_acc for r in history], after: [r.test_acc for r in history]}
    if history[0].valid_acc is not None:
        accuracies[tr("validation, after it")] = [r.valid_acc or 0.0 for r in history]
    draw_lines(accuracy_axes, epochs, accuracies)
    accuracy_axes.set_ylabel(tr("accuracy"))
    for axes in (loss_axes, accuracy_axes):
        axes.set_xlabel(tr("epoch"))
        whole_numbers(axes.xaxis)
    return figure


def draw_lines(axes: Axes, x: Sequence[float], lines: dict[str, list[float]]) -> None:
    """Draw named lines with a mark on every value; one value alone is then still seen."""
    for (label, values), style in zip(lines.items(), ("o-", "s--", "^-."), strict=False):
        axes.plot(x, values, style, markersize=4, label=label)
    axes.grid(alpha=0.3)
    axes.legend()
