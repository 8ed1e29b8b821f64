"""The figure of a comparison: the histories of both implementations, and their differences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from d2l_softmax.figures.style import (
    BLUE,
    BROWN,
    CYAN,
    ORANGE,
    marker_interval,
    new_figure,
    whole_numbers,
)
from d2l_softmax.i18n import tr
from d2l_softmax.training.agreement import Difference
from d2l_softmax.training.fit import EpochRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLES: tuple[dict[str, Any], ...] = (
    {"linewidth": 5, "alpha": 0.35, "marker": "o", "markersize": 9},
    {"linewidth": 1.2, "linestyle": "--", "marker": "."},
)
# For each unit: fields of EpochRecord and Difference, with their labels and colours.
QUANTITIES = {
    "loss (nats)": {
        "train_loss": ("train loss", BLUE),
        "test_loss": ("test loss", CYAN),
    },
    "accuracy": {
        "train_acc": ("train accuracy", ORANGE),
        "test_acc": ("test accuracy", BROWN),
    },
    "W and b": {
        "W": ("W, largest entry", "tab:purple"),
        "b": ("b, largest entry", "black"),
    },
}


def draw_comparison(
    records: Mapping[str, Sequence[EpochRecord]], differences: Sequence[Difference], dtype: str
) -> Figure:
    """Draw the histories of both implementations, and below them their differences on log axes.

    `records` maps both names to histories. Of W and b, which histories lack, only the differences
    are drawn.
    """
    figure, all_axes = new_figure(8, 8, rows=3, columns=2, height_ratios=(3, 2, 2))
    one, other = records
    title = tr("{one} (thick) and {other} (dashed), {dtype}", one=one, other=other, dtype=dtype)
    figure.suptitle(title, fontsize="medium")
    histories, gaps, legend = all_axes[:2], all_axes[2:5], all_axes[5]
    for (name, history), style in zip(records.items(), STYLES, strict=True):
        legend.plot([], [], color="gray", label=name, **style)
        epochs = [record.epoch for record in history]
        style = {**style, "markevery": marker_interval(len(history))}
        for axes, (unit, quantities) in zip(histories, QUANTITIES.items(), strict=False):
            for field, (quantity, color) in quantities.items():
                label = tr("{quantity}, {twin}", quantity=tr(quantity), twin=name)
                values = [getattr(record, field) for record in history]
                axes.plot(epochs, values, color=color, label=label, **style)
            axes.set_ylabel(tr(unit))
    epsilon = torch.finfo(getattr(torch, dtype)).eps
    rounding = tr("machine epsilon of {dtype}, {epsilon}", dtype=dtype, epsilon=f"{epsilon:.1e}")
    for axes, (unit, quantities) in zip(gaps, QUANTITIES.items(), strict=True):
        equal = []
        for field, (quantity, color) in quantities.items():
            legend.plot([], [], ".-", color=color, label=tr(quantity))
            values = [getattr(difference, field) for difference in differences]
            if any(values):
                values = [value or math.nan for value in values]  # a log axis has no 0: a gap
                epochs = list(range(1, len(values) + 1))
                axes.plot(epochs, values, ".-", color=color, label=tr(quantity))
            else:
                equal.append(tr(quantity))
        has_lines = len(equal) < len(quantities)
        if has_lines:
            axes.axhline(epsilon, color="gray", linestyle=":", label=rounding)
        axes.set_yscale("log")
        lowest, highest = axes.get_ylim()  # widened to powers of ten, which the ticks name
        lowest, highest = math.floor(math.log10(lowest)), math.ceil(math.log10(highest))
        axes.set_ylim(10.0**lowest, 10.0**highest)  # floats: NumPy has no integers from 2^63
        axes.yaxis.set_major_formatter(lambda value, _: power_of_ten(value))
        axes.yaxis.set_minor_formatter("")
        axes.sharex(histories[0])
        axes.set(xlabel=tr("epoch"), ylabel=tr("difference: {quantity}", quantity=tr(unit)))
        if not has_lines:
            text = tr("exactly equal: {names}", names="\n" + "\n".join(equal))
            axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes)
            axes.set_yticks([])
            axes.set_yticks([], minor=True)
        elif equal:
            names = tr("; ").join(equal)
            axes.set_title(tr("exactly equal: {names}", names=names), fontsize="small")
    legend.plot([], [], color="gray", linestyle=":", label=rounding)
    legend.legend(loc="center")
    legend.axis("off")
    for axes in (*histories, *gaps):
        whole_numbers(axes.xaxis)
        axes.grid(alpha=0.3)
    return figure


def describe_comparison(
    records: Mapping[str, Sequence[EpochRecord]], differences: Sequence[Difference]
) -> str:
    """Return the alt text of `draw_comparison`."""
    one, other = (history[-1].train_loss for history in records.values())
    return tr(
        "Curves of both implementations over {epochs} epochs. The final losses are {one:.4f} and "
        "{other:.4f} nats; the largest difference in any epoch is {most:.1e}.",
        epochs=len(differences),
        one=one,
        other=other,
        most=max(difference.train_loss for difference in differences),
    )


def power_of_ten(value: float) -> str:
    """Format a power of ten for a tick label, such as 10⁻⁷."""
    exponent = str(round(math.log10(value)))
    return "10" + exponent.translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
