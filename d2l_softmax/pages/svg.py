"""Figures as SVG that is part of a page: sharp at any size, in the page's own colours."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What matplotlib writes, and what a page needs of it. Black and white become the page's own: then
# a figure is light on a dark page.
OF_A_PAGE = (
    (r'<g id="[^"]*"', "<g"),
    (r"<style.*?</style>", ""),  # it would hold for the whole page
    (r"#000000", "currentColor"),
    (r"#ffffff", "var(--ground)"),
    (r" ?font-family: [^;\"]*;?", ""),  # the page's
    (r"\n\s*", "\n"),
    (r"\n(?=[A-Zz] ?)", " "),  # a path's points
)


class Shown(NamedTuple):
    """A figure as a page shows it: its caption, and what it shows for those who don't see it.

    `figure` is there where lines and letters are better drawn by the browser, else the page has
    the PNG file.
    """

    caption: str
    alt: str
    figure: Figure | None = None

    def svg(self) -> str:
        """Return it as SVG, "" if it is better a PNG file."""
        return as_svg(self.figure, salt=self.caption) if self.figure else ""


def as_svg(figure: Figure, salt: str) -> str:
    """Return a figure, written as PNG before, as an <svg> element: the same bytes every time.

    What is black or white in it is `currentColor` or `var(--ground)`. The salt keeps its ids apart
    from those of other figures in the page.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    figure.set_layout_engine("none")  # it keeps that of the PNG, which took its time
    for patch in (figure.patch, *(axes.patch for axes in figure.axes)):
        patch.set_visible(False)
    buffer = io.StringIO()
    # Letters stay letters: a quarter of the size, and found by a search in the page.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": salt}):
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(buffer, metadata=nothing)  # savefig draws it twice
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    for pattern, replacement in OF_A_PAGE:
        svg = re.sub(pattern, replacement, svg)
    return svg
