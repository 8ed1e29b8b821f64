"""Figures as SVG elements of a page: sharp at any size, in the page's colours."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def as_svg(figure: Figure, salt: str) -> str:
    """Return a figure that was saved as PNG before as an <svg> element, the same for equal input.

    The salt makes its ids differ from those of other figures in the page. base.html.jinja
    replaces black and white by the page's text and background colours.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    figure.set_layout_engine("none")  # keeps the PNG's layout, which is slow to compute
    for patch in (figure.patch, *(axes.patch for axes in figure.axes)):
        patch.set_visible(False)
    style: dict[Any, Any] = {
        "svg.fonttype": "none",  # text stays text: smaller, and the browser's search finds it
        "svg.hashsalt": salt,
        "font.sans-serif": ["DejaVu Sans"],  # fallbacks would double the size
    }
    buffer = io.StringIO()
    with matplotlib.rc_context(style):
        no_metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(buffer, metadata=no_metadata)  # savefig would draw twice
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]  # without the XML declaration
    return re.sub(r'<g id="[^"]*"', "<g", svg)  # "axes_1" would occur once per figure
