"""Predictions as lines, as JSON and as a table, and where each drawing is written."""

import itertools
from collections.abc import Sequence
from pathlib import Path

from d2l_softmax.io import write_csv
from d2l_softmax.pages.predictions import Prediction

TABLE = "predictions.csv"
PAGE = "predictions.html"


def in_words(prediction: Prediction, classes: Sequence[str], drawing: Path | None) -> str:
    """Return a picture's name and three most probable classes as a line, and one for each doubt."""
    highest = ", ".join(f"{classes[k]} {p:.3f}" for k, p in prediction.highest(3))
    drawn = f"; drawn in {drawing}" if drawing else ""
    return "\n    ".join([f"{prediction.name}: {highest}{drawn}", *prediction.doubts])


def as_json(prediction: Prediction, classes: Sequence[str]) -> dict:
    """Return a prediction as --json prints it."""
    ((index, probability),) = prediction.highest(1)
    return {
        "file": prediction.name,
        "class": classes[index],
        "index": index,
        "probability": probability,
        "probabilities": dict(zip(classes, prediction.probabilities, strict=True)),
        "doubts": list(prediction.doubts),
    }


def write_table(path: Path, predictions: Sequence[Prediction], classes: Sequence[str]) -> None:
    """Write a row for each picture: its class, the probability of each class, and doubts."""
    rows = []
    for prediction in predictions:
        ((index, probability),) = prediction.highest(1)
        row = prediction.name, classes[index], index, probability, *prediction.probabilities
        rows.append((*row, " ".join(prediction.doubts)))
    write_csv(path, ["file", "class", "index", "probability", *classes, "doubts"], rows)


def drawing_path(folder: Path, stem: str, taken: set[Path]) -> Path:
    """Return the path of a picture's drawing, none of those taken; it is then taken, too."""
    numbers = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    candidates = (folder / f"{stem}-prediction{number}.png" for number in numbers)
    path = next(path for path in candidates if path.resolve() not in taken)
    taken.add(path.resolve())
    return path
