"""The learning curves of a run."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from d2l_softmax.figures.style import marker_interval, new_figure, whole_numbers
from d2l_softmax.i18n import tr
from d2l_softmax.training.fit import EpochRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VISIBLE = 0.005  # a decrease of the test accuracy that is visible in the figure


def draw_curves(history: Sequence[EpochRecord], title: str) -> Figure:
    """Draw the losses (left) and the accuracies (right) against the epoch.

    Training values are running means over the epoch; validation and test values are measured at its
    end.
    """
    figure, (loss_axes, accuracy_axes) = new_figure(8, 3.2, columns=2)
    figure.suptitle(title, fontsize="medium")
    epochs = [record.epoch for record in history]
    marks: dict[str, Any] = {"markersize": 4, "markevery": marker_interval(len(history))}
    lines = [("train", tr("train (running mean)"), "o-"), ("test", tr("test"), "s--")]
    if history[0].valid_acc is not None:
        lines.append(("valid", tr("validation"), "^-."))
    for axes, quantity in ((loss_axes, "loss"), (accuracy_axes, "acc")):
        for split, label, style in lines:
            values = [getattr(record, f"{split}_{quantity}") for record in history]
            values = [math.nan if value is None else value for value in values]
            axes.plot(epochs, values, style, label=label, **marks)  # one epoch is a marker
    loss_axes.set_ylabel(tr("cross-entropy (nats)"))
    accuracy_axes.set_ylabel(tr("accuracy"))
    for axes in (loss_axes, accuracy_axes):
        axes.set_xlabel(tr("epoch"))
        whole_numbers(axes.xaxis)
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


def fluctuates(history: Sequence[EpochRecord]) -> bool:
    """Return True if the test accuracy ever drops by more than VISIBLE from epoch to epoch."""
    accuracies = [record.test_acc for record in history]
    return any(before - after > VISIBLE for before, after in itertools.pairwise(accuracies))


def describe_curves(history: Sequence[EpochRecord]) -> str:
    """Return the alt text of `draw_curves`."""
    first, last = history[0], history[-1]
    return tr(
        "Two line plots against the epoch. The training loss goes from {first:.2f} to {last:.2f} "
        "nats in {epochs} epochs; the final test loss is {test_loss:.2f}. The final accuracy is "
        "{train:.2f} on the training data and {test:.2f} on the test data.",
        first=first.train_loss,
        last=last.train_loss,
        epochs=len(history),
        test_loss=last.test_loss,
        train=last.train_acc,
        test=last.test_acc,
    )
