"""The page that one can touch: softmax.html, in which softmax regression runs in JavaScript.

`lesson.html.jinja` and `parts/` are the page, a part in a template and a module of one name;
`texts.json` has what it says in both languages. Its data and the twins' code come as arguments.
"""

import base64
import functools
import json
import zlib
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from markupsafe import Markup
from torch import Tensor

from d2l_softmax.i18n import tr, use_language
from d2l_softmax.pages.lesson.modules import joined
from d2l_softmax.pages.lesson.programs import TENSORFLOW, columns, number_of, snippet
from d2l_softmax.pages.page import write_page
from d2l_softmax.training.evaluation import Model

GRAYS = 16  # of an image in the page, which needs 4 bits a pixel
PAGE = "scratch/softmax_regression.py"
FILES = resources.files(__package__)


class Part(NamedTuple):
    """A part: its section of the notes, and the lines of code behind it (what they begin with)."""

    section: int
    first: str
    last: str
    file: str = PAGE


PARTS = {
    "scores": Part(2, "XW = (self.W.T", "return softmax(XW"),
    "softmax": Part(2, "def softmax(logits)", "return exponentials"),
    "overflow": Part(6, "exponentials = torch.exp", "exponentials = torch.exp"),
    "cross_entropy": Part(3, "tiny = torch.finfo", "losses = -torch.log"),
    "losses": Part(4, "def squared(", "return (y_hat - y).clamp", "scratch/losses.py"),
    "shapes": Part(6, "return exponentials", "return exponentials"),
    "picking": Part(7, "rows = torch.arange", "losses = -torch.log"),
    "training": Part(7, "# loss:", "return [dW, error"),
    "programs": Part(9, "def train_epoch", "return metric[0]"),
    "own_picture": Part(7, "check_inputs(X, self.W)", "return softmax(XW"),
}


class Split(NamedTuple):
    """Some images: pixels (n, 28, 28), uint8, and labels (n,)."""

    images: Tensor
    labels: Tensor


def write_lesson(
    path: Path,
    model: Model,
    splits: dict[str, Split],
    classes: tuple[str, ...],
    code: dict,
    colors: dict[str, tuple[int, int, int]],
) -> None:
    """Write the page with a model for 28×28 images, the images of `train` and `test`, and code.

    `code` has the text of scratch/softmax_regression.py, scratch/losses.py and
    concise/softmax_regression.py by these names. `colors` has the RGB values of positive and
    negative weights. What the page has of images is 16 grays, of W float16.
    """
    texts = json.loads(read("texts.json"))
    texts |= {f"class.{c}": in_both_languages(name) for c, name in enumerate(classes)}
    images = torch.cat([split.images for split in splits.values()])
    write_page(
        path,
        "lesson/lesson.html.jinja",
        title=texts["title"]["en"],
        texts=texts,
        text=functools.partial(spoken, texts),
        label=functools.partial(labelled, texts),
        parts=described_parts(code),
        programs=columns(code[PAGE], code["concise/softmax_regression.py"], TENSORFLOW),
        classes=classes,
        colors=colors,
        examples={
            "labels": {name: split.labels.tolist() for name, split in splits.items()},
            "images": in_base64(zlib.compress(packed(images), level=9)),
        },
        weights={
            "W": in_base64(model.W.detach().numpy().astype("<f2").tobytes()),
            "b": model.b.tolist(),
        },
        script=Markup(joined("main.js", read)),
    )


def read(name: str) -> str:
    """Return the text of a file of this folder."""
    return FILES.joinpath(name).read_text(encoding="utf-8")


def spoken(texts: dict[str, dict[str, str]], key: str, n: object = "") -> Markup:
    """Return a text, in English at first, as an element that changes with the page's language."""
    number = Markup(' data-n="{}"').format(n) if n else ""
    text = Markup(texts[key]["en"].replace("{n}", str(n)))
    return Markup('<span data-text="{}"{}>{}</span>').format(key, number, text)


def labelled(texts: dict[str, dict[str, str]], key: str) -> Markup:
    """Return the attributes of an element whose label changes with the page's language."""
    return Markup('data-label="{}" aria-label="{}"').format(key, texts[key]["en"])


def in_both_languages(text: str) -> dict[str, str]:
    """Return a text of the catalogue in the page's languages."""
    with use_language("zh"):
        return {"en": text, "zh-CN": tr(text)}


def described_parts(code: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return what the page says of each part: number, section of the notes, and lines of code.

    `line` is the first of them in the page's own part 9, None if they are of another file.
    """
    return {
        name: {
            **part._asdict(),
            "number": number,
            "line": number_of(part.first, code[part.file]) if part.file == PAGE else None,
            "snippet": Markup(snippet(code[part.file], part.first, part.last)),
        }
        for number, (name, part) in enumerate(PARTS.items(), start=1)
    }


def packed(images: Tensor) -> bytes:
    """Return images (n, 28, 28), uint8, as GRAYS shades, two pixels a byte, the first one above."""
    shades = np.rint(images.numpy().reshape(-1) * ((GRAYS - 1) / 255)).astype(np.uint8)
    return bytes(shades[0::2] << 4 | shades[1::2])


def in_base64(content: bytes) -> str:
    """Return bytes as a page holds them."""
    return base64.b64encode(content).decode()
