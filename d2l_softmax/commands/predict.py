"""The command `predict`: the classes of pictures, and what the model saw of them."""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

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
from d2l_softmax.commands.picture_paths import find_pictures
from d2l_softmax.commands.picture_sources import Source, as_picture, sources_of
from d2l_softmax.commands.predictions import (
    PAGE,
    TABLE,
    as_json,
    drawing_path,
    in_words,
    write_table,
)
from d2l_softmax.data.pictures import PictureError
from d2l_softmax.data.preprocessing import INVERSIONS, THE_PICTURE, Prepared
from d2l_softmax.figures.prediction import draw_prediction
from d2l_softmax.figures.style import save_figure
from d2l_softmax.i18n import tr
from d2l_softmax.io import prepare_directory
from d2l_softmax.models import load_model
from d2l_softmax.pages.predictions import Prediction, small, write_predictions_page
from d2l_softmax.training.evaluation import Model

PROGRAM = "python -m d2l_softmax predict"
MOST_DRAWN = 10  # each drawing takes a second; of more pictures there is the page


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "paths",
        type=path,
        nargs="*",
        default=[],
        metavar="PATH",
        help="a picture (PNG, JPEG, WebP and others, of any size), a folder with pictures, or a "
        f"pattern such as 'photos/*.jpg'. Up to {MOST_DRAWN} pictures each get a drawing; of two "
        f"and more there is a table, {TABLE}, and a page with all of them, {PAGE}",
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
    add_settings(parser, "data_dir", "dataset")
    add_language(parser)
    add_output_dir(parser, Path("runs", "predict"))


def complete(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Exit with status 2 unless pictures are named, or an image of the test set."""
    if bool(options.paths) == (options.index is not None):
        parser.error("name either pictures and folders, or an image with --index")


def predict(options: argparse.Namespace, twins: Twins) -> int:
    """Print the three most probable classes of each picture, and draw what the model saw of it.

    Pictures that can't be used are named on standard error, the others are still predicted. After
    a signal, what was predicted before is written.
    """
    model = load_model(options.model, twins["scratch"], dtype=torch.float32)
    description = model.description
    classes, output_dir = description.classes, prepare_directory(options.output_dir)
    paths, problems = find_pictures(options.paths)
    sources = sources_of(options, paths, description)
    taken = {path.resolve() for path in paths}  # nobody's picture is written over
    predictions: list[Prediction] = []
    stop = StopRequest()
    with (
        drawn_in(options.lang),
        signals_handled_by(stop),
        Console(len(sources), quiet=False, unit="pictures") as console,
    ):
        for source, prepared in read_all(sources, problems, stop, console):
            drawing = None
            if len(sources) <= MOST_DRAWN:
                drawing = drawing_path(output_dir, source.stem, taken)
                save_figure(drawing, draw_prediction(*prepared, model, classes))
            predictions.append(prediction_of(source.name, prepared, model))
            if not options.json:
                console.print(in_words(predictions[-1], classes, drawing))
        if len(sources) > 1 and predictions:
            write_table(output_dir / TABLE, predictions, classes)
            write_predictions_page(output_dir / PAGE, predictions, classes, problems, len(sources))
            if not options.json:
                console.print(f"wrote {TABLE} and {PAGE} to {output_dir}")
    if options.json:
        print_out(
            json.dumps([as_json(prediction, classes) for prediction in predictions], indent=2)
        )
    if stop.signum:
        raise Interrupted(stop.signum, f"after {len(predictions):,} of {len(sources):,} pictures")
    return 1 if problems else 0


def read_all(
    sources: Sequence[Source], problems: list[str], stop: StopRequest, console: Console
) -> Iterator[tuple[Source, Prepared]]:
    """Yield each picture that can be used, until a signal comes; problems get what can't."""
    for problem in problems:
        console.warn(f"{PROGRAM}: {problem}")
    for source in sources:
        if stop.signum:
            return
        try:
            yield source, source.read()
        except PictureError as error:
            console.warn(f"{PROGRAM}: {error}")
            problems.append(str(error))
        console.bar.update()


def prediction_of(name: str, prepared: Prepared, model: Model) -> Prediction:
    """Return what a model says of a picture, with small pictures of it and of what it saw."""
    with torch.no_grad():
        probabilities = model.probabilities(prepared.X)[0].tolist()
    shown = {
        tr("the picture {name}", name=Path(name).name): prepared.steps.get(THE_PICTURE),
        tr("what the model saw of {name}", name=Path(name).name): as_picture(prepared.X),
    }
    pictures = [small(picture, alt) for alt, picture in shown.items() if picture]
    return Prediction(name, probabilities, prepared.doubts, pictures)


COMMAND = Command("predict", "classify pictures", add_options, predict, complete)
