"""The command `sweep`: a grid of settings, and which of them is the best on held-out images."""

import argparse
import itertools
import math
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from d2l_softmax.commands.cli import Command, Twins
from d2l_softmax.commands.console import Console, counted
from d2l_softmax.commands.grid import SETTINGS, Grid, add_grid_options, combine, in_words
from d2l_softmax.commands.options import drawn_in, options_to_dict
from d2l_softmax.commands.train import parse
from d2l_softmax.commands.trainer import Trainer
from d2l_softmax.figures.style import save_figure
from d2l_softmax.figures.sweep import draw_sweep
from d2l_softmax.io import exclusive_lock, prepare_directory
from d2l_softmax.training.fit import REMEDY, DivergedError
from d2l_softmax.training.selection import Score, best_first

TABLE, FIGURE = "sweep.csv", "sweep.png"
IF_NONE_IS_GIVEN: dict[str, list] = {"lr": [0.01, 0.1, 1.0], "batch_size": [64, 256, 1024]}
MOST_LINES = 10  # of the ranking that is printed
UNSAID = {"recipe", "quiet", "lang", "output_dir"}  # of what a training was asked for


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    about = (
        "Settings may have several values: --lr 0.01 0.1 1 --batch-size 64 256 1024, which is the "
        "grid if none is given, or --epochs alone."
    )
    add_grid_options(parser, Path("runs", "sweep"), about, several=True)


def complete(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """List the trainings; exit with status 2 where settings contradict each other."""
    given = {name: vars(options)[name] for name in SETTINGS if name in vars(options)}
    looks_for = given.keys() - {"epochs"} or len(given.get("epochs", ())) > 1
    values: dict[str, list] = given if looks_for else IF_NONE_IS_GIVEN | given
    options.trainings = combine(parser, options, values)
    options.varied = [name for name in values if len(set(values[name])) > 1]


def sweep(options: argparse.Namespace, twins: Twins) -> None:
    """Train every combination of settings and say which is best on held-out training images.

    Writes sweep.csv after every training, and at the end sweep.png; what is in sweep.csv already is
    not trained again. The test images are not looked at. Raises DivergedError, with everything
    written, if no setting is without a training that diverged.
    """
    folder, names = prepare_directory(options.output_dir), options.varied
    with exclusive_lock(folder):
        trainer = Trainer(twins[options.twin], options.trainings[0])
        grid = Grid(trainer, options.trainings, options.jobs, folder / TABLE)
        with Console(len(grid.trainings), options.quiet, unit="trainings") as console:
            grid.announce(console)
            grid.train(console, names)
            scores = scores_of(grid, names)
            with drawn_in(options.lang):
                save_figure(folder / FIGURE, draw_sweep(names, scores, trainer.num_held_out))
            console.print(f"wrote {TABLE}, {FIGURE} to {folder}")
            ranking = best_first(scores)
            if math.isnan(ranking[0].mean):
                raise DivergedError("every setting diverged from some seed:", REMEDY)
            for line in in_lines(names, ranking, trainer.num_held_out):
                console.print(line)
            chosen = next(
                t for t in grid.trainings.values() if setting_of(t, names) == ranking[0].setting
            )
            console.print("the best once more; without --validation it learns from all images:")
            console.print(command_of(chosen, names))


def setting_of(options: argparse.Namespace, names: Sequence[str]) -> tuple:
    """Return the values of what is varied."""
    return tuple(getattr(options, name) for name in names)


def scores_of(grid: Grid, names: Sequence[str]) -> list[Score]:
    """Return the score of each setting, in the order of the grid."""
    accuracies: dict[tuple, list[float]] = {}
    for options, result in grid.results():
        accuracies.setdefault(setting_of(options, names), []).append(result.valid_acc)
    return [Score(setting, tuple(values)) for setting, values in accuracies.items()]


def in_lines(names: Sequence[str], ranking: Sequence[Score], held_out: int) -> Iterator[str]:
    """Yield the ranking as text, and whether the first place is certain."""
    best, *others = ranking
    seeds = counted(len(best.accuracies), "seed")
    yield f"accuracy on {held_out:,} held-out images, mean ± standard deviation over {seeds}:"
    for score in ranking[:MOST_LINES]:
        yield f"{score!s:>17}   {in_words(names, score.setting)}".rstrip()
    if len(ranking) > MOST_LINES:
        yield f"{'…':>17}   {len(ranking) - MOST_LINES} more, in {TABLE}"
    if len(best.accuracies) == 1 and others:
        yield "from one seed it can't be said what is chance: --seeds 3 or more"
    elif close := sum(score.within_one_standard_error(best) for score in others):
        yield f"{counted(close, 'other')} within a standard error of the best: more --seeds tell"


def command_of(options: argparse.Namespace, names: Sequence[str]) -> str:
    """Return the command that trains once more what the options ask for.

    It names what is varied, and what else is not what the twin's command does by itself.
    """
    wanted = options_to_dict(options)

    def as_typed(names: Iterable[str]) -> list[str]:
        words = ((f"--{name.replace('_', '-')}", str(wanted[name])) for name in names)
        return [*itertools.chain.from_iterable(words)]

    by_itself = options_to_dict(parse(options.twin, as_typed(names)))
    others = (n for n, value in by_itself.items() if wanted.get(n, value) != value)
    said = as_typed([*names, *(name for name in others if name not in UNSAID)])
    return shlex.join(["python", "-m", options.twin, *said])


COMMAND = Command("sweep", "find the best settings", add_options, sweep, complete)
