"""Curves of the book's English edition: HyperParameters and ProgressBoard.

Zhang, Lipton, Li and Smola, "Dive into Deep Learning", PyTorch code of the English edition,
section "Object-Oriented Design for Implementation".
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from d2l_softmax.book.animation import (
    as_text,
    in_notebook,
    open_figure,
    pyplot,
    show_in_place,
    use_svg_display,
)


class HyperParameters:
    """Keeps the arguments of `__init__` as attributes."""

    hparams: dict[str, Any]

    if TYPE_CHECKING:  # a type checker can't know the attributes

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...

    def save_hyperparameters(self, ignore: Sequence[str] = ()) -> None:
        """Store the local variables of the caller as attributes, and in the dictionary `hparams`.

        At the start of `__init__` these are its arguments. Names in `ignore`, `self` and names with
        a leading underscore are left out.
        """
        values = inspect.currentframe().f_back.f_locals  # type: ignore[union-attr]
        names = [name for name in values if name not in {"self", *ignore} and name[0] != "_"]
        self.hparams = {name: values[name] for name in names}
        for name, value in self.hparams.items():
            setattr(self, name, value)


class Point(NamedTuple):
    """A point of a curve."""

    x: float
    y: float


class ProgressBoard(HyperParameters):
    """Curves that grow point by point while a model trains; `data` maps labels to points.

    In a notebook the figure is redrawn in its place; elsewhere every point prints a line. `save`
    writes the figure as it is, and pyplot's show() shows it where there is a display.
    """

    fig: Any
    axes: Any

    def __init__(
        self,
        xlabel: str | None = None,
        ylabel: str | None = None,
        xlim: Sequence[float] | None = None,
        ylim: Sequence[float] | None = None,
        xscale: str = "linear",
        yscale: str = "linear",
        ls: Sequence[str] = ("-", "--", "-.", ":"),
        colors: Sequence[str] = ("C0", "C1", "C2", "C3"),
        fig: Any = None,
        axes: Any = None,
        figsize: tuple[float, float] = (3.5, 2.5),
        display: bool = True,
    ):
        """Set the options of the axes; with `display=False` points are recorded but not drawn."""
        self.save_hyperparameters()
        self.raw_points: dict[str, list[Point]] = {}  # points not yet averaged
        self.data: dict[str, list[Point]] = {}
        self.lines: dict[str, Any] = {}
        self.handle: Any = None  # of the notebook's output

    def draw(self, x: float, y: float, label: str, every_n: int = 1) -> None:
        """Add a point to the curve `label`; each group of `every_n` points is drawn as its mean."""
        points = self.raw_points.setdefault(label, [])
        points.append(Point(float(x), float(y)))
        if len(points) < every_n:
            return
        x, y = (math.fsum(values) / len(points) for values in zip(*points, strict=True))
        points.clear()
        self.data.setdefault(label, []).append(Point(x, y))
        if not self.display:
            return
        self.update(label)
        if in_notebook():
            self.show()
        else:
            print(f"{self.xlabel or 'x'} {as_text(x)}: {label} {y:.4g}", flush=True)

    def update(self, label: str) -> None:
        """Update the line of a label, and the limits; a new line also sets labels and scales."""
        if self.axes is None:
            self.open_figure()
        axes, points = self.axes, self.data[label]
        if label not in self.lines:
            axes.set(xlabel=self.xlabel, ylabel=self.ylabel, xscale=self.xscale, yscale=self.yscale)
            number = len(self.lines)
            style = self.ls[number % len(self.ls)]
            color = self.colors[number % len(self.colors)]
            (self.lines[label],) = axes.plot([], [], style, color=color, label=label)
        self.lines[label].set_data(*zip(*points, strict=True))
        self.lines[label].set_marker("." if len(points) == 1 else "")
        if len(points) <= 2:  # the legend shows the marker
            axes.legend()
        axes.relim()
        axes.autoscale(None)  # takes effect when the limits are next read
        if self.xlim is not None:
            axes.set_xlim(*self.xlim)
        if self.ylim is not None:
            axes.set_ylim(*self.ylim)

    def open_figure(self) -> None:
        """Create the axes, in `fig` if it is set."""
        use_svg_display()
        if self.fig is None:
            self.fig, _ = open_figure(1, 1, self.figsize)
            if in_notebook():
                pyplot().close(self.fig)  # or the notebook would show it again below
        self.axes = self.fig.gca()

    def show(self) -> None:
        """Show the figure in the notebook, or update it in place."""
        self.handle = show_in_place(self.axes.figure, self.handle)

    def save(self, path: str | Path) -> None:
        """Write the figure to a file; its suffix determines the format."""
        if self.axes is None:
            self.open_figure()
        for label in self.data:
            self.update(label)
        self.axes.figure.savefig(path, dpi=150)
