"""What `python -m scratch` and `python -m concise` share: options, the run, how a command ends."""

import argparse
import math
import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import torch
from tqdm import tqdm

from d2l_softmax.checkpoint import save_config, save_history, save_model
from d2l_softmax.data import load_data_fashion_mnist
from d2l_softmax.plots import draw_curves, draw_predictions, save_figure
from d2l_softmax.sources import ENVIRONMENT_VARIABLE, DataUnavailableError, default_data_dir
from d2l_softmax.training import DivergedError, train

DEFAULT_LR = {"sgd": 0.1, "adam": 0.001}
FIGURES = ("curves.png", "predictions.png")
TEST_BATCH_SIZE = 10_000  # the whole test set at once: 31 MB as float32
NUM_PREDICTIONS = 18  # images in predictions.png


class OutputError(OSError):
    """The output directory can't be written; the message says why and what to do."""


def main(twin: ModuleType, name: str, argv: list[str] | None = None) -> int:
    """Train the twin as the arguments say and return the exit status: 0, 1 or 130 (2 exits)."""
    parser = training_parser(name)
    options = parser.parse_args(argv)
    complete(parser, options)
    return exit_status(f"python -m {name}", lambda: run(twin, name, options))


def exit_status(command: str, work: Callable[[], None]) -> int:
    """Do the work; turn what can go wrong into a message on standard error and a status."""
    try:
        work()
        sys.stdout.flush()
    except KeyboardInterrupt:
        print(f"{command}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read the output has left, as in `| head`; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (DataUnavailableError, DivergedError, OSError) as error:
        print(f"{command}: {error}", file=sys.stderr)
        return 1
    return 0


def run(twin: ModuleType, name: str, options: argparse.Namespace) -> None:
    """Train the twin and write what came of it; after every epoch the files agree."""
    output_dir = prepared_directory(options.output_dir)
    dtype = getattr(torch, options.dtype)
    train_iter, test_iter = load_data_fashion_mnist(
        options.batch_size,
        data_dir=options.data_dir,
        device=options.device,
        dtype=dtype,
        generator=torch.Generator().manual_seed(options.seed),
        test_batch_size=TEST_BATCH_SIZE,
    )
    model = twin.SoftmaxRegression(
        dtype=dtype,
        device=options.device,
        generator=torch.Generator().manual_seed(options.seed),
    )
    optimizer = make_optimizer(twin, model, options)
    scheduler = (
        twin.LinearDecay(optimizer, options.epochs) if options.lr_decay == "linear" else None
    )

    bar = tqdm(
        total=options.epochs * len(train_iter),
        unit=" batches",
        leave=False,
        disable=options.quiet or not sys.stderr.isatty(),
    )

    def say(line: object) -> None:
        if not options.quiet:
            with bar.external_write_mode(sys.stdout):
                print(line, flush=True)

    parameters = sum(parameter.numel() for parameter in model.parameters())
    examples = len(train_iter.dataset)
    say(
        f"{name}: Fashion-MNIST, {examples:,} + {len(test_iter.dataset):,} images from "
        f"{options.data_dir}; {parameters:,} parameters; {options.device}, {options.dtype}; "
        f"seed {options.seed}"
    )
    history = []
    with bar:
        watched_iter = Watched(train_iter, bar)
        for record in train(
            twin.train_epoch, model, optimizer, watched_iter, test_iter, options.epochs, scheduler
        ):
            history.append(record)
            if record.epoch == 1:  # from here on the directory holds this run, not an earlier one
                for figure in FIGURES:
                    (output_dir / figure).unlink(missing_ok=True)
                save_config(output_dir / "config.json", describe(name, options, parameters))
            save_history(output_dir / "history.csv", history)
            save_model(output_dir / "model.pt", model)
            say(record)

    save_figure(output_dir / "curves.png", draw_curves(history, f"{name}, seed {options.seed}"))
    images, labels = next(iter(test_iter))
    images, labels = images[:NUM_PREDICTIONS], labels[:NUM_PREDICTIONS]
    with torch.no_grad():
        predicted = model(images).argmax(dim=1)
    save_figure(output_dir / "predictions.png", draw_predictions(images, labels, predicted))
    seconds = sum(record.seconds for record in history)
    say(
        f"{len(history)} epochs in {seconds:.2f} s, "
        f"{len(history) * examples / seconds:,.0f} examples a second"
    )
    say(f"wrote history.csv, model.pt, config.json, {', '.join(FIGURES)} to {output_dir}")


def make_optimizer(twin: ModuleType, model, options: argparse.Namespace):
    """Return the twin's optimizer that the options ask for."""
    settings = {"lr": options.lr, "weight_decay": options.weight_decay}
    if options.optimizer == "adam":
        return twin.Adam(model.parameters(), **settings)
    return twin.SGD(model.parameters(), **settings, momentum=options.momentum)


class Watched:
    """Batches that move a progress bar on as they are used."""

    def __init__(self, batches, bar: tqdm):
        self.batches, self.bar = batches, bar

    def __iter__(self):
        for batch in self.batches:
            yield batch
            self.bar.update()


def prepared_directory(path: Path) -> Path:
    """Make the directory and try to write in it; OutputError if that fails."""
    probe = path / f".{os.getpid()}.part"
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(
            f"can't write to {path}: {error.strerror}; choose another directory with --output-dir"
        ) from error
    return path


def describe(name: str, options: argparse.Namespace, parameters: int) -> dict:
    """Return what config.json says of a run: enough to make it again."""
    return {
        "twin": name,
        "options": {key: str(v) if isinstance(v, Path) else v for key, v in vars(options).items()},
        "parameters": parameters,
        "threads": torch.get_num_threads(),
        "machine": platform.platform(),
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in ("d2l_softmax", "torch", "torchvision")},
        },
    }


def training_parser(name: str) -> argparse.ArgumentParser:
    """Return the parser of the options that both twins' commands have."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {name}",
        description="Train softmax regression on Fashion-MNIST and write the history (CSV), the "
        "model and figures (PNG). Equal options and seed give equal numbers in both twins.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    positive = real("a finite number above 0", lambda value: value > 0)
    fraction = real("a number from 0 to below 1", lambda value: 0 <= value < 1)
    not_negative = real("a finite number, 0 or above", lambda value: value >= 0)
    add = parser.add_argument
    add("--epochs", type=whole(1), default=10, metavar="N", help="passes over the training data")
    add("--batch-size", type=whole(1), default=256, metavar="N", help="images in a step")
    add(
        "--lr",
        type=positive,
        metavar="RATE",
        default=argparse.SUPPRESS,
        help="learning rate (default: 0.1 for sgd, 0.001 for adam)",
    )
    add("--optimizer", choices=("sgd", "adam"), default="sgd", help="how steps are taken")
    add("--momentum", type=fraction, default=0.0, metavar="M", help="of sgd, 0 to below 1")
    add("--weight-decay", type=not_negative, default=0.0, metavar="D", help="L2 penalty's factor")
    add(
        "--lr-decay",
        choices=("none", "linear"),
        default="none",
        help="linear: the learning rate falls after every epoch, to zero after the last",
    )
    add("--seed", type=whole(0), default=0, metavar="N", help="of the weights and of the shuffling")
    add("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto", help="where to compute")
    add("--dtype", choices=("float32", "float64"), default="float32", help="precision")
    add_data_dir(parser)
    add(
        "--output-dir",
        type=Path,
        default=Path("runs", name),
        metavar="DIR",
        help="where to write; files of an earlier run there are replaced",
    )
    add("--quiet", action="store_true", help="print nothing but errors")
    return parser


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Add the option --data-dir, the same for every command."""
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=default_data_dir(),
        metavar="DIR",
        help=f"where the data are kept; also set by {ENVIRONMENT_VARIABLE}",
    )


def complete(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Fill in what depends on other options; exit with status 2 where options contradict."""
    if not hasattr(options, "lr"):
        options.lr = DEFAULT_LR[options.optimizer]
    if options.optimizer == "adam" and options.momentum:
        parser.error("argument --momentum: goes with --optimizer sgd; adam has its own")
    available = {"cpu": True, "cuda": torch.cuda.is_available()}
    available["mps"] = torch.backends.mps.is_available()
    if options.device == "auto":
        options.device = "cuda" if available["cuda"] else "cpu"
    if not available[options.device]:
        parser.error(f"argument --device: this machine, or its torch, has no {options.device}")
    if options.device == "mps" and options.dtype == "float64":
        parser.error("argument --dtype: mps has no float64; use --device cpu")


def real(expected: str, holds: Callable[[float], bool]) -> Callable[[str], float]:
    """Return a converter for argparse that takes finite numbers for which the condition holds."""

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and holds(value)):
            raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")
        return value

    return convert


def whole(lowest: int, highest: int = 2**31 - 1) -> Callable[[str], int]:
    """Return a converter for argparse that takes whole numbers in a range."""

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = lowest - 1
        if not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number from {lowest} to {highest}"
            )
        return value

    return convert
