"""One training run of a twin, from its options to the files in the output directory."""

import argparse
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import torch
from torch.utils.data import DataLoader
from tqdm import tqdm

from d2l_softmax import __version__
from d2l_softmax.data.fashion_mnist import load_data_fashion_mnist
from d2l_softmax.figures.drawing import draw_curves, save_figure
from d2l_softmax.figures.evaluation import FIGURES, TABLE, write_evaluation
from d2l_softmax.pages.report import write_run_report
from d2l_softmax.storage.checkpoint import save_history, save_model
from d2l_softmax.storage.files import write_json
from d2l_softmax.training.loop import EpochRecord, train

TEST_BATCH_SIZE = 1_000  # 3 MB as float32, and nearly as fast as all at once
CURVES = {"curves.png": "Loss and accuracies, epoch by epoch."}
REPORT = "report.html"


class Run:
    """A twin about to be trained as the options say: its data, model, optimizer and scheduler."""

    def __init__(self, twin: ModuleType, options: argparse.Namespace):
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
        self.batches = self.train_iter

    @property
    def num_parameters(self) -> int:
        """Return how many numbers are learned."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    def summary(self) -> str:
        """Return one line on data, parameters, device and seed."""
        options, sets = self.options, (self.train_iter.dataset, self.test_iter.dataset)
        held_out = f", {options.validation:,} held out" if options.validation else ""
        return (
            f"Fashion-MNIST, {len(sets[0]):,} + {len(sets[1]):,} images{held_out} from "
            f"{options.data_dir}; "
            f"{self.num_parameters:,} parameters; {options.device}, {options.dtype}; "
            f"seed {options.seed}"
        )

    def watch(self, console: "Console") -> None:
        """Let the console's progress bar move with the batches."""
        self.batches = Watched(self.train_iter, console.bar)

    def records(self) -> Iterator[EpochRecord]:
        """Train, and yield the record of each epoch; see `train`."""
        return train(
            self.twin.train_epoch,
            self.model,
            self.optimizer,
            self.batches,
            self.test_iter,
            self.options.epochs,
            self.scheduler,
            self.valid_iter,
        )


def run(twin: ModuleType, name: str, options: argparse.Namespace) -> None:
    """Train the twin and write what came of it; after every epoch the files agree.

    Raises OSError if the output directory can't be written (before anything else is done),
    DataUnavailableError without data, DivergedError when training leaves the finite numbers.
    """
    output_dir = prepared_directory(options.output_dir)
    this = Run(twin, options)
    config = describe(name, options, this.num_parameters)
    history = []
    with Console(options.epochs * len(this.train_iter), options.quiet) as console:
        this.watch(console)
        console.say(f"{name}: {this.summary()}")
        for record in this.records():
            history.append(record)
            if record.epoch == 1:  # from here on the directory holds this run, not an earlier one
                for stale in (*CURVES, *FIGURES, TABLE, REPORT):
                    (output_dir / stale).unlink(missing_ok=True)
                write_json(output_dir / "config.json", config)
            save_history(output_dir / "history.csv", history)
            save_model(output_dir / "model.pt", this.model)
            console.say(record)
        write_results(output_dir, this, history, config)
        seconds = sum(record.seconds for record in history)
        speed = len(history) * len(this.train_iter.dataset) / seconds
        console.say(
            f"{counted(len(history), 'epoch')} in {seconds:.2f} s, {speed:,.0f} examples a second"
        )
        console.say(f"wrote history.csv, model.pt, {REPORT} and its figures to {output_dir}")


def write_results(output_dir: Path, this: Run, history: list[EpochRecord], config: dict) -> None:
    """Write the figures of the run and of what was learned, and the report that shows them."""
    title = f"{config['twin']}, seed {config['options']['seed']}"
    save_figure(output_dir / "curves.png", draw_curves(history, title))
    table = write_evaluation(output_dir, this.model, this.test_iter)
    write_run_report(output_dir, CURVES | FIGURES, history, config, table)


class Console:
    """What a person at the terminal sees of a run: its lines and, below them, a progress bar.

    Where standard error is no terminal there is no bar, only the lines.
    """

    def __init__(self, total: int, quiet: bool):
        self.quiet = quiet
        hidden = quiet or not sys.stderr.isatty()
        self.bar = tqdm(total=total, unit=" batches", leave=False, disable=hidden)

    def __enter__(self) -> "Console":
        return self

    def __exit__(self, *exception) -> None:
        self.bar.close()

    def say(self, line: object) -> None:
        """Print a line on standard output, at once, unless the run is to be quiet."""
        if not self.quiet:
            with self.bar.external_write_mode(sys.stdout):
                print(line, flush=True)


class Watched:
    """Batches that move a progress bar on as they are used."""

    def __init__(self, batches: Iterable, bar: tqdm):
        self.batches, self.bar = batches, bar

    def __iter__(self) -> Iterator:
        for batch in self.batches:
            yield batch
            self.bar.update()


def counted(number: int, what: str) -> str:
    """Return a number of things as text, such as `1 epoch` or `10 epochs`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def prepared_directory(path: Path) -> Path:
    """Make the directory and try to write in it; OSError that says what to do if that fails."""
    probe = path / f".{os.getpid()}.part"
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OSError(
            f"can't write to {path}: {error.strerror}; choose another directory with --output-dir"
        ) from error
    return path


def load_data(options: argparse.Namespace) -> tuple[DataLoader, ...]:
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


def make_optimizer(twin: ModuleType, model, options: argparse.Namespace):
    """Return the twin's optimizer that the options ask for."""
    settings = {"lr": options.lr, "weight_decay": options.weight_decay}
    if options.optimizer == "adam":
        return twin.Adam(model.parameters(), **settings)
    return twin.SGD(model.parameters(), **settings, momentum=options.momentum)


def describe(name: str, options: argparse.Namespace, num_parameters: int) -> dict:
    """Return what config.json says of a run: enough to make it again."""
    return {
        "twin": name,
        "options": {key: str(v) if isinstance(v, Path) else v for key, v in vars(options).items()},
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
