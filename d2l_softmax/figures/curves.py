"""The learning curves of a run."""

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
    """Draw the training loss (left) and all accuracies (right) against the epoch.

    Training values are running means over the epoch; the others are measured after it.
    """
    figure, (loss_axes, accuracy_axes) = new_figure(8, 3.2, columns=2)
    figure.suptitle(title, fontsize="medium")
    epochs = [record.epoch for record in history]
    lines: list[tuple[Axes, str, str, list]] = [
        (loss_axes, "o-", tr("train (running mean)"), [r.train_loss for r in history]),
        (accuracy_axes, "o-", tr("train (running mean)"), [r.train_acc for r in history]),
        (accuracy_axes, "s--", tr("test"), [r.test_acc for r in history]),
    ]
    if history[0].valid_acc is not None:
        validation = [r.valid_acc for r in history]
        lines.append((accuracy_axes, "^-.", tr("validation"), validation))
    for axes, style, label, values in lines:
        axes.plot(epochs, values, style, markersize=4, label=label)  # one epoch is a marker
    loss_axes.set_ylabel(tr("cross-entropy (nats)"))
    accuracy_axes.set_ylabel(tr("accuracy"))
    for axes in (loss_axes, accuracy_axes):
        axes.set_xlabel(tr("epoch"))
        whole_numbers(axes.xaxis)
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


def describe_curves(history: Sequence[EpochRecord]) -> str:
    """Describe the learning curves of a run."""
    first, last = history[0], history[-1]
    return tr(
        "Two line plots against the epoch. The training loss goes from {first:.2f} to {last:.2f} "
        "nats in {epochs} epochs; the final accuracy is {train:.2f} on the training data and "
        "{test:.2f} on the test data.",
        first=first.train_loss,
        last=last.train_loss,
        epochs=len(history),
        train=last.train_acc,
        test=last.test_acc,
    )
