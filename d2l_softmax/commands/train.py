"""Training a twin: `python -m scratch` and `python -m concise`, from options to files."""

import argparse
import platform
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from d2l_softmax import __version__
from d2l_softmax.commands.console import Console, WatchedBatches, counted
from d2l_softmax.commands.options import (
    add_output_dir,
    add_training_options,
    complete_training_options,
)
from d2l_softmax.commands.program import HelpFormatter, exit_status
from d2l_softmax.data.batches import InMemoryLoader
from d2l_softmax.data.fashion_mnist import TEST_BATCH_SIZE, load_data_fashion_mnist
from d2l_softmax.figures.curves import draw_curves
from d2l_softmax.figures.drawing import save_figure
from d2l_softmax.figures.evaluation import FIGURES, TABLE, write_evaluation
from d2l_softmax.pages.report import write_run_report
from d2l_softmax.storage.files import prepare_directory, remove, write_json
from d2l_softmax.storage.results import save_history, save_model
from d2l_softmax.training import loop
from d2l_softmax.training.evaluation import Model
from d2l_softmax.training.loop import EpochRecord

CURVES = "curves.png"
CAPTION = "Loss and accuracies, epoch by epoch."
# Shown beside the curve in which it is seen.
JITTER = (
    " The test accuracy jumps up and down because the learning rate stays the same: the last steps "
    "go as far as the first ones did, each after the images that its batch happens to hold, and "
    "classes that look alike (pullover, coat, shirt) win images from each other and lose them "
    "again. A rate that falls to zero ends that: --lr-decay linear, or all of --recipe best."
)
REPORT = "report.html"


def main(twin: ModuleType, name: str, argv: list[str] | None = None) -> int:
    """Train the twin as the arguments say and return the exit status: 0, 1 or 130 (2 exits)."""
    options = parse(name, argv)
    return exit_status(f"python -m {name}", lambda: train(twin, name, options), options.threads)


def parse(name: str, argv: list[str] | None = None) -> argparse.Namespace:
    """Return the options of a twin's command, complete; exit with 2 if they are wrong."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {name}",
        description="Train softmax regression on Fashion-MNIST and write the history (CSV), the "
        "model, figures (PNG) and a report (HTML). Equal options and seed give equal numbers in "
        "both twins, to rounding.",
        formatter_class=HelpFormatter,
        allow_abbrev=False,
    )
    add_training_options(parser)
    add_output_dir(parser, Path("runs", name))
    options = parser.parse_args(argv)
    complete_training_options(parser, options)
    return options


def train(twin: ModuleType, name: str, options: argparse.Namespace) -> None:
    """Train the twin and write what came of it; after every epoch the files agree.

    Raises OutputError if the output directory can't be written (before anything else is done),
    DataUnavailableError without data, DivergedError when a loss or weight is no longer finite.
    """
    output_dir = prepare_directory(options.output_dir)
    training = Training(twin, options)
    config = describe(name, options, training.num_parameters)
    history: list[EpochRecord] = []
    warned = False
    with Console(options.epochs * len(training.train_iter), options.quiet) as console:
        training.watch(console)
        console.say(f"{name}: {training.summary()}")
        for record in training.records():
            history.append(record)
            if record.epoch == 1:  # from here on the directory holds this run, not an earlier one
                for stale in (CURVES, *FIGURES, TABLE, REPORT):
                    remove(output_dir / stale)
                write_json(output_dir / "config.json", config)
            save_history(output_dir / "history.csv", history)
            save_model(output_dir / "model.pt", training.model)
            console.say(record)
            if not warned and (trouble := loop.trouble_in(history, len(training.model.b))):
                warned = True
                console.warn(f"python -m {name}: {trouble}; try a smaller --lr")
        write_results(output_dir, training, history, config)
        seconds = sum(record.seconds for record in history)
        speed = len(history) * len(training.train_iter.dataset) / seconds
        console.say(
            f"{counted(len(history), 'epoch')} in {seconds:.2f} s, {speed:,.0f} examples a second"
        )
        console.say(f"wrote history.csv, model.pt, {REPORT} and its figures to {output_dir}")


class Training:
    """A twin about to be trained as the options say: its data, model, optimizer and scheduler."""

    def __init__(self, twin: ModuleType, options: argparse.Namespace):
        """Load the data and make the rest; DataUnavailableError without data."""
        self.twin, self.options = twin, options
        self.train_iter, self.test_iter, *rest = load_data(options)
        self.valid_iter = rest[0] if rest else None
        self.model = twin.SoftmaxRegression(
            dtype=getattr(torch, options.dtype),
            device=options.device,
            generator=torch.Generator().manual_seed(options.seed),
        )
        self.optimizer = make_optimizer(twin, self.model, options)
        self.scheduler = None
        if options.lr_decay == "linear":
            self.scheduler = twin.LinearDecay(self.optimizer, options.epochs)
        self.batches: Iterable = self.train_iter

    @property
    def num_parameters(self) -> int:
        """Return how many numbers are learned."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    def summary(self) -> str:
        """Return one line on data, parameters, device, threads and seed."""
        options = self.options
        num_train, num_test = len(self.train_iter.dataset), len(self.test_iter.dataset)
        held_out = f", {options.validation:,} held out" if options.validation else ""
        return (
            f"Fashion-MNIST, {num_train:,} + {num_test:,} images{held_out} from "
            f"{options.data_dir}; {self.num_parameters:,} parameters; {options.device}, "
            f"{counted(options.threads, 'thread')}, {options.dtype}; seed {options.seed}"
        )

    def watch(self, console: Console) -> None:
        """Let the console's progress bar move with the batches."""
        self.batches = WatchedBatches(self.train_iter, console.bar)

    def records(self) -> Iterator[EpochRecord]:
        """Train, and yield the record of each epoch; see `loop.train`."""
        return loop.train(
            self.twin.train_epoch,
            self.model,
            self.optimizer,
            self.batches,
            self.test_iter,
            self.options.epochs,
            self.scheduler,
            self.valid_iter,
        )


def load_data(options: argparse.Namespace) -> tuple[InMemoryLoader, ...]:
    """Return the loaders that the options ask for."""
    return load_data_fashion_mnist(
        options.batch_size,
        data_dir=options.data_dir,
        device=options.device,
        dtype=getattr(torch, options.dtype),
        generator=torch.Generator().manual_seed(options.seed),
        test_batch_size=TEST_BATCH_SIZE,
        validation=options.validation,
    )


def make_optimizer(twin: ModuleType, model: Model, options: argparse.Namespace) -> Any:
    """Return the twin's optimizer that the options ask for."""
    settings = {"lr": options.lr, "weight_decay": options.weight_decay}
    if options.optimizer == "adam":
        return twin.Adam(model.parameters(), **settings)
    return twin.SGD(model.parameters(), **settings, momentum=options.momentum)


def describe(name: str, options: argparse.Namespace, num_parameters: int) -> dict:
    """Return what config.json says of a run: enough to make it again."""
    return {
        "twin": name,
        "options": {
            option: str(value) if isinstance(value, Path) else value
            for option, value in vars(options).items()
        },
        "parameters": num_parameters,
        "threads": torch.get_num_threads(),
        "machine": platform.platform(),
        "versions": {
            "python": platform.python_version(),
            "d2l_softmax": __version__,
            "torch": torch.__version__,
            "torchvision": version("torchvision"),
        },
    }


def write_results(
    output_dir: Path, training: Training, history: list[EpochRecord], config: dict
) -> None:
    """Write the figures of the run and of what was learned, and the report that shows them."""
    title = f"{config['twin']}, seed {config['options']['seed']}"
    save_figure(output_dir / CURVES, draw_curves(history, title))
    table = write_evaluation(output_dir, training.model, training.test_iter)
    caption = CAPTION + (JITTER if config["options"]["lr_decay"] == "none" else "")
    write_run_report(output_dir, {CURVES: caption} | FIGURES, history, config, table)
