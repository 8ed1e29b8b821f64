"""A grid of trainings: one for every combination of some settings, and the table of their results.

The table is written after every training. What it has already is not trained again, so a grid that
was ended goes on with the same command.
"""

import argparse
import contextlib
import copy
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from d2l_softmax.commands.cli import Interrupted, signals_handled_by
from d2l_softmax.commands.console import Console, counted
from d2l_softmax.commands.options import (
    add_language,
    add_training_options,
    complete_training_options,
    option_value,
    path,
    whole,
)
from d2l_softmax.commands.trainer import HELD_OUT, Trainer
from d2l_softmax.commands.workers import cores, train_all
from d2l_softmax.data.fashion_mnist import NUM_TRAIN
from d2l_softmax.storage.table import DIVERGED, Result, Settings, Table

SETTINGS = ("lr", "batch_size", "momentum", "weight_decay", "optimizer", "lr_decay", "epochs")
# What a training was asked for, as far as it changes a number: the first columns of a table.
OF_DATA = ("data", "checksum", "resize", "shuffle", "validation", "images")
COLUMNS = ("twin", *SETTINGS, "dtype", *OF_DATA, "seed")


def add_grid_options(
    parser: argparse.ArgumentParser, output_dir: Path, about: str, several: bool = False
) -> None:
    """Add the options of a grid; with `several`, a setting may have several values."""
    add_training_options(parser, several)
    # some options of training are others here
    add = parser.add_argument_group("the grid", about, conflict_handler="resolve").add_argument
    twins = ("scratch", "concise")
    add("--twin", choices=twins, default="scratch", help="which of the twins is trained")
    what = f"training images held out to measure on (default: one in {HELD_OUT}, of Fashion-MNIST "
    add("--validation", type=whole(1), metavar="N", help=f"{what}{NUM_TRAIN // HELD_OUT:,})")
    add("--seeds", type=whole(1), default=3, metavar="K", help="train from so many seeds each")
    add("--seed", type=whole(0), default=0, metavar="N", help="the first of these seeds")
    what = "trainings at once (default: as many as there are cores)"
    add("--jobs", type=whole(1), metavar="N", help=what)
    add("--threads", type=whole(1, cores()), default=1, metavar="N", help="of each training")
    parser.set_defaults(device="cpu")  # where many can train at once
    add_language(parser)
    what = "where to write; a table that is there already is gone on with"
    add("--output-dir", type=path, default=output_dir, metavar="DIR", help=what)


def combine(
    parser: argparse.ArgumentParser, options: argparse.Namespace, values: Mapping[str, Sequence]
) -> list[argparse.Namespace]:
    """Return the options of a training for each combination of the values and each seed.

    Exits with status 2 where they contradict each other.
    """
    if options.validation is None and not options.dataset:
        options.validation = NUM_TRAIN // HELD_OUT
    seeds = range(options.seed, options.seed + options.seeds)
    combined = []
    for combination in itertools.product(*map(dict.fromkeys, values.values())):
        one = copy.copy(options)
        vars(one).update(zip(values, combination, strict=True))
        one = complete_training_options(parser, one)
        combined += [argparse.Namespace(**vars(one) | {"seed": seed}) for seed in seeds]
    return combined


class Grid:
    """Trainings of one twin on the same data, and the table of what came of them."""

    def __init__(
        self,
        trainer: Trainer,
        trainings: Sequence[argparse.Namespace],
        jobs: int | None,
        path: Path,
    ):
        """Read the table; TableError if that can't be. At most so many jobs are done at once."""
        self.trainer = trainer
        self.table = Table(path, COLUMNS)
        images, held_out = {"images": trainer.num_images}, {"validation": trainer.num_held_out}
        complete = (argparse.Namespace(**images | vars(each) | held_out) for each in trainings)
        self.trainings = {self.settings_of(options): options for options in complete}
        self.left = [t for s, t in self.trainings.items() if s not in self.table.results]
        self.jobs = min(jobs or max(1, cores() // trainer.options.threads), max(1, len(self.left)))

    def settings_of(self, options: argparse.Namespace) -> Settings:
        """Return what a training is asked for, as the table has it."""
        data = {"data": self.trainer.description.data, "checksum": self.trainer.checksum}
        values = (option_value((vars(options) | data)[name]) for name in COLUMNS)
        return tuple("" if value is None else str(value) for value in values)

    def results(self) -> Iterator[tuple[argparse.Namespace, Result]]:
        """Yield the trainings that are done, in the order of the grid."""
        for settings, options in self.trainings.items():
            if settings in self.table.results:
                yield options, self.table.results[settings]

    def train(self, console: Console, names: Sequence[str]) -> None:
        """Train what is left; say of each the settings of these names, and what came of it.

        Raises Interrupted after a signal, OutputError if the table can't be written, and what a
        training raises but DivergedError: that is a result.
        """
        names = [*names, "seed"]
        console.bar.update(len(self.trainings) - len(self.left))
        with (
            signals_handled_by(self.take_signal),
            contextlib.closing(train_all(self.trainer, self.left, self.jobs)) as results,
        ):
            for options, result in results:
                self.table.add(self.settings_of(options), result, first=self.trainings)
                console.bar.update()
                values = (getattr(options, name) for name in names)
                console.print(f"{in_words(names, values)}   {outcome(result)}")

    def take_signal(self, signum: int, frame: FrameType | None) -> None:
        """Handle a signal: end at once, and say how to continue."""
        done = sum(1 for _ in self.results())
        raise Interrupted(
            signum,
            f"when {done} of {len(self.trainings)} trainings were done; the same command goes on",
        )

    def announce(self, console: Console) -> None:
        """Say what is about to be trained, and what is not."""
        options, data = self.trainer.options, self.trainer.description
        done = len(self.trainings) - len(self.left)
        console.print(
            f"{options.twin}, {data.data}: {self.trainer.num_images:,} to train on, "
            f"{self.trainer.num_held_out:,} held out; {counted(len(self.left), 'training')}, "
            f"{self.jobs} at once"
        )
        if done:
            console.print(f"{counted(done, 'training')} more, from {self.table.path}")
        if others := len(self.table.results.keys() - self.trainings.keys()):
            console.print(f"{others} there, of other settings or data, stay and do not count")


def in_words(names: Sequence[str], values: Iterable[Any]) -> str:
    """Return settings as text, such as `lr 0.1, batch size 256`."""
    pairs = zip(names, values, strict=True)
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in pairs)


def outcome(result: Result) -> str:
    """Return what came of a training, as a line says it."""
    if result.state == DIVERGED:
        return f"diverged after {result.seconds:.2f} s"
    return (
        f"train acc {result.train_acc:.4f}   valid acc {result.valid_acc:.4f}   "
        f"valid loss {result.valid_loss:.4f}   {result.seconds:.2f} s"
    )
