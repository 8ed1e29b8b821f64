"""The command `sweep`: find the best settings on held-out examples."""

import argparse
import math
import shlex
import statistics
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from d2l_softmax.commands.cli import Command, Twins
from d2l_softmax.commands.console import Console, counted
from d2l_softmax.commands.experiments import (
    SETTINGS,
    add_experiment_options,
    format_setting,
    list_trainings,
    read_data,
    run_experiment,
)
from d2l_softmax.commands.options import BOOK, as_option, drawn_in, options_to_dict, parse
from d2l_softmax.commands.train import as_typed
from d2l_softmax.figures.style import save_figure
from d2l_softmax.figures.sweep import Score, draw_sweep
from d2l_softmax.io import locked, prepare_directory
from d2l_softmax.training.fit import REMEDY, DivergedError

TABLE, FIGURE = "sweep.csv", "sweep.png"
DEFAULT_GRID: dict[str, list] = {"lr": [0.01, 0.1, 1.0], "batch_size": [64, 256, 1024]}
MOST_RANKED = 10  # lines of the ranking that are printed
UNRELATED = {"recipe", "quiet", "lang", "output_dir"}  # options without effect on the model


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    about = (
        "A setting may have several values. Without settings, or with --epochs alone, the grid is "
        "--lr 0.01 0.1 1 --batch-size 64 256 1024."
    )
    add_experiment_options(parser, Path("runs", "sweep"), about, several=True)


def complete(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Add the trainings of the grid, and the names of the varied settings, to the options.

    A single combination is named by all settings that were given.
    """
    values = {name: vars(options)[name] for name in SETTINGS if name in vars(options)}
    if values.keys() <= {"epochs"} and len(values.get("epochs", [])) <= 1:
        values = DEFAULT_GRID | values
    options.trainings = list_trainings(parser, options, values)
    options.varied = [name for name in values if len(set(values[name])) > 1] or list(values)


def sweep(options: argparse.Namespace, twins: Twins) -> None:
    """Train every combination of settings and rank them by accuracy on held-out training examples.

    Writes sweep.csv after every training, and sweep.png at the end. An existing sweep.csv is
    resumed. Prints the command that retrains the best setting. Raises DivergedError, after writing
    both files, if every setting diverged with some seed.
    """
    folder, names = prepare_directory(options.output_dir, options.dataset), options.varied
    with (
        locked(folder, wait=False),
        Console(len(options.trainings), options.quiet, unit="trainings") as console,
    ):
        loaders = read_data(options.trainings[0])
        results = run_experiment(
            twins[options.twin], loaders, options.trainings, folder / TABLE, names, console
        )
        accuracies: dict[tuple, list[float]] = {}
        losses: dict[tuple, list[float]] = {}
        trained: dict[tuple, argparse.Namespace] = {}
        for training, result in results:
            setting = tuple(getattr(training, name) for name in names)
            accuracies.setdefault(setting, []).append(result.valid_acc)
            losses.setdefault(setting, []).append(result.valid_loss)
            trained.setdefault(setting, training)
        ranking = sort_scores(
            Score(setting, tuple(accuracies[setting]), statistics.fmean(losses[setting]))
            for setting in trained
        )
        held_out = len(loaders[1].dataset)
        with drawn_in(options.lang):
            save_figure(folder / FIGURE, draw_sweep(names, ranking, held_out))
        console.print(f"wrote {TABLE}, {FIGURE} to {folder}")
        if math.isnan(ranking[0].mean):
            raise DivergedError("every setting diverged with some seed;", REMEDY)
        for line in format_ranking(names, ranking, held_out):
            console.print(line)
        hint = ""
        if loaders[1].dataset.rows is not None:  # held out of the training data
            hint = " (without --validation, all examples are used)"
        console.print(f"to retrain the best setting{hint}:")
        console.print(as_typed(retraining_command(trained[ranking[0].setting], names)))


def sort_scores(scores: Iterable[Score]) -> list[Score]:
    """Sort by mean accuracy, highest first, equal ones by loss; settings that diverged are last."""
    return sorted(scores, key=lambda score: (math.isnan(score.mean), -score.mean, score.loss))


def within_one_standard_error(score: Score, best: Score) -> bool:
    """Return True if a score is below the best by at most the difference's standard error.

    With a single seed the standard error is unknown, and the result is False. Breiman, Friedman,
    Olshen and Stone (1984), section 3.4.3, choose among settings within one standard error.
    """
    error = math.hypot(best.std, score.std) / math.sqrt(len(score.accuracies))
    return best.mean - score.mean <= error


def format_ranking(names: Sequence[str], ranking: Sequence[Score], held_out: int) -> Iterator[str]:
    """Yield the lines of the ranking, and a hint if the first place is uncertain."""
    best, *others = ranking
    seeds = counted(len(best.accuracies), "seed")
    yield f"accuracy on {held_out:,} held-out examples, mean ± standard deviation over {seeds}:"
    for score in ranking[:MOST_RANKED]:
        setting = format_setting(names, dict(zip(names, score.setting, strict=True)))
        yield f"{score!s:>17}   {setting}".rstrip()
    if len(ranking) > MOST_RANKED:
        yield f"{'…':>17}   {len(ranking) - MOST_RANKED} more in {TABLE}"
    if len(best.accuracies) == 1 and others:
        yield "one seed does not show how much results vary by chance; try --seeds 3 or more"
    elif close := sum(within_one_standard_error(score, best) for score in others):
        yield f"{counted(close, 'other')} within one standard error of the best; try more --seeds"


def retraining_command(options: argparse.Namespace, names: Sequence[str]) -> str:
    """Return the shell command that repeats a training.

    It sets the options in `names`, and all others whose values are not the defaults.
    """
    values = options_to_dict(options)

    def typed(names: Sequence[str]) -> list[str]:
        return [word for name in names for word in (as_option(name), str(values[name]))]

    # Defaults depend on the data and on the optimizer.
    others = [n for n in ("dataset", "optimizer") if values[n] != getattr(BOOK, n)]
    named = list(dict.fromkeys([*names, *others]))
    defaults = options_to_dict(parse(options.twin, typed(named)))
    changed = [n for n in defaults if values.get(n, defaults[n]) != defaults[n]]
    named += [name for name in changed if name not in UNRELATED]
    return shlex.join(["python", "-m", options.twin, *typed(named)])


COMMAND = Command("sweep", "find the best settings", add_options, sweep, complete)
