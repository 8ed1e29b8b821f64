"""The figure of a sweep: the accuracy of each setting, as a heat map, with the best marked."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from d2l_softmax.figures.style import new_figure
from d2l_softmax.i18n import tr
from d2l_softmax.training.selection import Score, best_first

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

DEPTH = 0.1  # further below the best all have one colour, or those near it would look the same
DIVERGED, BEST = "#dddddd", "#e00000"
NAMES = {
    "lr": "learning rate",
    "batch_size": "batch size",
    "momentum": "momentum",
    "weight_decay": "weight decay",
    "optimizer": "optimizer",
    "lr_decay": "decay of the learning rate",
    "epochs": "epochs",
}


def draw_sweep(names: Sequence[str], scores: Sequence[Score], held_out: int) -> Figure:
    """Draw the mean accuracy and the spread of each setting: a map of the first two of its values.

    The names are those of the values. There is a map for every combination of the others.
    """
    values = [sorted({score.setting[i] for score in scores}) for i in range(len(names))]
    down, across = [[None], [None], *values[:2]][-2:]
    combinations = list(itertools.product(*values[2:]))
    maps = min(len(combinations), 2 if len(combinations) == 4 else 3)  # in a row
    rows = math.ceil(len(combinations) / maps)
    width = max(6, maps * (0.95 * len(across) + 0.8) + 1)
    figure, axes = new_figure(width, rows * (0.6 * len(down) + 0.9) + 0.7, rows, maps)
    limits, best = limits_of(scores), best_first(scores)[0]
    by_setting = {score.setting: score for score in scores}
    for each, others in zip(axes, combinations, strict=False):
        pairs = itertools.product(down, across)
        ours = [by_setting[tuple(v for v in (*pair, *others) if v is not None)] for pair in pairs]
        image = draw_map(each, ours, len(across), limits, best)
        label(each, names, down, across, others)
    for each in axes[len(combinations) :]:
        each.axis("off")
    below = any(score.mean < limits[0] for score in scores)
    figure.colorbar(image, ax=axes, label=tr("accuracy"), extend="min" if below else "neither")
    figure.suptitle(title_of(best, held_out), fontsize="medium")
    return figure


def limits_of(scores: Sequence[Score]) -> tuple[float, float]:
    """Return the means that have the first and the last colour."""
    means = [score.mean for score in scores if math.isfinite(score.mean)] or [0.0]
    return max(min(means), max(means) - DEPTH), max(means)


def draw_map(
    axes: Axes, scores: Sequence[Score], columns: int, limits: tuple[float, float], best: Score
) -> AxesImage:
    """Draw scores in rows of so many columns, each with its numbers; the best has a frame."""
    from matplotlib.patches import Rectangle

    means = np.reshape([score.mean for score in scores], (-1, columns))
    image = axes.imshow(means, cmap="viridis", vmin=limits[0], vmax=limits[1], aspect="auto")
    axes.set_facecolor(DIVERGED)  # is seen where there is no mean
    for place, score in enumerate(scores):
        row, column = divmod(place, columns)
        text = str(score).replace(" ±", "\n±") if math.isfinite(score.mean) else tr("diverged")
        color = "white" if score.mean < sum(limits) / 2 else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=color)
        if score is best and math.isfinite(score.mean):
            frame = Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, ec=BEST, linewidth=3)
            axes.add_patch(frame)
            frame.set(clip_on=False, zorder=4)  # all of it, above the border of the map
    return image


def label(
    axes: Axes, names: Sequence[str], down: Sequence, across: Sequence, others: Sequence
) -> None:
    """Say which values stand where, and those that are the same on all of a map."""
    axes.set_xticks(range(len(across)), [as_text(value) for value in across])
    axes.set_yticks(range(len(down)), [as_text(value) for value in down])
    axes.tick_params(length=0)
    if names:
        axes.set_xlabel(tr(NAMES[names[:2][-1]]))
    if len(names) > 1:
        axes.set_ylabel(tr(NAMES[names[0]]))
    pairs = zip(names[2:], others, strict=True)
    axes.set_title(tr(", ").join(f"{tr(NAMES[n])} {as_text(v)}" for n, v in pairs), fontsize=9)


def as_text(value: Any) -> str:
    """Return a setting's value as it is read best."""
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value:,}" if isinstance(value, int) else value or ""


def title_of(best: Score, held_out: int) -> str:
    """Return what the numbers are."""
    title = tr("accuracy on {n:,} held-out training images", n=held_out)
    if len(best.accuracies) > 1:
        n = len(best.accuracies)
        title += "\n" + tr("mean ± standard deviation over {n} seeds; the best is framed", n=n)
    return title
