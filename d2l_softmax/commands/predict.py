"""The command `predict`: classify pictures, and draw the steps to each prediction."""

from __future__ import annotations

import argparse
import glob
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from torch import Tensor

from d2l_softmax.commands.cli import Command, Interrupted, StopRequest, Twins, signals_handled_by
from d2l_softmax.commands.console import Console, print_out
from d2l_softmax.commands.options import (
    DEFAULT_MODEL,
    add_json,
    add_language,
    add_output_dir,
    add_settings,
    drawn_in,
    path,
    whole,
)
from d2l_softmax.data.image_cache import is_image_name
from d2l_softmax.data.pictures import PictureError, load_picture
from d2l_softmax.data.preprocessing import (
    INVERSIONS,
    THE_PICTURE,
    Preprocessed,
    preprocess,
    preprocess_like,
)
from d2l_softmax.description import AS_FASHION_MNIST, Description
from d2l_softmax.errors import UserError
from d2l_softmax.figures.prediction import NO_PREDICTION, draw_nothing_found, draw_prediction
from d2l_softmax.figures.style import as_pixels, save_figure
from d2l_softmax.i18n import tr
from d2l_softmax.io import prepare_directory, write_csv
from d2l_softmax.models import OtherDataError, load_model, load_test_data
from d2l_softmax.pages.predictions import Prediction, make_thumbnail, write_predictions_page
from d2l_softmax.photographs import MIRRORED, Answer, answer_picture, describe_photograph_accuracy
from d2l_softmax.training.evaluation import format_probability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TABLE, PAGE = "predictions.csv", "predictions.html"
MOST_DRAWN = 10  # a drawing takes a second; the page shows any number of pictures

ADVICE = (
    "Photographs are often misclassified (docs/photographs.md). It helps to show one shoe from the "
    "side, or a garment that lies flat, sleeves along its body, nobody in it, on a background of "
    "one colour; to save HEIC pictures as JPEG; or to train on your own photographs (docs/data.md)"
)

Problem = tuple[Path, str]  # a path or pattern without a prediction, and the reason
LONGEST_STEM = 200  # bytes of a picture's name that are kept in the name of its drawing


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "paths",
        type=path,
        nargs="*",
        default=[],
        metavar="PATH",
        help="a picture (PNG, JPEG, WebP and others, of any size), a folder with pictures, or a "
        f"pattern such as 'photos/*.jpg'. Up to {MOST_DRAWN} pictures each get a drawing. Two or "
        f"more pictures also get a table, {TABLE}, and a page, {PAGE}. {ADVICE}",
    )
    parser.add_argument(
        "--index", type=whole(0), metavar="N", help="an image of the test set, counted from 0"
    )
    parser.add_argument(
        "--model", type=path, default=DEFAULT_MODEL, metavar="FILE", help="model.pt of either twin"
    )
    parser.add_argument(
        "--invert",
        choices=INVERSIONS,
        default="auto",
        help="invert the picture; auto: if its background is light and the training images' is "
        "dark, or the reverse",
    )
    add_json(parser)
    add_settings(parser, "data_dir", "dataset")
    add_language(parser)
    add_output_dir(parser, Path("runs", "predict"))


def complete(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Exit with status 2 unless paths of pictures or --index is given, but not both."""
    if bool(options.paths) == (options.index is not None):
        given = "both" if options.paths else "none"
        parser.error(
            f"expected pictures and folders, or a test image with --index, got {given}; with make: "
            "make predict IMAGE=picture.jpg"
        )
    if options.index is not None and options.invert != "auto":
        parser.error("argument --invert: a test image is not inverted; leave --invert out")


def predict(options: argparse.Namespace, twins: Twins) -> int:
    """Print the three most probable classes of each picture, and draw the steps to the prediction.

    Problems with pictures are printed on standard error; the other pictures are still classified.
    After a signal, the results so far are written. The status is 1 if a picture can't be read, or
    if no object is found in any picture.
    """
    model = load_model(options.model, twins["scratch"], dtype=torch.float32)
    classes = model.description.classes
    folder = prepare_directory(options.output_dir, options.dataset)
    pictures, problems, answer = find_inputs(options, model)
    note = describe_photograph_accuracy(model.description) if options.paths else ""
    reserved = set(map(os.path.realpath, pictures))  # no drawing replaces a user's picture
    predictions: list[Prediction] = []
    skipped, stop = 0, StopRequest()
    with (
        drawn_in(options.lang),
        signals_handled_by(stop),
        Console(len(pictures), quiet=False, unit="pictures") as console,
    ):
        page_note = describe_photograph_accuracy(model.description) if note else ""  # in --lang
        for argument, reason in problems:
            console.warn(f"{options.prog}: {argument}: {reason}")
        for number, picture in enumerate(pictures):
            if stop.signum:
                skipped = len(pictures) - number
                break
            try:
                result = answer(picture)
            except PictureError as error:
                reason = str(error).removeprefix(f"{picture}: ")
                console.warn(f"{options.prog}: {picture}: {reason}")
                problems.append((picture, reason))
            else:
                drawing = None
                if len(pictures) <= MOST_DRAWN:
                    drawing = drawing_path(folder, picture.stem, reserved)
                    save_figure(drawing, draw(result, model, page_note))
                predictions.append(to_prediction(picture, result))
                if not options.json:
                    console.print(format_prediction(predictions[-1], classes, drawing))
            console.bar.update()
        results = [as_json(prediction, classes) for prediction in predictions]
        if len(pictures) > 1 and predictions:
            write_table(folder / TABLE, results, classes)
            page = folder / PAGE
            write_predictions_page(page, predictions, classes, problems, skipped, page_note)
            if not options.json:
                console.print(f"wrote {TABLE} and {PAGE} to {folder}")
        if note and predictions and not options.json:
            console.print(note)
    if options.json:
        print_out(json.dumps(results, indent=2))
    if stop.signum:
        raise Interrupted(stop.signum, f"after {len(predictions):,} of {len(pictures):,} pictures")
    has_class = any(prediction.probabilities for prediction in predictions)
    return 1 if problems or not has_class else 0


def find_inputs(
    options: argparse.Namespace, model: Any
) -> tuple[list[Path], list[Problem], Callable[[Path], Answer]]:
    """Return paths of pictures, problems with the arguments, and a function from path to answer.

    The test image given by --index is treated as a picture called `test-N`. Raises UserError if
    there is no such image, OtherDataError if the model takes features.
    """
    description: Description = model.description
    if options.index is not None:
        dataset = load_test_data(options, description).dataset
        if options.index >= len(dataset):
            raise UserError(
                f"there is no test example {options.index:,};",
                f"choose one with {{index}} from 0 to {len(dataset) - 1:,}",
            )
        image, label = dataset[options.index]
        X = image.unsqueeze(0)  # (1, ...)
        with torch.no_grad():  # not a photograph: neither mirrored nor calibrated
            answer = Answer(X, {}, (), model.probabilities(X)[0], label=int(label))
        return [Path(f"test-{options.index}")], [], lambda path: answer
    paths, problems = find_pictures(options.paths)
    if paths and not description.has_images:
        raise OtherDataError(f"can't classify pictures: the model is for {description.in_words()}")

    def answer_file(path: Path) -> Answer:
        return answer_picture(read_picture(path, description, options.invert), model, description)

    return paths, problems, answer_file


def find_pictures(arguments: Sequence[Path]) -> tuple[list[Path], list[Problem]]:
    """Return the pictures of each argument, sorted, and a problem for each argument without any.

    An argument is a file (if it is missing, reading it fails later), a folder, or a pattern for
    files and folders. Folders are searched recursively, without following links. Hidden files and
    files without a picture's extension are skipped.
    """
    pictures: dict[Path, None] = {}  # each path once
    problems: list[Problem] = []
    for argument in arguments:
        name = str(argument)
        found: list[Path] = []
        errors: list[Problem] = []
        is_pattern = glob.escape(name) != name and not os.path.lexists(argument)
        matches = map(Path, glob.iglob(name, recursive=True)) if is_pattern else [argument]
        for match in matches:
            if os.path.isdir(match):
                found += pictures_in(match, errors)
            elif not is_pattern or is_image_name(match.name):
                found.append(match)
        if not found and not errors:
            where = "match this pattern" if is_pattern else "in this folder"
            errors.append((argument, f"no pictures {where}"))
        pictures |= dict.fromkeys(sorted(found))
        problems += errors
    return list(pictures), problems


def pictures_in(folder: Path, errors: list[Problem]) -> list[Path]:
    """Return the pictures in a folder and its subfolders; add an error for each unreadable one."""

    def report(error: OSError) -> None:
        errors.append((Path(error.filename), f"can't read this folder: {error.strerror}"))

    pictures = []
    for parent, folders, names in os.walk(folder, onerror=report):
        folders[:] = [name for name in folders if name[0] != "."]
        pictures += [Path(parent, name) for name in names if name[0] != "." and is_image_name(name)]
    return pictures


def read_picture(path: Path, description: Description, invert: str) -> Preprocessed:
    """Read a picture file as the model's input; PictureError if that fails."""
    picture = load_picture(path)
    if description.pictures != AS_FASHION_MNIST:
        return preprocess_like(description.appearance, description.shape, picture, invert)
    prepared = preprocess(picture, invert)
    if not description.resize:
        return prepared
    size = list(description.resize)
    X = torch.nn.functional.interpolate(prepared.X, size, mode="bilinear", antialias=True)
    return prepared._replace(X=X)


def draw(answer: Answer, model: Any, note: str) -> Figure:
    """Draw an answer: the preprocessing steps, and the prediction if there is one."""
    if answer.y_hat is None:
        return draw_nothing_found(answer.steps, answer.doubts, note)
    return draw_prediction(
        answer.X, answer.steps, answer.doubts, model, model.classes, answer.temperature, note
    )


def to_prediction(path: Path, answer: Answer) -> Prediction:
    """Convert an answer for the page, with thumbnails of the picture and the model's input."""
    images = {
        tr("the picture {name}", name=path.name): answer.steps.get(THE_PICTURE),
        tr("the model input for {name}", name=path.name): to_image(answer.X),
    }
    thumbnails = [make_thumbnail(image, alt) for alt, image in images.items() if image]
    probabilities = [] if answer.y_hat is None else answer.y_hat.tolist()
    if not probabilities:
        del thumbnails[1:]  # there was no input
    is_mirrored = MIRRORED in answer.steps
    return Prediction(
        str(path), probabilities, answer.doubts, thumbnails, is_mirrored, answer.label
    )


def to_image(X: Tensor) -> Image.Image | None:
    """Convert an input (1, c, h, w) in [0, 1] to an image; None for features (1, d)."""
    if X.dim() == 2:
        return None
    pixels = (X[0] * 255).round().to(torch.uint8)
    return Image.fromarray(as_pixels(pixels).astype("uint8"))


def drawing_path(folder: Path, stem: str, reserved: set[str]) -> Path:
    """Return a path for a picture's drawing that is not reserved, and reserve it.

    A long stem is cut: file systems allow names of 255 bytes, and the temporary file's is longer.
    """
    if len(os.fsencode(stem)) > LONGEST_STEM:
        stem = os.fsencode(stem)[:LONGEST_STEM].decode("utf-8", "ignore")
    path, number = folder / f"{stem}-prediction.png", 1
    while os.path.realpath(path) in reserved:
        number += 1
        path = folder / f"{stem}-prediction-{number}.png"
    reserved.add(os.path.realpath(path))
    return path


def format_prediction(prediction: Prediction, classes: Sequence[str], drawing: Path | None) -> str:
    """Format a prediction: a line with the three most probable classes, and one for each doubt.

    The true class follows if it is known.
    """
    highest = ", ".join(f"{classes[k]} {format_probability(p)}" for k, p in prediction.highest(3))
    mirrored = " (mirrored)" if prediction.mirrored else ""
    label = "" if prediction.label is None else f"; true class {classes[prediction.label]}"
    drawn = f"; drawn in {drawing}" if drawing else ""
    first = f"{prediction.name}: {highest or NO_PREDICTION}{mirrored}{label}{drawn}"
    return "\n    ".join([first, *prediction.doubts])


def as_json(prediction: Prediction, classes: Sequence[str]) -> dict:
    """Return a prediction for --json.

    Class and probabilities are None if no object was found; the true class is None for pictures.
    """
    probabilities = None
    index = probability = None
    if prediction.probabilities:
        ((index, probability),) = prediction.highest(1)
        probabilities = dict(zip(classes, prediction.probabilities, strict=True))
    return {
        "file": prediction.name,
        "class": None if index is None else classes[index],
        "index": index,
        "probability": probability,
        "probabilities": probabilities,
        "true_class": None if prediction.label is None else classes[prediction.label],
        "mirrored": prediction.mirrored,
        "doubts": list(prediction.doubts),
    }


def write_table(path: Path, results: Sequence[dict], classes: Sequence[str]) -> None:
    """Write a row for each picture: its class, the probability of each class, and the doubts.

    The class and the probabilities are empty if no object was found.
    """
    names = ["file", "class", "index", "probability"]
    rows = []
    for result in results:
        probabilities = result["probabilities"] or dict.fromkeys(classes)
        row = [*(result[name] for name in names), *probabilities.values()]
        rows.append([*row, result["mirrored"], " ".join(result["doubts"])])
    write_csv(path, [*names, *classes, "mirrored", "doubts"], rows)


COMMAND = Command("predict", "classify pictures", add_options, predict, complete)
