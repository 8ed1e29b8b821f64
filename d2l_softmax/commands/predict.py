"""The command `predict`: the class of a picture, and a drawing of what the model saw of it."""

import argparse
import functools
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from d2l_softmax.commands.console import complain, say
from d2l_softmax.commands.options import (
    DEFAULT_MODEL,
    add_data_dir,
    add_json,
    add_output_dir,
    path,
    whole,
)
from d2l_softmax.commands.program import Command, Twins
from d2l_softmax.data.fashion_mnist import CLASSES, TEST_BATCH_SIZE, load_data_fashion_mnist
from d2l_softmax.data.pictures import INVERSIONS, PictureError, load_picture, to_model_input
from d2l_softmax.figures.drawing import own_style, save_figure
from d2l_softmax.figures.prediction import draw_prediction
from d2l_softmax.storage.files import prepare_directory
from d2l_softmax.storage.results import load_parameters


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
        "--index", type=whole(0, 9999), metavar="N", help="an image of the test set, 0 to 9999"
    )
    parser.add_argument(
        "--model", type=path, default=DEFAULT_MODEL, metavar="FILE", help="written by either twin"
    )
    parser.add_argument(
        "--invert",
        choices=INVERSIONS,
        default="auto",
        help="whether the picture is dark on light; auto: if its border is light",
    )
    add_json(parser)
    add_data_dir(parser)
    add_output_dir(parser, Path("runs", "predict"))


def complete(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Exit with status 2 unless pictures are named, or an image of the test set."""
    if bool(options.files) == (options.index is not None):
        parser.error("name either picture files, or an image with --index")


def predict(options: argparse.Namespace, twins: Twins) -> int:
    """Print the three most probable classes of each picture, and draw what the model saw of it.

    Pictures that can't be used are named on standard error, the others are still predicted.
    """
    model = load_parameters(options.model, twins["scratch"].SoftmaxRegression())
    output_dir = prepare_directory(options.output_dir)
    results, status = [], 0
    taken = {file.resolve() for file in options.files}  # nobody's picture is written over
    for name, read in pictures(options):
        try:
            picture, X = read()
        except PictureError as error:
            complain(f"python -m d2l_softmax predict: {error}")
            status = 1
            continue
        with torch.no_grad():
            y_hat = model.probabilities(X)
        results.append(as_json(name, y_hat))
        drawing = drawing_path(output_dir, Path(name).stem, taken)
        with own_style():
            save_figure(drawing, draw_prediction(picture, X, y_hat, CLASSES))
        if not options.json:
            say(f"{name}: {top_classes(y_hat)}; drawn in {drawing}")
    if options.json:
        say(json.dumps(results, indent=2))
    return status


def pictures(options: argparse.Namespace) -> Iterator[tuple[str, Callable]]:
    """Yield the name of each picture, and a function that reads it: (picture, model input)."""
    if options.index is not None:
        _, test_iter = load_data_fashion_mnist(TEST_BATCH_SIZE, data_dir=options.data_dir)
        image, _ = test_iter.dataset[options.index]
        pixels = (image[0] * 255).round().to(torch.uint8).numpy()
        yield f"test-{options.index}", lambda: (Image.fromarray(pixels), image.unsqueeze(0))
    for file in options.files:
        yield str(file), functools.partial(read_picture, file, options.invert)


def read_picture(file: Path, invert: str) -> tuple[Image.Image, Tensor]:
    """Read a picture file; return it and what the model sees of it."""
    picture = load_picture(file)
    return picture, to_model_input(picture, invert)


def as_json(name: str, y_hat: Tensor) -> dict:
    """Return a prediction as --json prints it."""
    probabilities = y_hat[0].tolist()
    index = int(y_hat[0].argmax())
    return {
        "file": name,
        "class": CLASSES[index],
        "index": index,
        "probability": probabilities[index],
        "probabilities": dict(zip(CLASSES, probabilities, strict=True)),
    }


def top_classes(y_hat: Tensor, n: int = 3) -> str:
    """Return the n most probable classes as text."""
    probabilities, classes = y_hat[0].topk(n)
    return ", ".join(f"{CLASSES[k]} {p:.3f}" for p, k in zip(probabilities, classes, strict=True))


def drawing_path(folder: Path, stem: str, taken: set[Path]) -> Path:
    """Return the path of a picture's drawing, none of those taken; it is then taken, too."""
    numbers = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    candidates = (folder / f"{stem}-prediction{number}.png" for number in numbers)
    path = next(path for path in candidates if path.resolve() not in taken)
    taken.add(path.resolve())
    return path


COMMAND = Command("predict", "classify pictures", add_options, predict, complete)
