"""The figure of a comparison: a column for each unit, histories above, their differences below."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from d2l_softmax.figures.drawing import new_figure, whole_numbers
from d2l_softmax.language import tr
from d2l_softmax.training.agreement import Difference
from d2l_softmax.training.loop import EpochRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLES: tuple[dict[str, Any], ...] = (
    {"linewidth": 5, "alpha": 0.35, "marker": "o", "markersize": 9},
    {"linewidth": 1.2, "linestyle": "--", "marker": "."},
)


class Line(NamedTuple):
    """How one quantity is drawn, in histories and in differences."""

    label: str
    color: str


UNITS = {
    "loss (nats)": {"train_loss": Line("train loss", "tab:blue")},
    "accuracy": {
        "train_acc": Line("train accuracy", "tab:orange"),
        "test_acc": Line("test accuracy", "tab:green"),
    },
    "weight": {
        "W": Line("W, largest entry", "tab:purple"),
        "b": Line("b, largest entry", "tab:brown"),
    },
}


def draw_comparison(
    records: Mapping[str, Sequence[EpochRecord]], differences: Sequence[Difference], dtype: str
) -> Figure:
    """Draw both histories and, below, how far apart they are: one unit an axes.

    Of the weights, which a history doesn't have, there are differences only.
    """
    figure, all_axes = new_figure(10.5, 5.8, rows=2, columns=3, height_ratios=(3, 2), sharex="col")
    one, other = records
    title = tr("{one} (broad) and {other} (dashed), {dtype}", one=one, other=other, dtype=dtype)
    figure.suptitle(title, fontsize="medium")
    above, below = all_axes[:3], all_axes[3:]
    for (unit, lines), curves, gaps in zip(UNITS.items(), above, below, strict=True):
        if unit != "weight":
            draw_histories(curves, records, lines)
            curves.set_ylabel(tr(unit))
        draw_differences(gaps, differences, lines, dtype)
        gaps.set(xlabel=tr("epoch"), ylabel=tr("difference: {unit}", unit=tr(unit)))
    above[-1].axis("off")
    return figure


def draw_histories(
    axes: Axes, records: Mapping[str, Sequence[EpochRecord]], lines: Mapping[str, Line]
) -> None:
    """Draw quantities of one unit, of both twins, over the epochs."""
    for (name, history), style in zip(records.items(), STYLES, strict=True):
        epochs = [record.epoch for record in history]
        for field, line in lines.items():
            label = tr("{quantity}, {twin}", quantity=tr(line.label), twin=name)
            values = [getattr(record, field) for record in history]
            axes.plot(epochs, values, color=line.color, label=label, **style)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")


def draw_differences(
    axes: Axes, differences: Sequence[Difference], lines: Mapping[str, Line], dtype: str
) -> None:
    """Draw how far apart the twins are in quantities of one unit, on a log axis."""
    epochs = range(1, len(differences) + 1)
    exact = []
    for field, line in lines.items():
        values = [getattr(difference, field) for difference in differences]
        if any(values):
            # A log axis has no place for 0: where the twins are equal there is a gap.
            values = [value or math.nan for value in values]
            axes.plot(epochs, values, ".-", color=line.color, label=tr(line.label))
        else:
            exact.append(tr(line.label))
    epsilon = torch.finfo(getattr(torch, dtype)).eps
    label = tr("rounding of {dtype}, {epsilon}", dtype=dtype, epsilon=f"{epsilon:.1e}")
    axes.axhline(epsilon, color="gray", linestyle=":", label=label)
    axes.set_yscale("log")
    if exact:
        names = tr(", ").join(exact)
        axes.set_title(tr("exactly equal: {names}", names=names), fontsize="small")
    whole_numbers(axes.xaxis)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
