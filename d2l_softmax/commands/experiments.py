"""Run experiments: train with many settings, evaluate on held-out data, write a table of results.

This module is shared by `sweep` and `learning-curve`. Each process reads the data once. The table
is written after each training, so the same command resumes an experiment. The test images are not
used.
"""

import argparse
import contextlib
import copy
import csv
import itertools
import math
import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from d2l_softmax.commands.cli import Interrupted
from d2l_softmax.commands.console import Console, counted
from d2l_softmax.commands.options import (
    add_language,
    add_training_options,
    complete_training_options,
    option_value,
    path,
    whole,
)
from d2l_softmax.commands.train import (
    choose_settings,
    describe_data,
    load_loaders,
    load_training_data,
    prepare,
)
from d2l_softmax.data.augmentation import AUGMENTATIONS
from d2l_softmax.data.batches import ArrayDataset, ArrayLoader
from d2l_softmax.data.fashion_mnist import NUM_TRAIN, TEST_BATCH_SIZE
from d2l_softmax.errors import UserError
from d2l_softmax.io import escape_surrogates, write_csv
from d2l_softmax.training.evaluation import evaluate
from d2l_softmax.training.fit import DivergedError
from d2l_softmax.training.metrics import Timer, evaluate_accuracy

HELD_OUT = 6  # by default, one in six training images is held out
SETTINGS = (
    "lr",
    "batch_size",
    "momentum",
    "weight_decay",
    "optimizer",
    "lr_decay",
    "augment",
    "epochs",
)
# The inputs that determine the result of a training: the first columns of a table.
COLUMNS = (
    *("twin", *SETTINGS, "dtype"),
    *("data", "checksum", "resize", "shuffle", "validation", "images", "seed"),
)
Key = tuple[str, ...]  # a training's values of COLUMNS, as text
Loaders = tuple[ArrayLoader, ArrayLoader]  # of training and held-out examples


class Result(NamedTuple):
    """The result of a training: the last columns of its row in the table.

    `state` is "finished" or "diverged". Accuracies (0 to 1) and loss (nats) are measured after the
    last epoch, `valid_…` on held-out images. They are NaN if the training diverged. `best_epoch` is
    the epoch with the highest `valid_acc`, 0 if no epoch was completed. `seconds` is wall time.
    """

    state: str
    train_acc: float
    valid_acc: float
    valid_loss: float
    best_epoch: int
    seconds: float

    def __str__(self) -> str:
        if self.state == "diverged":
            return f"diverged after {self.seconds:.2f} s"
        return (
            f"train acc {self.train_acc:.4f}   valid acc {self.valid_acc:.4f}   "
            f"valid loss {self.valid_loss:.4f}   {self.seconds:.2f} s"
        )


def add_experiment_options(
    parser: argparse.ArgumentParser, output_dir: Path, about: str, several: bool = False
) -> None:
    """Add the options of an experiment; with `several`, each setting takes several values."""
    add_training_options(parser, several)
    # "resolve" lets these options replace those of a training with the same names.
    add = parser.add_argument_group("experiment", about, conflict_handler="resolve").add_argument
    what = "implementation: from scratch, or with torch.nn"
    add("--impl", dest="twin", choices=("scratch", "concise"), default="scratch", help=what)
    what = f"training examples to hold out (default: one in {HELD_OUT}; for Fashion-MNIST "
    add("--validation", type=whole(1), metavar="N", help=f"{what}{NUM_TRAIN // HELD_OUT:,})")
    add("--seeds", type=whole(1), default=3, metavar="K", help="number of seeds per setting")
    add("--seed", type=whole(0), default=0, metavar="N", help="first of these seeds")
    what = "trainings in parallel (default: number of CPU cores)"
    add("--jobs", type=whole(1), metavar="N", help=what)
    what = "CPU threads of each training"
    add("--threads", type=whole(1, count_cores()), default=1, metavar="N", help=what)
    parser.set_defaults(device="cpu")  # a GPU would be shared by all jobs
    add_language(parser)
    what = "directory to write to; an existing table is resumed"
    add("--output-dir", type=path, default=output_dir, metavar="DIR", help=what)


def list_trainings(
    parser: argparse.ArgumentParser, options: argparse.Namespace, values: Mapping[str, Sequence]
) -> list[argparse.Namespace]:
    """Return the options of each training: every combination of the values with every seed.

    Exits with status 2 if options contradict each other.
    """
    held_out = options.validation
    if held_out is None and not options.dataset:
        held_out = NUM_TRAIN // HELD_OUT
    seeds = range(options.seed, options.seed + options.seeds)
    trainings = []
    for combination in itertools.product(*map(dict.fromkeys, values.values())):
        setting = dict(zip(values, combination, strict=True))
        training = replace(options, **setting, validation=held_out)
        training = complete_training_options(parser, training)
        trainings += [replace(training, seed=seed) for seed in seeds]
    return trainings


def replace(options: argparse.Namespace, **values: Any) -> argparse.Namespace:
    """Return a copy of the options with other values."""
    return argparse.Namespace(**vars(options) | values)


def count_cores() -> int:
    """Return the number of CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def read_data(options: argparse.Namespace) -> Loaders:
    """Return loaders for the training and held-out images; raises the errors of load_loaders."""
    if options.validation is None:
        everything, *_ = load_loaders(replace(options, validation=0))
        options = replace(options, validation=max(1, len(everything.dataset) // HELD_OUT))
    _, data = load_training_data(options)
    train_iter, _, valid_iter = data.loaders
    return train_iter, valid_iter


# One training


def train(twin: ModuleType, loaders: Loaders, options: argparse.Namespace) -> Result:
    """Train on a random subset of `options.images` images, and evaluate.

    The number of steps is the same as for training on all images.
    """
    train_iter, valid_iter = loaders

    images = RepeatingLoader(
        subset(train_iter.dataset, options.images, options.seed),
        options.batch_size,
        length=len(train_iter.dataset),
        by_blocks=train_iter.by_blocks,
        augment=AUGMENTATIONS[options.augment],
    )
    timer = Timer()
    training = prepare(twin, options, (images, valid_iter))  # held-out instead of test images
    state, train_acc, valid_acc, valid_loss = "finished", math.nan, math.nan, math.nan
    try:
        for _ in training.fit():
            pass
        in_order = ArrayLoader(images.dataset, TEST_BATCH_SIZE)
        train_acc = evaluate_accuracy(training.model, in_order)
        evaluation = evaluate(training.model, valid_iter)
        valid_acc, valid_loss = evaluation.accuracy, evaluation.loss
    except DivergedError:
        state = "diverged"
    accuracies = [record.test_acc for record in training.history]  # on the held-out images
    best_epoch = accuracies.index(max(accuracies)) + 1 if accuracies else 0
    return Result(state, train_acc, valid_acc, valid_loss, best_epoch, timer.stop())


class RepeatingLoader(ArrayLoader):
    """A loader that repeats a data set up to `length` examples, in a new order each time.

    If the data set has this length, it equals an ArrayLoader with `shuffle=True`.
    """

    def __init__(self, dataset: ArrayDataset, batch_size: int, *, length: int, **kwargs: Any):
        """Load `length` examples per epoch; `kwargs` are passed to ArrayLoader."""
        super().__init__(dataset, batch_size, shuffle=True, **kwargs)
        self.length = length

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return math.ceil(self.length / self.batch_size)

    def indices(self) -> Iterator[Tensor]:
        """Yield the indices (n,) of each batch."""
        orders: list[Tensor] = []
        for _ in range(math.ceil(self.length / len(self.dataset))):
            orders += super().indices()
        yield from torch.cat(orders)[: self.length].split(self.batch_size)


def subset(dataset: ArrayDataset, size: int, seed: int) -> ArrayDataset:
    """Return a random subset; with the same seed, a larger subset contains a smaller one."""
    order = torch.randperm(len(dataset), generator=torch.Generator().manual_seed(seed))
    rows = order[:size].sort().values.to(dataset.labels.device)
    part = copy.copy(dataset)
    part.rows = rows if dataset.rows is None else dataset.rows[rows]
    return part


# Many trainings


def run_experiment(
    twin: ModuleType,
    loaders: Loaders,
    trainings: Sequence[argparse.Namespace],
    table: Path,
    varied: Sequence[str],
    console: Console,
) -> list[tuple[argparse.Namespace, Result]]:
    """Run the trainings that are not in the table yet; return all options with their results.

    After each training, its row is written and a line with its `varied` settings is printed. Rows
    of other settings stay in the table. Raises UserError if a worker dies or if the table can't be
    read or written, and Interrupted after a signal.
    """
    num_images, num_held_out = (len(loader.dataset) for loader in loaders)
    trainings = [choose_settings(training, loaders[0].dataset) for training in trainings]
    data = {
        "data": escape_surrogates(describe_data(trainings[0], loaders[0]).data),  # as in the table
        "checksum": "".join(f"{loader.dataset.checksum():08x}" for loader in loaders),
        "validation": num_held_out,
    }
    by_key: dict[Key, argparse.Namespace] = {}
    for training in trainings:
        options = replace(training, **{"images": num_images} | vars(training) | data)
        values = (option_value(getattr(options, name)) for name in COLUMNS)
        by_key[tuple("" if v is None else str(v) for v in values)] = options
    results = read_table(table)
    missing = {key: options for key, options in by_key.items() if key not in results}
    jobs = trainings[0].jobs or max(1, count_cores() // trainings[0].threads)
    jobs = max(1, min(jobs, len(missing)))

    console.print(
        f"{trainings[0].twin}, {data['data']}: {num_images:,} training and {num_held_out:,} "
        f"held-out examples; {counted(len(missing), 'training')}, {jobs} in parallel"
    )
    if done := len(by_key) - len(missing):
        console.print(f"skipped {counted(done, 'training')} with rows in {table}")
    if others := len(results.keys() - by_key.keys()):
        console.print(f"ignored {counted(others, 'row')} of other settings or data")
    console.bar.update(done)
    try:
        with contextlib.closing(train_all(twin, loaders, missing, jobs)) as finished:
            for key, result in finished:
                updated = results | {key: result}
                ordered = dict.fromkeys([*by_key, *updated])
                rows = [(*each, *updated[each]) for each in ordered if each in updated]
                write_csv(table, (*COLUMNS, *Result._fields), rows)
                results = updated
                console.bar.update()
                setting = format_setting([*varied, "seed"], vars(by_key[key]))
                console.print(f"{setting}   {result}")
    except Interrupted as error:
        done = len(by_key.keys() & results.keys())
        message = f"after {done} of {counted(len(by_key), 'training')}; the same command resumes"
        raise Interrupted(error.signum, message) from None
    return [(options, results[key]) for key, options in by_key.items()]


def format_setting(names: Sequence[str], values: Mapping[str, Any]) -> str:
    """Return a setting as text, such as `lr 0.1, batch size 256`."""
    words = {name: name.replace("_", " ") for name in names} | {"images": "examples"}
    return ", ".join(f"{words[name]} {values[name]}" for name in names)


def read_table(path: Path) -> dict[Key, Result]:
    """Return the results in a table, none if there is no table; UserError if it can't be read."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        if tuple(header) != (*COLUMNS, *Result._fields):
            raise ValueError("other columns")
        types = (str, float, float, float, int, float)
        return {
            tuple(row[: len(COLUMNS)]): Result(
                *(t(cell) for t, cell in zip(types, row[len(COLUMNS) :], strict=True))
            )
            for row in rows
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(
            f"can't read {path} as a table of this command;",
            "remove it, or choose another directory with {output_dir}",
        ) from error


def train_all(
    twin: ModuleType, loaders: Loaders, trainings: Mapping[Key, argparse.Namespace], jobs: int
) -> Generator[tuple[Key, Result], None, None]:
    """Run `jobs` trainings in parallel; yield the key and result of each training when it ends.

    Closing the generator kills the worker processes. With one job, this process trains.
    """
    if jobs == 1:
        for key, options in trainings.items():
            yield key, train(twin, loaders, options)
        return
    others = multiprocessing.active_children()
    context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    executor = ProcessPoolExecutor(jobs, context, initialize_worker, (torch.get_num_threads(),))
    try:
        futures = {executor.submit(train_in_worker, o): key for key, o in trainings.items()}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise UserError(
            "a worker process died, perhaps out of memory; the same command resumes;",
            "try fewer {jobs}",
        ) from error
    finally:
        for process in multiprocessing.active_children():
            if process not in others:
                process.kill()
        executor.shutdown()


worker_loaders: Loaders | None = None  # set in worker processes only


def initialize_worker(threads: int) -> None:
    """Set the CPU threads of a worker process, and let it exit when its parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent
    torch.set_num_threads(threads)
    threading.Thread(target=exit_with_parent, daemon=True).start()


def exit_with_parent() -> None:
    """Wait until the parent process has ended for any reason, and exit."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def train_in_worker(options: argparse.Namespace) -> Result:
    """Train in a worker process; read the data before the first training."""
    global worker_loaders
    worker_loaders = worker_loaders or read_data(options)
    return train(import_module(options.twin), worker_loaders, options)
