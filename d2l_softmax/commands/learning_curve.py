"""The command `learning-curve`: accuracy against the number of training examples."""

import argparse
import math
from pathlib import Path

from d2l_softmax.commands.cli import Command, Twins
from d2l_softmax.commands.console import Console
from d2l_softmax.commands.experiments import (
    add_experiment_options,
    list_trainings,
    read_data,
    replace,
    run_experiment,
)
from d2l_softmax.commands.options import drawn_in, whole
from d2l_softmax.errors import UserError
from d2l_softmax.figures.style import save_figure
from d2l_softmax.figures.sweep import draw_learning_curve, summarize_curve
from d2l_softmax.io import locked, prepare_directory
from d2l_softmax.training.fit import REMEDY, DivergedError

TABLE, FIGURE = "learning-curve.csv", "learning-curve.png"
SIZES = [digit * 10**zeros for zeros in range(1, 9) for digit in (1, 3)]  # 10, 30, 100, …


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    about = "Every training takes the same number of steps: that of --epochs on all examples."
    add_experiment_options(parser, Path("runs", "learning-curve"), about)
    what = "numbers of training examples (default for 50,000: 100 300 1000 … and all)"
    parser.add_argument("--sizes", type=whole(1), nargs="+", metavar="N", help=what)


def complete(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Add the trainings on all examples, one for each seed, to the options."""
    options.trainings = list_trainings(parser, options, {})


def learning_curve(options: argparse.Namespace, twins: Twins) -> None:
    """Train on growing subsets of the data, and draw accuracy against the number of examples.

    With the same seed, a larger subset contains the smaller ones. Every training takes the same
    number of steps: that of --epochs on all examples. With equal epochs, 100 examples would take
    only 10 steps, and the curve would show the effect of the steps. Accuracies are measured on the
    training examples used and on held-out ones; the test data are not used.

    Writes learning-curve.csv after every training, and learning-curve.png at the end. An existing
    table is resumed. Raises DivergedError, with the table written, if all seeds diverged for some
    size, and UserError if a size exceeds the number of examples.
    """
    folder = prepare_directory(options.output_dir, options.dataset)
    with locked(folder, wait=False):
        loaders = read_data(options.trainings[0])
        n = len(loaders[0].dataset)
        sizes = sorted({*options.sizes}) if options.sizes else default_sizes(n)
        if sizes[-1] > n:
            raise UserError(
                f"there are {n:,} training examples, got a size of {sizes[-1]:,};",
                "choose smaller {sizes}, or hold out fewer with {validation}",
            )
        trainings = [replace(each, images=size) for size in sizes for each in options.trainings]
        with Console(len(trainings), options.quiet, unit="trainings") as console:
            results = run_experiment(
                twins[options.twin], loaders, trainings, folder / TABLE, ["images"], console
            )
            train: dict[int, list[float]] = {size: [] for size in sizes}
            valid: dict[int, list[float]] = {size: [] for size in sizes}
            for training, result in results:
                train[training.images].append(result.train_acc)
                valid[training.images].append(result.valid_acc)
            for size in sizes:
                if all(map(math.isnan, valid[size])):
                    raise DivergedError(f"every training on {size:,} examples diverged;", REMEDY)
            with drawn_in(options.lang):
                save_figure(folder / FIGURE, draw_learning_curve(train, valid))
            console.print(summarize_curve(train, valid))
            console.print(f"wrote {TABLE}, {FIGURE} to {folder}")


def default_sizes(n: int) -> list[int]:
    """Return numbers of examples from a thousandth of n up to n, none of them close to n."""
    return [*(size for size in SIZES if n / 1000 <= size < n / 1.5), n]


COMMAND = Command(
    "learning-curve",
    "accuracy against the number of examples",
    add_options,
    learning_curve,
    complete,
)
