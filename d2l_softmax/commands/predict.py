"""The command `predict`: the class of a picture, and a drawing of what the model saw of it."""

import argparse
import functools
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from d2l_softmax.commands.console import complain, say
from d2l_softmax.commands.language import add_language, drawn_in
from d2l_softmax.commands.models import load_model, load_test_data
from d2l_softmax.commands.options import (
    DEFAULT_MODEL,
    FASHION_MNIST,
    add_data_dir,
    add_dataset,
    add_json,
    add_output_dir,
    path,
    whole,
)
from d2l_softmax.commands.program import Command, Twins
from d2l_softmax.data.pictures import (
    INVERSIONS,
    PictureError,
    load_picture,
    to_input_of,
    to_model_input,
)
from d2l_softmax.errors import UserError
from d2l_softmax.figures.drawing import as_pixels, save_figure
from d2l_softmax.figures.prediction import draw_prediction
from d2l_softmax.storage.description import Description
from d2l_softmax.storage.files import prepare_directory


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "files",
        type=path,
        nargs="*",
        default=[],
        metavar="FILE",
        help="PNG, JPEG, WebP and others, of any size",
    )
    parser.add_argument(
        "--index", type=whole(0), metavar="N", help="an image of the test set, from 0 on"
    )
    parser.add_argument(
        "--model", type=path, default=DEFAULT_MODEL, metavar="FILE", help="written by either twin"
    )
    parser.add_argument(
        "--invert",
        choices=INVERSIONS,
        default="auto",
        help="whether the picture is dark on light; auto: if its border is light, but never for a "
        "model of your own data",
    )
    add_json(parser)
    add_data_dir(parser)
    add_dataset(parser)
    add_language(parser)
    add_output_dir(parser, Path("runs", "predict"))


def complete(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Exit with status 2 unless pictures are named, or an image of the test set."""
    if bool(options.files) == (options.index is not None):
        parser.error("name either picture files, or an image with --index")


def predict(options: argparse.Namespace, twins: Twins) -> int:
    """Print the three most probable classes of each picture, and draw what the model saw of it.

    Pictures that can't be used are named on standard error, the others are still predicted.
    """
    model, description = load_model(options.model, twins["scratch"])
    classes = description.classes
    output_dir = prepare_directory(options.output_dir)
    results, status = [], 0
    taken = {file.resolve() for file in options.files}  # nobody's picture is written over
    for name, read in pictures(options, description):
        try:
            picture, X = read()
        except PictureError as error:
            complain(f"python -m d2l_softmax predict: {error}")
            status = 1
            continue
        with torch.no_grad():
            y_hat = model.probabilities(X)
        results.append(as_json(name, y_hat, classes))
        drawing = drawing_path(output_dir, Path(name).stem, taken)
        with drawn_in(options.lang):
            save_figure(drawing, draw_prediction(picture, X, y_hat, classes))
        if not options.json:
            say(f"{name}: {top_classes(y_hat, classes)}; drawn in {drawing}")
    if options.json:
        say(json.dumps(results, indent=2))
    return status


def pictures(
    options: argparse.Namespace, description: Description
) -> Iterator[tuple[str, Callable]]:
    """Yield the name of each picture, and a function that reads it: (picture, model input)."""
    if options.index is not None:
        dataset = load_test_data(options, description).dataset
        if options.index >= len(dataset):
            raise UserError(
                f"there is no test example {options.index:,};",
                f"choose one with {{index}} from 0 to {len(dataset) - 1:,}",
            )
        X = dataset[options.index][0].unsqueeze(0)
        yield f"test-{options.index}", lambda: (as_picture(X), X)
    for file in options.files:
        yield str(file), functools.partial(read_picture, file, description, options.invert)


def as_picture(X: Tensor) -> Image.Image | None:
    """Return an image (1, c, h, w) in [0, 1] as a picture, None for features (1, d)."""
    if X.dim() == 2:
        return None
    pixels = (X[0] * 255).round().to(torch.uint8)
    return Image.fromarray(as_pixels(pixels).astype("uint8"))


def read_picture(file: Path, description: Description, invert: str) -> tuple[Image.Image, Tensor]:
    """Read a picture file; return it and what the model sees of it."""
    picture = load_picture(file)
    if description.data != FASHION_MNIST:
        return picture, to_input_of(description.shape, picture, invert)
    X = to_model_input(picture, invert)
    if description.resize:
        X = torch.nn.functional.interpolate(
            X, list(description.resize), mode="bilinear", antialias=True
        )
    return picture, X


def as_json(name: str, y_hat: Tensor, classes: Sequence[str]) -> dict:
    """Return a prediction as --json prints it."""
    probabilities = y_hat[0].tolist()
    index = int(y_hat[0].argmax())
    return {
        "file": name,
        "class": classes[index],
        "index": index,
        "probability": probabilities[index],
        "probabilities": dict(zip(classes, probabilities, strict=True)),
    }


def top_classes(y_hat: Tensor, classes: Sequence[str], n: int = 3) -> str:
    """Return the n most probable classes as text, all if there are fewer."""
    probabilities, highest = y_hat[0].topk(min(n, len(classes)))
    return ", ".join(f"{classes[k]} {p:.3f}" for p, k in zip(probabilities, highest, strict=True))


def drawing_path(folder: Path, stem: str, taken: set[Path]) -> Path:
    """Return the path of a picture's drawing, none of those taken; it is then taken, too."""
    numbers = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    candidates = (folder / f"{stem}-prediction{number}.png" for number in numbers)
    path = next(path for path in candidates if path.resolve() not in taken)
    taken.add(path.resolve())
    return path


COMMAND = Command("predict", "classify pictures", add_options, predict, complete)
