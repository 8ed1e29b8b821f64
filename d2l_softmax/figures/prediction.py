"""The figure of a prediction: a picture, what the model saw of it, and the probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from d2l_softmax.figures.drawing import draw_image, new_figure, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL.Image import Image


MOST_BARS = 12


def draw_prediction(
    picture: Image | None, X: Tensor, y_hat: Tensor, classes: Sequence[str]
) -> Figure:
    """Draw a picture, what the model saw of it (1, c, h, w), and the probabilities (1, q).

    Of many classes those of the highest probabilities are drawn. Without a picture, where X are
    features (1, d), the probabilities alone.
    """
    if picture:
        figure, (original, seen, bars) = new_figure(9, 2.9, columns=3, width_ratios=(1, 1, 1.3))
        original.imshow(picture.convert("RGBA"))
        original.set_title("the picture", fontsize="medium")
        draw_image(seen, X[0])
        seen.set_title("what the model saw", fontsize="medium")
        original.set(xticks=[], yticks=[])  # but a frame: the picture may be white to its edge
    else:
        figure, (bars,) = new_figure(4.5, 2.9)
    draw_probabilities(bars, y_hat[0], classes)
    return figure


def draw_probabilities(bars: Axes, y_hat: Tensor, classes: Sequence[str]) -> None:
    """Draw the probabilities (q,) as bars; of many classes the highest only, from the top down."""
    if len(classes) > MOST_BARS:
        y_hat, highest = y_hat.topk(MOST_BARS)
        classes = [classes[k] for k in highest.tolist()]
    probabilities = y_hat.tolist()
    best = max(probabilities)
    colors = ["tab:blue" if p == best else "lightsteelblue" for p in probabilities]
    drawn = bars.barh(range(len(classes)), probabilities, color=colors)
    bars.bar_label(drawn, fmt="%.3f", padding=3, fontsize=8)
    bars.set_yticks(range(len(classes)), [shortened(name) for name in classes])
    bars.invert_yaxis()
    bars.set(xlim=(0, 1.15), xlabel="probability")
    bars.set_xticks([0, 0.5, 1])
    bars.spines[["top", "right"]].set_visible(False)
