"""The figure of a comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from d2l_softmax.figures.drawing import new_figure, whole_numbers
from d2l_softmax.training.agreement import Difference
from d2l_softmax.training.loop import EpochRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLES: tuple[dict[str, Any], ...] = (
    {"linewidth": 5, "alpha": 0.35, "marker": "o", "markersize": 9},
    {"linewidth": 1.2, "linestyle": "--", "marker": "."},
)
COLORS = {"train_loss": "tab:blue", "train_acc": "tab:orange", "test_acc": "tab:green"}
LABELS = {"train_loss": "train loss", "train_acc": "train accuracy", "test_acc": "test accuracy"}


def draw_comparison(
    records: Mapping[str, Sequence[EpochRecord]], differences: Sequence[Difference], dtype: str
) -> Figure:
    """Draw both histories on one axes, and below it how far apart they are, on a log axis."""
    figure, (curves, gaps) = new_figure(8, 7, rows=2, height_ratios=(3, 2), sharex=True)
    for (name, history), style in zip(records.items(), STYLES, strict=True):
        epochs = [record.epoch for record in history]
        for field, color in COLORS.items():
            values = [getattr(record, field) for record in history]
            curves.plot(epochs, values, color=color, label=f"{LABELS[field]}, {name}", **style)
    curves.set_ylabel("nats, or share of images")
    curves.set_title(f"{' (broad) and '.join(records)} (dashed), {dtype}")

    exact = []
    for field, label in (LABELS | {"W": "W, largest entry", "b": "b, largest entry"}).items():
        values = [getattr(difference, field) for difference in differences]
        if any(values):
            # A log axis has no place for 0: where the twins are equal there is a gap.
            gaps.plot(epochs, [value or math.nan for value in values], ".-", label=label)
        else:
            exact.append(label)
    epsilon = torch.finfo(getattr(torch, dtype)).eps
    gaps.axhline(epsilon, color="gray", linestyle=":", label=f"rounding of {dtype}, {epsilon:.1e}")
    gaps.set_yscale("log")
    gaps.set(xlabel="epoch", ylabel="difference")
    if exact:
        gaps.set_title(f"exactly equal: {', '.join(exact)}", fontsize="medium")
    whole_numbers(gaps.xaxis)
    for axes in (curves, gaps):
        axes.grid(alpha=0.3)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
