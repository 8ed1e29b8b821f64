"""Colours used together remain distinguishable with every kind of colour blindness.

Simulated as by Machado, Oliveira and Fernandes (2009), severity 1, in linear RGB.
"""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_rgb

import d2l_softmax
from d2l_softmax.figures import comparison, losses, style, sweep

LEAST = 20  # CIE76; 2.3 is a just noticeable difference side by side
SEEN_BY = {
    "normal vision": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
SRGB_TO_XYZ = [
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
]
PAGES = Path(d2l_softmax.__file__).parent / "pages"


def to_lab(colors, vision):
    """Return colours (n, 3) of sRGB, in [0, 1], in CIELAB as they are seen."""
    colors = np.asarray(colors)
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    seen = (linear @ np.transpose(SEEN_BY[vision])).clip(0, 1)
    xyz = seen @ np.transpose(SRGB_TO_XYZ) / np.sum(SRGB_TO_XYZ, axis=1)
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = f.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def distance(one, other, vision):
    """Return the difference of two colours as they are seen, ΔE of CIE76."""
    a, b = to_lab([to_rgb(one), to_rgb(other)], vision)
    return np.linalg.norm(a - b)


def css_colors(file, names):
    """Return the values of CSS variables in a file: a list for light, one for dark pages."""
    text = (PAGES / file).read_text(encoding="utf-8")
    values = [re.findall(rf"--{name}: (#\w+);", text) for name in names]
    return list(zip(*values, strict=True))


TOGETHER = {
    "lines of figures": style.CYCLE,
    "losses": losses.COLORS,
    **{unit: [c for _, c in each.values()] for unit, each in comparison.QUANTITIES.items()},
    "the best of a sweep": [sweep.BEST, *colormaps["viridis"]([0.5, 0.75, 1.0])[:, :3]],
    "a wrong prediction": [style.WRONG, "black"],
}
LESSON = css_colors("lesson/lesson.css", ("blue", "orange", "green"))
INK = [colors[0] for colors in css_colors("base.html.jinja", ("ink",))]
DIFF = css_colors("report.html.jinja", ("left-bar", "right-bar"))
for page, lesson, ink, diff in zip(("light", "dark"), LESSON, INK, DIFF, strict=True):
    TOGETHER |= {f"lesson, {page}": [*lesson, ink], f"report, {page}": diff}


@pytest.mark.parametrize("vision", SEEN_BY)
@pytest.mark.parametrize("name", TOGETHER)
def test_colours_used_together_differ(name, vision):
    first, *rest = TOGETHER[name]
    pairs = itertools.product([first], rest) if "best" in name else None
    for one, other in pairs or itertools.combinations(TOGETHER[name], 2):
        assert distance(one, other, vision) > LEAST, (one, other)


@pytest.mark.parametrize("vision", SEEN_BY)
def test_signs_of_weights_differ(vision):
    color = style.signed_colors()["cmap"]
    for size in (0.25, 0.5, 1):
        negative, zero, positive = (color((1 + x) / 2)[:3] for x in (-size, 0, size))
        assert distance(negative, positive, vision) > LEAST
        assert min(distance(zero, each, vision) for each in (negative, positive)) > LEAST / 2
