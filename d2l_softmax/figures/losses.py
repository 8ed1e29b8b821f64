"""The figure of the regression losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from d2l_softmax.figures.style import BLUE, ORANGE, new_figure
from d2l_softmax.i18n import tr

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The book's blue, green and orange. This dark green differs from orange with protanopia, too.
COLORS = LOSS, LIKELIHOOD, GRADIENT = BLUE, "#0f4b1e", ORANGE
STEEP = 0.5  # a difference between neighbouring points that may belong to a jump


def draw_losses(losses: dict[str, tuple[Callable, Callable]]) -> Figure:
    """Draw each loss, its likelihood exp(-loss) and its gradient for predictions in [-3, 3].

    `losses` maps each name to the loss and its gradient, functions of (y_hat, y). The target y is
    0.
    """
    figure, all_axes = new_figure(3 * len(losses), 3.2, columns=len(losses))
    y_hat = torch.arange(-300, 301, dtype=torch.float64) / 100  # with 0 itself
    y = torch.zeros_like(y_hat)
    for axes, (name, (loss, gradient)) in zip(all_axes, losses.items(), strict=True):
        values = loss(y_hat, y)
        axes.plot(y_hat, values, "-", color=LOSS, label=tr("loss"))
        label = tr("likelihood exp(-loss)")
        axes.plot(y_hat, torch.exp(-values), "--", color=LIKELIHOOD, label=label)
        draw_gradient(axes, y_hat, gradient(y_hat, y))
        axes.set(title=name, xlabel=tr("prediction (target 0)"))
        axes.grid(alpha=0.3)
        axes.sharey(all_axes[0])
    figure.legend(*all_axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def draw_gradient(axes: Axes, y_hat: Tensor, gradient: Tensor) -> None:
    """Draw a gradient (n,); a jump has open circles at both limits and a dot at its value."""
    is_steep = gradient.diff().abs() > STEEP
    jumps = is_steep[1:] & is_steep[:-1]
    for i in (jumps.nonzero().flatten() + 1).tolist():
        ends = [float(gradient[i - 1]), float(gradient[i + 1])]
        x = float(y_hat[i])
        axes.scatter([x, x], ends, s=25, facecolor="white", edgecolor=GRADIENT, zorder=3)
        axes.scatter([x], [float(gradient[i])], s=25, color=GRADIENT, zorder=3)
        gradient = gradient.clone()
        gradient[i] = torch.nan  # ends the line
    axes.plot(y_hat, gradient, "-.", color=GRADIENT, label=tr("gradient"))
