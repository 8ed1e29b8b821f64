"""Shared by all pages: rendering a template, and embedding a figure as PNG or SVG."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from d2l_softmax.i18n import current_language, tr
from d2l_softmax.io import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class EmbeddedFigure(NamedTuple):
    """A figure inside a page, as a data URL `address` or as an <svg> element; the other is empty.

    Width and height are in pixels of the PNG file. `alt` is the text for screen readers.
    """

    address: str
    svg: str
    width: int
    height: int
    caption: str
    alt: str


def write_page(path: Path, template: str, **content: Any) -> None:
    """Render a template of this folder in the current language, and write it to `path`."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("d2l_softmax.pages", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["tr"] = tr
    # Chinese in half the bytes, no spaces between
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    lang = "zh-CN" if current_language() == "zh" else "en"
    write_text(path, environment.get_template(template).render(lang=lang, **content))


def embed(png: bytes, caption: str, alt: str = "", svg: str = "") -> EmbeddedFigure:
    """Return a figure to embed, as SVG if one is given and smaller than the PNG file.

    The alt text defaults to the caption.
    """
    width, height = (int.from_bytes(png[i : i + 4], "big") for i in (16, 20))  # PNG's header
    address = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    if not 0 < len(svg.encode()) < len(address):
        svg = ""
    return EmbeddedFigure("" if svg else address, svg, width, height, caption, alt or caption)


def as_svg(figure: Figure, salt: str) -> str:
    """Return a figure, which was saved as PNG before, as an <svg> element.

    Equal figures give equal elements. Different salts keep the ids of the figures in a page
    distinct. base.html.jinja replaces black and white by the page's text and background colours.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    figure.set_layout_engine("none")  # keeps the PNG's layout, which is slow to compute
    for patch in (figure.patch, *(axes.patch for axes in figure.axes)):
        patch.set_visible(False)
    style: dict[Any, Any] = {
        "svg.fonttype": "none",  # text stays text: smaller, and the browser's search finds it
        "svg.hashsalt": salt,
    }
    buffer = io.StringIO()
    with matplotlib.rc_context(style):
        no_metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(buffer, metadata=no_metadata)  # savefig would draw twice
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]  # without the XML declaration
    return re.sub(r'<g id="[^"]*"', "<g", svg)  # "axes_1" would occur once per figure
