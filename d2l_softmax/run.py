"""One training run of a twin, from its options to the files in the output directory."""

import argparse
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import torch
from torch.utils.data import DataLoader
from tqdm import tqdm

from d2l_softmax.checkpoint import save_config, save_history, save_model
from d2l_softmax.data import load_data_fashion_mnist
from d2l_softmax.plots import draw_curves, draw_predictions, save_figure
from d2l_softmax.training import EpochRecord, train

FIGURES = ("curves.png", "predictions.png")
TEST_BATCH_SIZE = 10_000  # the whole test set at once: 31 MB as float32
NUM_PREDICTIONS = 18  # images in predictions.png


def run(twin: ModuleType, name: str, options: argparse.Namespace) -> None:
    """Train the twin and write what came of it; after every epoch the files agree.

    Raises OSError if the output directory can't be written (before anything else is done),
    DataUnavailableError without data, DivergedError when training leaves the finite numbers.
    """
    output_dir = prepared_directory(options.output_dir)
    train_iter, test_iter = load_data(options)
    model = twin.SoftmaxRegression(
        dtype=getattr(torch, options.dtype),
        device=options.device,
        generator=torch.Generator().manual_seed(options.seed),
    )
    optimizer = make_optimizer(twin, model, options)
    scheduler = (
        twin.LinearDecay(optimizer, options.epochs) if options.lr_decay == "linear" else None
    )
    num_parameters = sum(parameter.numel() for parameter in model.parameters())
    num_examples = len(train_iter.dataset)

    history = []
    with Console(train_iter, options.epochs, options.quiet) as console:
        console.say(
            f"{name}: Fashion-MNIST, {num_examples:,} + {len(test_iter.dataset):,} images from "
            f"{options.data_dir}; {num_parameters:,} parameters; {options.device}, "
            f"{options.dtype}; seed {options.seed}"
        )
        records = train(
            twin.train_epoch, model, optimizer, console, test_iter, options.epochs, scheduler
        )
        for record in records:
            history.append(record)
            if record.epoch == 1:  # from here on the directory holds this run, not an earlier one
                for figure in FIGURES:
                    (output_dir / figure).unlink(missing_ok=True)
                save_config(output_dir / "config.json", describe(name, options, num_parameters))
            save_history(output_dir / "history.csv", history)
            save_model(output_dir / "model.pt", model)
            console.say(record)
        write_figures(output_dir, history, model, test_iter, f"{name}, seed {options.seed}")
        seconds = sum(record.seconds for record in history)
        speed = len(history) * num_examples / seconds
        console.say(f"{len(history)} epochs in {seconds:.2f} s, {speed:,.0f} examples a second")
        console.say(
            f"wrote history.csv, model.pt, config.json, {', '.join(FIGURES)} to {output_dir}"
        )


class Console:
    """What a person at the terminal sees of a run: its lines and, below them, a progress bar.

    Iterating over it gives the batches of an epoch and moves the bar on. Where standard error is
    no terminal there is no bar, only the lines.
    """

    def __init__(self, batches: DataLoader, epochs: int, quiet: bool):
        self.batches = batches
        self.quiet = quiet
        self.bar = tqdm(
            total=epochs * len(batches),
            unit=" batches",
            leave=False,
            disable=quiet or not sys.stderr.isatty(),
        )

    def __enter__(self) -> "Console":
        return self

    def __exit__(self, *exception) -> None:
        self.bar.close()

    def __iter__(self) -> Iterator:
        for batch in self.batches:
            yield batch
            self.bar.update()

    def say(self, line: object) -> None:
        """Print a line on standard output, at once, unless the run is to be quiet."""
        if not self.quiet:
            with self.bar.external_write_mode(sys.stdout):
                print(line, flush=True)


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


def load_data(options: argparse.Namespace) -> tuple[DataLoader, DataLoader]:
    """Return (train_iter, test_iter) as the options ask for them; the test set is one batch."""
    return load_data_fashion_mnist(
        options.batch_size,
        data_dir=options.data_dir,
        device=options.device,
        dtype=getattr(torch, options.dtype),
        generator=torch.Generator().manual_seed(options.seed),
        test_batch_size=TEST_BATCH_SIZE,
    )


def make_optimizer(twin: ModuleType, model, options: argparse.Namespace):
    """Return the twin's optimizer that the options ask for."""
    settings = {"lr": options.lr, "weight_decay": options.weight_decay}
    if options.optimizer == "adam":
        return twin.Adam(model.parameters(), **settings)
    return twin.SGD(model.parameters(), **settings, momentum=options.momentum)


def write_figures(
    output_dir: Path, history: Sequence[EpochRecord], model, test_iter: Iterable, title: str
) -> None:
    """Write curves.png and, for the first test images, predictions.png."""
    save_figure(output_dir / "curves.png", draw_curves(history, title))
    images, labels = (batch[:NUM_PREDICTIONS] for batch in next(iter(test_iter)))
    with torch.no_grad():
        predicted = model(images).argmax(dim=1)
    save_figure(output_dir / "predictions.png", draw_predictions(images, labels, predicted))


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
            **{package: version(package) for package in ("d2l_softmax", "torch", "torchvision")},
        },
    }
