"""What all pages share: how a template becomes a file, and a picture a part of it."""

import base64
from pathlib import Path
from typing import Any, NamedTuple

from d2l_softmax.i18n import current_language, tr
from d2l_softmax.io import write_text


class Picture(NamedTuple):
    """A picture as a page holds it: its address or its <svg> element, and its size in pixels.

    `alt` says what it shows to those who don't see it.
    """

    address: str
    svg: str
    width: int
    height: int
    caption: str
    alt: str


def write_page(path: Path, template: str, **content: Any) -> None:
    """Fill in a template of this folder, in the current language, and write it."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("d2l_softmax.pages", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["tr"] = tr
    lang = "zh-CN" if current_language() == "zh" else "en"
    write_text(path, environment.get_template(template).render(lang=lang, **content))


def embedded(png: bytes, caption: str, alt: str = "", svg: str = "") -> Picture:
    """Return a PNG file as a page holds it; in its place the same picture as SVG, if smaller.

    Without alt the caption says what it shows.
    """
    width, height = (int.from_bytes(png[i : i + 4], "big") for i in (16, 20))  # PNG's header
    address = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    if not 0 < len(svg.encode()) < len(address):
        svg = ""
    return Picture("" if svg else address, svg, width, height, caption, alt or caption)
