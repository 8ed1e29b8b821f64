"""The page of many predictions: each picture small, what the model saw of it, and its class."""

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

SIDE = 96  # pixels of a small picture, at most
EXACT = 32  # pixels of a side up to which each pixel is kept as it is
MOST_COUNTED = 12  # classes in the summary


class Small(NamedTuple):
    """A small picture as the page holds it: address, size in pixels, and what it shows."""

    address: str
    width: int
    height: int
    alt: str


class Prediction(NamedTuple):
    """What a model says of a picture: q probabilities, and doubts in English sentences.

    There may be thousands: of the picture and of what the model saw only small pictures are kept,
    encoded. The probabilities are no tensor: small ones, kept while large pictures come and go,
    leave holes in memory that no picture fits into (3 GB after 1,000 photographs).
    """

    name: str
    probabilities: Sequence[float]
    doubts: Sequence[str]
    pictures: Sequence[Small]

    @property
    def title(self) -> str:
        """Return the file's name, without the folders: they are a person's own."""
        return Path(self.name).name

    def highest(self, n: int) -> list[tuple[int, float]]:
        """Return the n most probable classes, all if there are fewer, with their probabilities."""
        return heapq.nlargest(n, enumerate(self.probabilities), key=lambda pair: pair[1])


def write_predictions_page(
    path: Path,
    predictions: Sequence[Prediction],
    classes: Sequence[str],
    problems: Sequence[str],
    number: int,
) -> None:
    """Write the page; `problems` are of pictures that could not be used, of so many in all."""
    write_page(
        path,
        "predictions.html.jinja",
        title=tr("Predictions for {n:,} pictures", n=len(predictions)),
        summary=in_short(predictions, classes),
        unseen=number - len(predictions) - len(problems),
        predictions=predictions,
        classes=classes,
        problems=problems,
    )


def in_short(predictions: Sequence[Prediction], classes: Sequence[str]) -> str:
    """Return how many pictures are of each class, and how many of the predictions are doubtful."""
    counts = Counter(prediction.highest(1)[0][0] for prediction in predictions)
    named = [f"{tr(classes[k])} {n:,}" for k, n in counts.most_common(MOST_COUNTED)]
    if len(counts) > MOST_COUNTED:
        named.append("…")
    doubtful = sum(bool(prediction.doubts) for prediction in predictions)
    return tr("{counts}; doubtful: {n:,}.", counts=tr(", ").join(named), n=doubtful)


def small(picture: Image.Image, alt: str) -> Small:
    """Return a picture as a page of many holds it; alt says what it shows."""
    picture = picture.convert("RGBA")
    picture.thumbnail((SIDE, SIDE), reducing_gap=2)
    is_exact = max(picture.size) <= EXACT or not features.check("webp")
    kind, buffer = "PNG" if is_exact else "WEBP", io.BytesIO()
    picture.save(buffer, format=kind)
    data = base64.b64encode(buffer.getvalue()).decode()
    return Small(f"data:image/{kind.lower()};base64,{data}", *picture.size, alt)
