"""The command `learning-curve`: how much the number of training images matters."""

import argparse
import math
from pathlib import Path

from d2l_softmax.commands.cli import Command, Twins
from d2l_softmax.commands.console import Console
from d2l_softmax.commands.grid import Grid, add_grid_options, combine
from d2l_softmax.commands.options import drawn_in, whole
from d2l_softmax.commands.trainer import Trainer
from d2l_softmax.figures.learning_curve import Accuracies, draw_learning_curve, summarize_gap
from d2l_softmax.figures.style import save_figure
from d2l_softmax.io import exclusive_lock, prepare_directory
from d2l_softmax.training.fit import REMEDY, DivergedError

TABLE, FIGURE = "learning-curve.csv", "learning-curve.png"
SIZES = [digit * 10**zeros for zeros in range(2, 9) for digit in (1, 3)]  # 100, 300, 1,000, …


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    about = "Every size of data takes as many steps as all images do in --epochs."
    add_grid_options(parser, Path("runs", "learning-curve"), about)
    what = "numbers of training images (default: 100 300 1000 3000 … and all)"
    parser.add_argument("--sizes", type=whole(1), nargs="+", metavar="N", help=what)


def complete(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """List the trainings on all images; exit with status 2 where settings contradict each other."""
    options.trainings = combine(parser, options, {})


def draw_curve(options: argparse.Namespace, twins: Twins) -> None:
    """Train on more and more of the images and draw the accuracy against their number.

    Of each seed, the images of a size are among those of the next. Every size takes as many steps,
    those of --epochs with all images: with as many epochs, 100 images would have 10 steps, and the
    curve would show the number of steps. Accuracies are measured on the images that were learned
    from and on held-out training images; the test images are not looked at.

    Writes learning-curve.csv after every training, and at the end learning-curve.png; what is in
    the table already is not trained again. Raises DivergedError, with the table written, if every
    seed diverged for some size, and TooFewImagesError for sizes that are not there.
    """
    folder = prepare_directory(options.output_dir)
    with exclusive_lock(folder):
        trainer = Trainer(twins[options.twin], options.trainings[0])
        n = trainer.num_images
        sizes = sorted({*options.sizes} if options.sizes else {*(s for s in SIZES if s < n), n})
        trainer.check_number(sizes[-1])
        trainings = [
            argparse.Namespace(**vars(training) | {"images": size})
            for size in sizes
            for training in options.trainings
        ]
        grid = Grid(trainer, trainings, options.jobs, folder / TABLE)
        with Console(len(trainings), options.quiet, unit="trainings") as console:
            grid.announce(console)
            grid.train(console, ["images"])
            train, valid = accuracies_of(grid)
            with drawn_in(options.lang):
                save_figure(folder / FIGURE, draw_learning_curve(train, valid))
            console.print(summarize_gap(train, valid))
            console.print(f"wrote {TABLE}, {FIGURE} to {folder}")


def accuracies_of(grid: Grid) -> tuple[Accuracies, Accuracies]:
    """Return both accuracies by the number of images; DivergedError if a size has none."""
    train: dict[int, list[float]] = {}
    valid: dict[int, list[float]] = {}
    for options, result in grid.results():
        for accuracies, value in ((train, result.train_acc), (valid, result.valid_acc)):
            of_size = accuracies.setdefault(options.images, [])
            of_size += [] if math.isnan(value) else [value]
    for size, values in valid.items():
        if not values:
            raise DivergedError(f"every training on {size:,} images diverged:", REMEDY)
    return train, valid


COMMAND = Command(
    "learning-curve", "accuracy against the number of images", add_options, draw_curve, complete
)
