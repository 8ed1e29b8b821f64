"""Figures of experiments: heat maps of a hyperparameter sweep, and a learning curve."""

from __future__ import annotations

import itertools
import math
import statistics
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from d2l_softmax.figures.style import new_figure
from d2l_softmax.i18n import tr

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

COLOR_RANGE = 0.1  # of accuracies below the best; fixed, so that figures can be compared
DIVERGED, BEST = "#dddddd", "#e00000"
LABELS = {
    "lr": "learning rate",
    "batch_size": "batch size",
    "momentum": "momentum",
    "weight_decay": "weight decay",
    "optimizer": "optimizer",
    "lr_decay": "learning rate decay",
    "augment": "augmentation",
    "epochs": "epochs",
}
# number of training examples: the accuracy for each seed, NaN if it diverged
Accuracies = Mapping[int, Sequence[float]]


class Score(NamedTuple):
    """A setting of hyperparameters with its held-out accuracy for each seed, NaN if diverged.

    `loss` is the mean held-out loss (nats) over the seeds.
    """

    setting: tuple[Any, ...]
    accuracies: tuple[float, ...]
    loss: float = math.nan

    @property
    def mean(self) -> float:
        """Return the mean over the seeds; NaN if one of them diverged."""
        return statistics.fmean(self.accuracies)

    @property
    def std(self) -> float:
        """Return the sample standard deviation over the seeds (n − 1); NaN for one seed."""
        is_known = len(self.accuracies) > 1 and math.isfinite(self.mean)
        return statistics.stdev(self.accuracies) if is_known else math.nan

    def __str__(self) -> str:
        """Return "mean ± std", the mean alone for one seed, or "diverged"."""
        if math.isnan(self.mean):
            return "diverged"
        std = "" if math.isnan(self.std) else f" ± {self.std:.4f}"
        return f"{self.mean:.4f}{std}"


def draw_sweep(names: Sequence[str], ranking: Sequence[Score], held_out: int) -> Figure:
    """Draw mean ± std of each setting: a line for one hyperparameter, heat maps for more.

    `names` are the hyperparameters whose values are in `score.setting`, in this order. A heat map
    shows the first two; there is one for each combination of the others. `ranking` starts with the
    best score, which is framed.
    """
    title = tr("accuracy on {n:,} held-out training examples", n=held_out)
    if (n := len(ranking[0].accuracies)) > 1:
        title += "\n" + tr("mean ± standard deviation over {n} seeds; the best is framed", n=n)
    else:
        title += "\n" + tr("one seed; the best is framed")
    if len(names) == 1:
        return draw_line(names[0], ranking, title)
    values = [sorted({score.setting[i] for score in ranking}) for i in range(len(names))]
    rows, columns = values[:2]
    combinations = list(itertools.product(*values[2:]))
    across = min(len(combinations), 2 if len(combinations) == 4 else 3)
    down = math.ceil(len(combinations) / across)
    width = max(6, across * (0.95 * len(columns) + 0.8) + 1)
    figure, axes = new_figure(width, down * (0.6 * len(rows) + 0.9) + 0.7, down, across)
    means = [score.mean for score in ranking if math.isfinite(score.mean)] or [0.0]
    limits = max(means) - COLOR_RANGE, max(means)
    by_setting = {score.setting: score for score in ranking}
    for each, others in zip(axes, combinations, strict=False):
        settings = ((*pair, *others) for pair in itertools.product(rows, columns))
        cells = [by_setting[setting] for setting in settings]
        image = draw_map(each, cells, len(columns), limits, ranking[0])
        each.set_xticks(range(len(columns)), [format_value(value) for value in columns])
        each.set_yticks(range(len(rows)), [format_value(value) for value in rows])
        each.tick_params(length=0)
        each.set_xlabel(tr(LABELS[names[1]]))
        each.set_ylabel(tr(LABELS[names[0]]))
        pairs = zip(names[2:], others, strict=True)
        fixed = tr(", ").join(f"{tr(LABELS[n])} {format_value(v)}" for n, v in pairs)
        each.set_title(textwrap.fill(fixed, 14 * len(columns)), fontsize=9)
    for each in axes[len(combinations) :]:
        each.axis("off")
    extend = "min" if min(means) < limits[0] else "neither"
    figure.colorbar(image, ax=axes, label=tr("accuracy"), extend=extend)
    figure.suptitle(title, fontsize="medium")
    return figure


def draw_line(name: str, ranking: Sequence[Score], title: str) -> Figure:
    """Draw mean ± std against the values of one hyperparameter, evenly spaced."""
    scores = sorted(ranking, key=lambda score: score.setting)
    figure, (axes,) = new_figure(6, 3.6)
    places = range(len(scores))
    means = [score.mean for score in scores]
    stds = [0.0 if math.isnan(score.std) else score.std for score in scores]
    axes.errorbar(places, means, stds, fmt="o-", capsize=4)
    for place, score in enumerate(scores):
        if math.isnan(score.mean):
            axes.axvspan(place - 0.5, place + 0.5, color=DIVERGED, zorder=0)
            axes.text(place, 0.5, tr("diverged"), ha="center", transform=axes.get_xaxis_transform())
        elif score is ranking[0]:
            mark = axes.scatter([place], [score.mean], s=160, marker="s", zorder=4)
            mark.set(facecolor="none", edgecolor=BEST, linewidth=2)
    axes.set_xticks(places, [format_value(score.setting[0]) for score in scores])
    axes.set(xlabel=tr(LABELS[name]), ylabel=tr("accuracy"), xlim=(-0.5, len(scores) - 0.5))
    axes.grid(alpha=0.3)
    axes.set_title(title, fontsize="medium")
    return figure


def draw_map(
    axes: Axes, scores: Sequence[Score], columns: int, limits: tuple[float, float], best: Score
) -> AxesImage:
    """Draw scores, given row by row, as a heat map; frame the best if it is among them."""
    from matplotlib.patches import Rectangle

    means = np.reshape([score.mean for score in scores], (-1, columns))
    image = axes.imshow(means, cmap="viridis", vmin=limits[0], vmax=limits[1], aspect="auto")
    axes.set_facecolor(DIVERGED)  # visible where the mean is NaN
    for place, score in enumerate(scores):
        row, column = divmod(place, columns)
        text = str(score).replace(" ±", "\n±") if math.isfinite(score.mean) else tr("diverged")
        color = "white" if score.mean < sum(limits) / 2 else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=color)
        if score is best and math.isfinite(score.mean):
            corner = column - 0.5, row - 0.5
            frame = Rectangle(corner, 1, 1, fill=False, edgecolor=BEST, linewidth=3)
            axes.add_patch(frame)
            frame.set(clip_on=False, zorder=4)  # above the border of the map
    return image


def format_value(value: Any) -> str:
    """Format the value of a hyperparameter."""
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value:,}" if isinstance(value, int) else value or ""


def draw_learning_curve(train: Accuracies, valid: Accuracies) -> Figure:
    """Draw training and held-out accuracy against the number of examples, on a log axis.

    Lines are medians over the seeds, bands reach from minimum to maximum.
    """
    num_seeds = max(sum(map(math.isfinite, values)) for values in valid.values())
    figure, (axes,) = new_figure(7, 4.6)
    curves = {
        tr("on the training examples used"): (train, "o-"),
        tr("on held-out examples"): (valid, "s--"),
    }
    for label, (accuracies, style) in curves.items():
        sizes = list(accuracies)
        medians, lowest, highest = (
            [function(filter(math.isfinite, values)) for values in accuracies.values()]
            for function in (statistics.median, min, max)
        )
        (line,) = axes.plot(sizes, medians, style, markersize=4, label=label)
        axes.fill_between(sizes, lowest, highest, color=line.get_color(), alpha=0.2, linewidth=0)
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes], fontsize=8)
    axes.minorticks_off()
    axes.set(xlabel=tr("training examples"), ylabel=tr("accuracy"))
    axes.grid(alpha=0.3)
    bands = tr("bands: minimum to maximum of {n} seeds", n=num_seeds)
    axes.legend(title=bands if num_seeds > 1 else None)
    figure.suptitle(summarize_curve(train, valid), fontsize="small")
    return figure


def summarize_curve(train: Accuracies, valid: Accuracies) -> str:
    """Return the accuracies with the most examples, and the slope of the held-out curve.

    The slope is the gain in held-out accuracy per doubling of the number of examples. It is
    measured between the two largest numbers, for each seed that diverged at neither, and printed as
    mean ± standard error. More examples should help if it is above two standard errors.
    """
    *_, few, many = sorted(valid) if len(valid) > 1 else [0, *valid]
    text = tr(
        "{n:,} examples: training accuracy {train:.3f}, held-out accuracy {valid:.3f}",
        n=many,
        train=statistics.median(filter(math.isfinite, train[many])),
        valid=statistics.median(filter(math.isfinite, valid[many])),
    )
    if not few:
        return text
    gains = (after - before for before, after in zip(valid[few], valid[many], strict=True))
    slopes = [gain / math.log2(many / few) for gain in gains if math.isfinite(gain)]
    if not slopes:
        return text
    slope = round(statistics.fmean(slopes), 4) + 0.0  # not -0.0000
    if len(slopes) < 2:
        gain = tr(
            "from {few:,} examples on: {slope:+.4f} per doubling (one seed)", few=few, slope=slope
        )
        return f"{text}\n{gain}"
    error = statistics.stdev(slopes) / math.sqrt(len(slopes))
    gain = tr(
        "from {few:,} examples on: {slope:+.4f} ± {error:.4f} (standard error) per doubling",
        few=few,
        slope=slope,
        error=error,
    )
    rises = slope > 2 * error
    verdict = tr("; more examples should help") if rises else tr("; no measurable gain")
    return f"{text}\n{gain}{verdict}"
