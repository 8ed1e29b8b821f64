"""The page predictions.html: each picture, the model's input, and its most probable classes."""

import base64
import heapq
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, features

from d2l_softmax.i18n import tr
from d2l_softmax.pages.page import write_page
from d2l_softmax.training.evaluation import format_probability

SIDE = 96  # the longest side of a thumbnail, in pixels
LOSSLESS_SIDE = 32  # pixels; smaller pictures, such as the model's input, are stored losslessly
MOST_COUNTED = 12  # classes in the summary


class Thumbnail(NamedTuple):
    """The attributes of an <img> element: data URI, size in pixels, alt text."""

    address: str
    width: int
    height: int
    alt: str


class Prediction(NamedTuple):
    """A picture's q probabilities, doubts about them (English sentences), and thumbnails.

    `probabilities` is empty if no object was found. `mirrored` is true if the model's input is the
    mirror image. `label` is the true class, or None if it is unknown.

    The probabilities are floats, not a tensor. Small tensors, kept while large pictures are read
    and freed, fragment the memory (3 GB after 1,000 photographs).
    """

    name: str
    probabilities: Sequence[float]
    doubts: Sequence[str]
    thumbnails: Sequence[Thumbnail]
    mirrored: bool = False
    label: int | None = None

    def highest(self, n: int) -> list[tuple[int, float]]:
        """Return up to n pairs (class, probability), the most probable first."""
        return heapq.nlargest(n, enumerate(self.probabilities), key=lambda pair: pair[1])


def write_predictions_page(
    path: Path,
    predictions: Sequence[Prediction],
    classes: Sequence[str],
    problems: Sequence[tuple[Path, str]],
    skipped: int = 0,
    note: str = "",
) -> None:
    """Write the page of predictions.

    `problems` are pairs of a path, which is shown without its folder, and a reason why it has no
    picture. `skipped` is the number of pictures that were left after a signal. `note`, in the
    page's language, is printed on the page.
    """
    title = tr("Predictions for {n:,} pictures", n=len(predictions))
    if len(predictions) == 1:
        title = tr("Prediction for a picture")
    write_page(
        path,
        "predictions.html.jinja",
        title=title,
        summary=summarize(predictions, classes),
        skipped=skipped,
        predictions=predictions,
        titles=titles([Path(prediction.name) for prediction in predictions]),
        classes=classes,
        problems=[f"{path.name or path}: {reason}" for path, reason in problems],
        note=note,
        format_probability=format_probability,
    )


def titles(paths: Sequence[Path]) -> list[str]:
    """Return the file names; their folders, which may be private, only where names are equal."""
    counts = Counter(path.name for path in paths)
    return [path.name if counts[path.name] == 1 else "/".join(path.parts[-2:]) for path in paths]


def summarize(predictions: Sequence[Prediction], classes: Sequence[str]) -> str:
    """Return the numbers of pictures: of each class, without prediction, and doubtful."""
    classified = [prediction for prediction in predictions if prediction.probabilities]
    counts = Counter(prediction.highest(1)[0][0] for prediction in classified)
    named = [f"{tr(classes[k])} {n:,}" for k, n in counts.most_common(MOST_COUNTED)]
    if len(counts) > MOST_COUNTED:
        named.append("…")
    without = len(predictions) - len(classified)
    if without:
        named.append(tr("no prediction {n:,}", n=without))
    doubtful = sum(bool(prediction.doubts) for prediction in classified)
    return tr("{counts}; doubtful: {n:,}.", counts=tr(", ").join(named), n=doubtful)


def make_thumbnail(picture: Image.Image, alt: str) -> Thumbnail:
    """Return a thumbnail of a picture, at most SIDE pixels wide and high."""
    picture = picture.convert("RGBA")
    picture.thumbnail((SIDE, SIDE), reducing_gap=2)
    is_lossless = max(picture.size) <= LOSSLESS_SIDE or not features.check("webp")
    kind, buffer = "PNG" if is_lossless else "WEBP", io.BytesIO()
    picture.save(buffer, format=kind)
    data = base64.b64encode(buffer.getvalue()).decode()
    return Thumbnail(f"data:image/{kind.lower()};base64,{data}", *picture.size, alt)
