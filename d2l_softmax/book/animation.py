"""The book's figures, drawn with pyplot: in a notebook or a terminal, with or without a display.

pyplot is imported on first use. The figures of the commands are in `d2l_softmax/figures/`.
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from torch import Tensor

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Limits = Sequence[float] | None

FORMATS = ("-", "m--", "g-.", "r:")


def pyplot() -> ModuleType:
    """Import and return matplotlib.pyplot, the book's d2l.plt."""
    from matplotlib import pyplot

    return pyplot


def in_notebook() -> bool:
    """Return True in the kernel of a notebook, where figures can be shown and redrawn."""
    ipython = sys.modules.get("IPython")  # imported by a kernel; not a dependency of this project
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and hasattr(shell, "kernel")


def use_svg_display() -> None:
    """Show figures in a notebook as SVG, sharp at any size; elsewhere do nothing."""
    if in_notebook():
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("svg")


def set_figsize(figsize: tuple[float, float] = (3.5, 2.5)) -> None:
    """Set the default size of figures, width and height in inches."""
    use_svg_display()
    pyplot().rcParams["figure.figsize"] = figsize


def set_axes(
    axes: Axes,
    xlabel: str | None,
    ylabel: str | None,
    xlim: Limits,
    ylim: Limits,
    xscale: str,
    yscale: str,
    legend: Sequence[str] | None,
) -> None:
    """Set labels, limits (None: from the data), scales and legend of matplotlib's axes."""
    axes.set(xlabel=xlabel, ylabel=ylabel, xscale=xscale, yscale=yscale)
    if xlim is not None:
        axes.set_xlim(*xlim)
    if ylim is not None:
        axes.set_ylim(*ylim)
    if legend:
        axes.legend(legend)
    axes.grid()


def plot(
    X: Any,
    Y: Any = None,
    xlabel: str | None = None,
    ylabel: str | None = None,
    legend: Sequence[str] | None = None,
    xlim: Limits = None,
    ylim: Limits = None,
    xscale: str = "linear",
    yscale: str = "linear",
    fmts: Sequence[str] = FORMATS,
    figsize: tuple[float, float] = (3.5, 2.5),
    axes: Axes | None = None,
) -> None:
    """Plot Y against X, or without Y, X against its indices.

    X and Y are sequences of numbers, or lists of such sequences for several lines.
    """
    set_figsize(figsize)
    axes = axes or pyplot().gca()
    curves_x, curves_y = as_curves(X), as_curves(Y)
    if Y is None:
        curves_x, curves_y = [()] * len(curves_x), curves_x
    elif len(curves_x) != len(curves_y):
        curves_x = curves_x * len(curves_y)
    axes.cla()
    for x, y, fmt in zip(curves_x, curves_y, itertools.cycle(fmts), strict=False):
        axes.plot(*((x, y) if len(x) else (y,)), fmt)
    set_axes(axes, xlabel, ylabel, xlim, ylim, xscale, yscale, legend)


def as_curves(values: Any) -> list:
    """Return one sequence of numbers, or several, as a list of sequences."""
    if values is None:
        return []
    dimensions = getattr(values, "ndim", None)
    if dimensions is None:
        dimensions = 2 if len(values) and hasattr(values[0], "__len__") else 1
    curves = [values] if dimensions == 1 else list(values)
    return [curve.numpy(force=True) if isinstance(curve, Tensor) else curve for curve in curves]


def as_list(values: Any) -> list:
    """Return a number, or a sequence of numbers, as a list."""
    if hasattr(values, "tolist"):  # a tensor, NumPy's array or scalar
        values = values.tolist()
    return list(values) if hasattr(values, "__len__") else [values]


def show_images(
    imgs: Iterable,
    num_rows: int,
    num_cols: int,
    titles: Sequence[str] | None = None,
    scale: float = 1.5,
) -> Sequence[Axes]:
    """Draw images in a grid, each `scale` inches wide and high; return the axes.

    Images are PIL images, tensors or arrays. Shapes are (h, w) or (1, h, w) for gray images, and
    (3, h, w) or (h, w, 3) for colour images.
    """
    _, grid = open_figure(num_rows, num_cols, (num_cols * scale, num_rows * scale))
    all_axes = grid.flatten()
    for axes in all_axes:
        axes.axis("off")
    for i, (axes, image) in enumerate(zip(all_axes, imgs, strict=False)):
        axes.imshow(as_pixels(image) if hasattr(image, "ndim") else image, cmap="gray")
        if titles is not None and i < len(titles):
            axes.set_title(titles[i], fontsize="medium")
    return all_axes


def as_pixels(image: Any) -> Any:
    """Convert an image for imshow: gray (h, w), or colour (h, w, 3) with floats in [0, 1]."""
    image = image.numpy(force=True) if isinstance(image, Tensor) else image
    if image.ndim == 3 and image.shape[0] in (1, 3, 4):  # channels first, as in data loaders
        image = image.transpose(1, 2, 0)
    channels = image.shape[2] if image.ndim == 3 else 1
    if image.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise ValueError(f"an image has shape {image.shape}, expected (h, w) or (3, h, w)")
    if channels > 1 and image.dtype.kind == "f" and not 0 <= image.min() <= image.max() <= 1:
        image = (image - image.min()) / (image.max() - image.min())  # standardized pixels
    return image.squeeze(2) if image.ndim == 3 and channels == 1 else image


def open_figure(nrows: int, ncols: int, figsize: tuple[float, float]) -> tuple[Any, Any]:
    """Return a new figure and its axes."""
    return pyplot().subplots(nrows, ncols, figsize=figsize, squeeze=False, layout="constrained")


def show_in_place(figure: Figure, handle: Any) -> Any:
    """Show a figure in the notebook, or update the output `handle`; return the handle."""
    from IPython.display import display

    if handle is None:
        return display(figure, display_id=True)
    handle.update(figure)
    return handle


def as_text(x: float) -> str:
    """Format a whole number in full, any other with four significant digits."""
    return f"{x:.0f}" if x.is_integer() else f"{x:.4g}"


class Animator:
    """Curves that grow point by point.

    In a notebook the figure is redrawn in its place; elsewhere every call of `add` prints a line.
    `save` writes the figure as it is, and pyplot's show() shows it where there is a display.
    """

    def __init__(
        self,
        xlabel: str | None = None,
        ylabel: str | None = None,
        legend: Sequence[str] | None = None,
        xlim: Limits = None,
        ylim: Limits = None,
        xscale: str = "linear",
        yscale: str = "linear",
        fmts: Sequence[str] = FORMATS,
        nrows: int = 1,
        ncols: int = 1,
        figsize: tuple[float, float] = (3.5, 2.5),
    ):
        use_svg_display()
        self.fig, grid = open_figure(nrows, ncols, figsize)
        self.axes = list(grid.flat)
        self.xlabel, self.legend = xlabel or "x", legend or []
        self.config_axes = functools.partial(
            set_axes, self.axes[0], xlabel, ylabel, xlim, ylim, xscale, yscale, legend
        )
        self.X: list[list[float]] = []
        self.Y: list[list[float]] = []
        self.fmts = fmts
        self.lines: list[Any] = []
        self.display: Any = None
        if in_notebook():
            pyplot().close(self.fig)  # or the notebook would show it again below

    def add(self, x: Any, y: Any) -> None:
        """Add a point to each curve; a curve whose value is None gets no point.

        `x` is one number for all curves, or a sequence with one for each.
        """
        values = as_list(y)
        positions = as_list(x)
        if len(positions) == 1:
            positions = positions * len(values)
        if not self.X:
            self.X, self.Y = [[] for _ in values], [[] for _ in values]
        for i, (a, b) in enumerate(zip(positions, values, strict=True)):
            if a is not None and b is not None:
                self.X[i].append(float(a))
                self.Y[i].append(float(b))
        self.draw()
        if in_notebook():
            self.show()
        else:
            print(self.line(positions, values), flush=True)

    def draw(self) -> None:
        """Update the lines with all points so far; a single point is drawn as a dot.

        The figure is rendered when it is saved or shown.
        """
        axes = self.axes[0]
        if not self.lines:
            curves = zip(self.X, itertools.cycle(self.fmts), strict=False)
            self.lines = [axes.plot([], [], fmt)[0] for _, fmt in curves]
            self.markers = [line.get_marker() for line in self.lines]
            self.config_axes()
        for line, marker, x, y in zip(self.lines, self.markers, self.X, self.Y, strict=True):
            line.set_data(x, y)
            line.set_marker("." if len(x) == 1 else marker)
        axes.relim()
        axes.autoscale(None)  # takes effect when the limits are next read

    def show(self) -> None:
        """Show the figure in the notebook, or update it in place."""
        self.display = show_in_place(self.fig, self.display)

    def line(self, positions: Sequence, values: Sequence) -> str:
        """Return the new points as text, such as `epoch 1: train loss 0.785, test acc 0.790`."""
        names = [*self.legend, *(f"y{i}" for i in range(len(self.legend), len(values)))]
        points = [
            f"{name} {float(value):.4g}"
            for name, value in zip(names, values, strict=False)
            if value is not None
        ]
        return f"{self.xlabel} {as_text(float(positions[0]))}: {', '.join(points)}"

    def save(self, path: str | Path) -> None:
        """Write the figure to a file; its suffix determines the format."""
        self.fig.savefig(path, dpi=150)
