"""The figure of a comparison: both histories, and below them how far apart they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from d2l_softmax.figures.style import new_figure, whole_numbers
from d2l_softmax.i18n import tr
from d2l_softmax.training.agreement import Difference
from d2l_softmax.training.history import EpochRecord

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
    "W and b": {
        "W": Line("W, largest entry", "tab:purple"),
        "b": Line("b, largest entry", "tab:brown"),
    },
}


def draw_comparison(
    records: Mapping[str, Sequence[EpochRecord]], differences: Sequence[Difference], dtype: str
) -> Figure:
    """Draw both histories and, below, how far apart they are, on log axes: one unit an axes.

    Of W and b, which a history doesn't have, there are differences only.
    """
    figure, all_axes = new_figure(8, 8, rows=3, columns=2, height_ratios=(3, 2, 2))
    one, other = records
    title = tr("{one} (broad) and {other} (dashed), {dtype}", one=one, other=other, dtype=dtype)
    figure.suptitle(title, fontsize="medium")
    histories, gaps, legend = all_axes[:2], all_axes[2:5], all_axes[5]
    for axes, (unit, lines) in zip(histories, UNITS.items(), strict=False):
        draw_histories(axes, records, lines)
        axes.set_ylabel(tr(unit))
    for axes, (unit, lines) in zip(gaps, UNITS.items(), strict=True):
        axes.sharex(histories[0])
        draw_differences(axes, differences, lines, dtype)
        axes.set(xlabel=tr("epoch"), ylabel=tr("difference: {unit}", unit=tr(unit)))
    draw_legend(legend, list(records), dtype)
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
    whole_numbers(axes.xaxis)
    axes.grid(alpha=0.3)


def draw_differences(
    axes: Axes, differences: Sequence[Difference], lines: Mapping[str, Line], dtype: str
) -> None:
    """Draw how far apart the twins are in quantities of one unit; say where they are equal."""
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
    epsilon, label = rounding_of(dtype)
    axes.axhline(epsilon, color="gray", linestyle=":", label=label)
    axes.set_yscale("log")
    if exact:
        equal = tr("exactly equal: {names}", names=tr("; ").join(exact))
        axes.set_title(equal, fontsize="small")
    whole_numbers(axes.xaxis)
    axes.grid(alpha=0.3)


def draw_legend(axes: Axes, twins: Sequence[str], dtype: str) -> None:
    """Draw what all lines mean, in a place of its own: on the axes it would cover some of them."""
    for name, style in zip(twins, STYLES, strict=True):
        axes.plot([], [], color="gray", label=name, **style)
    for lines in UNITS.values():
        for line in lines.values():
            axes.plot([], [], ".-", color=line.color, label=tr(line.label))
    axes.plot([], [], color="gray", linestyle=":", label=rounding_of(dtype)[1])
    axes.legend(loc="center")
    axes.axis("off")


def rounding_of(dtype: str) -> tuple[float, str]:
    """Return the relative rounding error of a dtype, and what it is called in the figure."""
    epsilon = torch.finfo(getattr(torch, dtype)).eps
    return epsilon, tr("rounding of {dtype}, {epsilon}", dtype=dtype, epsilon=f"{epsilon:.1e}")
