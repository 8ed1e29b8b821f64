"""The figure of a learning curve, and what it says."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from d2l_softmax.figures.style import new_figure
from d2l_softmax.i18n import tr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE = 0.05  # a gap from which on more images are worth while
Accuracies = Mapping[int, Sequence[float]]  # by the number of images: an accuracy for each seed


def draw_learning_curve(train: Accuracies, valid: Accuracies) -> Figure:
    """Draw training and validation accuracy against the number of images, on a log axis.

    Lines are medians over the seeds, bands reach from the lowest to the highest.
    """
    figure, (axes,) = new_figure(7, 4.6)
    named = {
        tr("on the images that it learned from"): (train, "o-"),
        tr("on held-out images"): (valid, "s--"),
    }
    for name, (accuracies, style) in named.items():
        sizes = list(accuracies)
        middle = [statistics.median(values) for values in accuracies.values()]
        (line,) = axes.plot(sizes, middle, style, markersize=4, label=name)
        lowest, highest = ([f(v) for v in accuracies.values()] for f in (min, max))
        axes.fill_between(sizes, lowest, highest, color=line.get_color(), alpha=0.2, linewidth=0)
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes], fontsize=8)
    axes.minorticks_off()
    axes.set(xlabel=tr("training images"), ylabel=tr("accuracy"))
    axes.grid(alpha=0.3)
    axes.legend()
    axes.set_title(summarize_gap(train, valid), fontsize="medium")
    return figure


def summarize_gap(train: Accuracies, valid: Accuracies) -> str:
    """Return in two lines what the gap between both accuracies says, with few images and many."""
    few, many = min(train), max(train)
    known, unknown = (statistics.median(accuracies[few]) for accuracies in (train, valid))
    gap = statistics.median(train[many]) - statistics.median(valid[many])
    if gap > WIDE:
        last = tr("{n:,} images: a gap of {gap:.3f}, so more images should help", n=many, gap=gap)
    else:
        last = tr(
            "{n:,} images: a gap of {gap:.3f}, so more images would change little", n=many, gap=gap
        )
    first = tr(
        "{n:,} images: accuracy {known:.3f} on these, {unknown:.3f} on others",
        n=few,
        known=known,
        unknown=unknown,
    )
    return f"{first}\n{last}"
