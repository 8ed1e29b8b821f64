"""The interactive lesson softmax.html, in which softmax regression runs in JavaScript.

The page is made from `lesson.html.jinja` and `parts/`; each part is a template and a script
of the same name. `texts.json` has the texts in both languages.
"""

import base64
import functools
import json
import re
import zlib
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from markupsafe import Markup
from torch import Tensor

from d2l_softmax.i18n import tr, use_language
from d2l_softmax.pages.lesson.programs import TENSORFLOW, columns, locate, snippet
from d2l_softmax.pages.page import write_page
from d2l_softmax.training.evaluation import Model

GRAYS = 16  # shades of an image in the page
PAGE = "scratch/softmax_regression.py"
FILES = resources.files(__package__)
COMMENTS = re.compile(r"^ *(?://[^\n]*|/\*\*.*?\*/)\n", re.MULTILINE | re.DOTALL)  # JavaScript's


class Part(NamedTuple):
    """A part of the page: its section of the notebook, and the code it shows.

    The code is that of `file` from `first` to `last`, names of `programs.locate`; without `last` it
    is `first` alone. `group` is the text above the first part of a group.
    """

    section: int
    first: str
    last: str = ""
    file: str = PAGE
    group: str = ""


PARTS = {
    "scores": Part(2, "SoftmaxRegression.__call__", group="group.road"),
    "softmax": Part(2, "softmax"),
    "cross_entropy": Part(3, "cross_entropy.tiny", "cross_entropy.losses"),
    "plane": Part(7, "SoftmaxRegression.gradients.error", "SoftmaxRegression.gradients.return"),
    "training": Part(7, "SoftmaxRegression.gradients"),
    "own_picture": Part(7, "SoftmaxRegression.__call__"),
    "overflow": Part(6, "softmax.exponentials", group="group.code"),
    "shapes": Part(6, "softmax.return"),
    "picking": Part(7, "cross_entropy.rows", "cross_entropy.losses"),
    "programs": Part(9, "train_epoch"),
    "losses": Part(4, "squared", "huber_gradient", "scratch/losses.py", group="group.regression"),
}


class LabeledImages(NamedTuple):
    """Images of one split: pixels (n, 28, 28), uint8, and labels (n,)."""

    images: Tensor
    labels: Tensor


def write_lesson(
    path: Path,
    model: Model,
    splits: dict[str, LabeledImages],
    classes: tuple[str, ...],
    code: dict,
    colors: dict[str, tuple[int, int, int]],
) -> None:
    """Write the page with a model for 28×28 images, the splits `train` and `test`, and code.

    `code` maps scratch/softmax_regression.py, scratch/losses.py and concise/softmax_regression.py
    to their text. `colors` has the RGB values of positive and negative weights. The page stores
    images in 16 shades of gray and W as float32.
    """
    texts = json.loads(read("texts.json"))
    texts |= {f"class.{c}": in_both_languages(name) for c, name in enumerate(classes)}
    images = torch.cat([split.images for split in splits.values()]).numpy()
    shades = np.rint(images * ((GRAYS - 1) / 255))
    write_page(
        path,
        "lesson/lesson.html.jinja",
        title=texts["title"]["en"],
        texts=texts,
        text=functools.partial(text_span, texts),
        label=functools.partial(label_attributes, texts),
        parts=describe_parts(code),
        programs=columns(code[PAGE], code["concise/softmax_regression.py"], TENSORFLOW),
        classes=classes,
        colors=colors,
        examples={
            "labels": {name: split.labels.tolist() for name, split in splits.items()},
            "images": in_base64(zlib.compress(shades.astype(np.uint8).tobytes(), level=9)),
        },
        weights={
            "W": in_base64(model.W.detach().numpy().astype("<f4").tobytes()),
            "b": model.b.tolist(),
        },
        script=Markup(script()),
    )


def read(name: str) -> str:
    """Return the text of a file of this folder."""
    return FILES.joinpath(name).read_text(encoding="utf-8")


def script() -> str:
    """Return all JavaScript as one script, because a page opened from disk can't import files.

    Each file uses the names of all others; a name that two files define is a syntax error. main.js
    starts the page: it is last.
    """
    names = sorted(file.name for file in FILES.iterdir() if file.name.endswith(".js"))
    names.remove("main.js")
    files = [*names, *(f"parts/{name}.js" for name in PARTS), "main.js"]
    return "\n".join(f"// {file}\n{COMMENTS.sub('', read(file))}" for file in files)


def text_span(texts: dict[str, dict[str, str]], key: str, n: object = "") -> Markup:
    """Return an element with a text in English, which the page replaces when its language changes.

    `n` replaces {n} in the text.
    """
    number = Markup(' data-n="{}"').format(n) if n else ""
    text = Markup(texts[key]["en"].replace("{n}", str(n)))
    return Markup('<span data-text="{}"{}>{}</span>').format(key, number, text)


def label_attributes(texts: dict[str, dict[str, str]], key: str) -> Markup:
    """Return the attributes of an element with an aria-label that follows the page's language."""
    return Markup('data-label="{}" aria-label="{}"').format(key, texts[key]["en"])


def in_both_languages(text: str) -> dict[str, str]:
    """Return an English text of i18n.json and its Chinese translation, by language."""
    with use_language("zh"):
        return {"en": text, "zh-CN": tr(text)}


def describe_parts(code: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return the fields of each part for the template, with its number and its code as HTML.

    `line` is the first line of the code in scratch/softmax_regression.py, None in another file.
    """
    places = {file: locate(text) for file, text in code.items()}
    parts = {}
    for number, (name, part) in enumerate(PARTS.items(), start=1):
        start = places[part.file][part.first].start
        stop = places[part.file][part.last or part.first].stop
        parts[name] = {
            **part._asdict(),
            "number": number,
            "line": start if part.file == PAGE else None,
            "snippet": Markup(snippet(code[part.file], range(start, stop))),
        }
    return parts


def in_base64(content: bytes) -> str:
    """Encode bytes in base64 for JSON."""
    return base64.b64encode(content).decode()
