"""Shared by all figures: axes, image tiles, colours, fonts and files.

Figures are made without pyplot, so that no display is needed. matplotlib is imported inside the
functions, because importing it takes 0.3 s.
"""

from __future__ import annotations

import contextlib
import functools
import io
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import Tensor

from d2l_softmax.i18n import tr
from d2l_softmax.io import write_atomically

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

WRONG = "#c62828"
# Colours of positive, negative and zero weights, in figures and in the lesson: blue and orange of
# Tableau's "Color Blind 10", which differ for every kind of colour blindness.
POSITIVE, NEGATIVE, WHITE = (0, 107, 164), (200, 82, 0), (255, 255, 255)
# Colours of lines. In matplotlib's own cycle orange and green look alike with protanopia.
CYCLE = BLUE, ORANGE, BROWN, CYAN = "#006ba4", "#ff800e", "#8c564b", "#17becf"
GRAY: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 1}
MOST_MARKERS = 25  # on a line; more would hide it
TILE_HEIGHT = 1.3  # height of a tile with its title, in tile widths
DEFAULT_FONT = "DejaVu Sans"
LONGEST_NAME = 16  # width of a class name on a tile or beside a bar; see `shortened`
# Fonts of Debian, Android, macOS and Windows, the most legible first. matplotlib reads only the
# first font of a collection; the first of Noto's collection is "Noto Sans CJK JP".
CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "Noto Sans CJK JP",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Heiti SC",
    "Heiti TC",
    "STHeiti",
    "SimHei",
    "SimSun",
    "Songti SC",
    "Noto Serif CJK JP",
    "Droid Sans Fallback",
    "AR PL UMing CN",
    "Arial Unicode MS",
)


class CaptionedFigure(NamedTuple):
    """A figure's caption and alt text, and the figure itself if pages should embed it as SVG."""

    caption: str
    alt: str
    vector: Figure | None = None


@contextmanager
def default_style() -> Iterator[None]:
    """Use matplotlib's default style in this context, and ignore the user's matplotlibrc."""
    import matplotlib
    from matplotlib.rcsetup import cycler

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams["axes.prop_cycle"] = cycler(color=CYCLE)
        matplotlib.rcParams["text.parse_math"] = False  # a class may be named $5
        matplotlib.rcParams["font.family"] = fonts()  # the second where the first lacks a glyph
        yield


def fonts() -> list[str]:
    """Return the fonts of all texts: matplotlib's, then one with Chinese, if it is installed."""
    return [DEFAULT_FONT, *filter(None, [chinese_font()])]


@functools.cache
def chinese_font() -> str | None:
    """Return the name of an installed font with Chinese characters, None if there is none."""
    from matplotlib import font_manager

    manager = font_manager.fontManager
    names = {entry.name for entry in manager.ttflist}
    if names.isdisjoint(CHINESE_FONTS):  # or a font was installed since matplotlib's cache
        known = {entry.fname for entry in manager.ttflist}
        for path in set(font_manager.findSystemFonts()) - known:
            with contextlib.suppress(Exception):  # a damaged font can raise anything
                manager.addfont(path)
        names = {entry.name for entry in manager.ttflist}
    return next((name for name in CHINESE_FONTS if name in names), None)


def new_figure(
    width: float, height: float, rows: int = 1, columns: int = 1, **grid: Any
) -> tuple[Figure, list[Axes]]:
    """Return a figure of `width` × `height` inches, and a flat list of its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False, **grid).flat)


def whole_numbers(axis: Axis, most: int = 10) -> None:
    """Restrict the ticks of an axis to whole numbers, for example for epochs; `most` intervals."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(most, integer=True, min_n_ticks=1))


def marker_interval(n: int) -> int:
    """Return an interval of markers with which a line of n points has at most MOST_MARKERS."""
    return -(-n // MOST_MARKERS)


def new_tiles(
    number: int, columns: int, side: float = 1.3, margin: float = 0.0
) -> tuple[Figure, Axes]:
    """Return a figure and its axes with space for square tiles, each below its title.

    All tiles share one axes: creating one for each would take most of the drawing time. `side` is
    the side of a tile and `margin` the right margin, in inches.
    """
    rows = -(-number // columns)
    figure, (axes,) = new_figure(side * columns + margin, side * TILE_HEIGHT * rows + 0.3)
    axes.axis("off")
    axes.set(aspect="equal", autoscale_on=False, xlim=(0, columns), ylim=(rows * TILE_HEIGHT, 0))
    return figure, axes


def draw_tile(
    axes: Axes,
    place: int,
    columns: int,
    image: Tensor,
    title: str,
    color: str = "black",
    **style: Any,
) -> AxesImage:
    """Draw an image (c, h, w) below its title; `place` is the index of the tile, row by row."""
    row, column = divmod(place, columns)
    middle, bottom = column + 0.5, (row + 1) * TILE_HEIGHT - 0.05
    height, width = (0.9 * side / max(image.shape[1:]) for side in image.shape[1:])
    top = bottom - height - 0.05
    axes.text(middle, top, title, ha="center", va="bottom", fontsize=8, color=color)
    extent = (middle - width / 2, middle + width / 2, bottom, bottom - height)
    return axes.imshow(as_pixels(image), extent=extent, **style)


def as_pixels(image: Tensor) -> np.ndarray:
    """Convert an image (c, h, w) for imshow: RGB (h, w, 3) if c is 3, otherwise gray (h, w).

    Gray is the mean over the channels.
    """
    pixels = image.numpy(force=True)
    return pixels.transpose(1, 2, 0) if len(pixels) == 3 else pixels.mean(axis=0)


def signed_colors(limit: float = 1.0) -> dict[str, Any]:
    """Return the colour map of imshow for values in [-limit, limit]; zero is white."""
    import numpy as np
    from matplotlib.colors import LinearSegmentedColormap

    colors = np.array([NEGATIVE, WHITE, POSITIVE]) / 255
    cmap = LinearSegmentedColormap.from_list("signed", list(colors), N=511)  # odd: zero is white
    return {"cmap": cmap, "vmin": -limit, "vmax": limit}


def shortened(name: str) -> str:
    """Return a class name in the current language, cut to a width of LONGEST_NAME.

    Chinese, Japanese and Korean characters have a width of 2, others of 1. Characters that no font
    can draw are replaced.
    """
    name = drawable(tr(name))
    widths = [2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in name]
    if sum(widths) <= LONGEST_NAME:
        return name
    kept = [c for c, end in zip(name, accumulate(widths), strict=True) if end < LONGEST_NAME]
    return f"{''.join(kept)}…"


def drawable(text: str) -> str:
    """Replace characters that no font has by U+FFFD, �."""
    return "".join(c if c.isprintable() and ord(c) in glyphs() else "\ufffd" for c in text)


@functools.cache
def glyphs() -> set[int]:
    """Return the code points for which the fonts have glyphs."""
    from matplotlib.font_manager import findfont, get_font

    return {point for name in fonts() for point in get_font(findfont(name)).get_charmap()}


def save_figure(path: Path, figure: Figure) -> None:
    """Write the figure as a PNG file."""
    write_atomically(path, as_png(figure))


def as_png(figure: Figure) -> bytes:
    """Return the figure as PNG bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)  # savefig would draw twice
    return buffer.getvalue()
