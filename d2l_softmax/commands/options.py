"""The options that several commands share, the converters of their values, and the recipes."""

import argparse
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from d2l_softmax.data.fashion_mnist import NUM_TRAIN
from d2l_softmax.data.loaders import SHUFFLES
from d2l_softmax.data.sources import ENVIRONMENT_VARIABLE, default_data_dir
from d2l_softmax.training.distributed import get_launch

DEFAULT_MODEL = Path("runs", "scratch", "model.pt")
MANY_IMAGES = 50_000  # in a batch: all cores pay then (benchmarks/README.md, "Threads")
DEFAULT_LR = {"sgd": 0.1, "adam": 0.001}

# Named settings. Those given on the command line take precedence.
RECIPES = {
    "book": {
        "epochs": 10,
        "batch_size": 256,
        "optimizer": "sgd",
        "momentum": 0.0,
        "weight_decay": 0.0,
        "lr_decay": "none",
    },
    # Chosen on 10,000 held-out training images (benchmarks/README.md).
    "best": {
        "epochs": 20,
        "batch_size": 512,
        "optimizer": "sgd",
        "lr": 0.1,
        "momentum": 0.9,
        "weight_decay": 0.0,
        "lr_decay": "linear",
    },
}
# Options that determine the numbers of a training, but for rounding.
RESULT_OPTIONS = (
    *("epochs", "batch_size", "lr", "optimizer", "momentum", "weight_decay", "lr_decay"),
    *("validation", "seed", "dtype", "resize", "shuffle"),
)


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


def path(text: str) -> Path:
    """Return a path; ~ is a home directory also after an equals sign, where no shell sees it."""
    if not text:  # of a variable that isn't set; Python takes it for the current directory
        raise argparse.ArgumentTypeError("expected a path, got none")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: there is no such home directory") from error


def sides(text: str) -> tuple[int, int]:
    """Return (height, width) in pixels, from "28" or "28x32"."""
    lengths = text.split("x")
    if not (len(lengths) in (1, 2) and all(map(str.isdecimal, lengths)) and all(map(int, lengths))):
        raise argparse.ArgumentTypeError(f"{text!r} is not a side, 28, or height and width, 28x32")
    return int(lengths[0]), int(lengths[-1])


positive = real("a finite number above 0", lambda value: value > 0)
fraction = real("a number from 0 to below 1", lambda value: 0 <= value < 1)
not_negative = real("a finite number, 0 or above", lambda value: value >= 0)


def add_training_options(parser: argparse.ArgumentParser, several: bool = False) -> None:
    """Add the options of training, except for the output directory.

    With `several`, each setting that a recipe names may have several values.
    """
    add = parser.add_argument
    add(
        "--recipe",
        choices=tuple(RECIPES),
        default="book",
        help="settings for what isn't given; best: for accuracy, chosen on held-out images",
    )

    def add_setting(flag: str, what: str, **options: Any) -> None:
        name = flag[2:].replace("-", "_")
        default = RECIPES["book"].get(name, "0.1 for sgd, 0.001 for adam")
        values = f"default: {default}; best: {RECIPES['best'][name]}"
        if several:
            options["nargs"] = "+"
        add(flag, default=argparse.SUPPRESS, help=f"{what} ({values})", **options)

    add_setting("--epochs", "passes over the training data", type=whole(1), metavar="N")
    add_setting("--batch-size", "images in a step", type=whole(1), metavar="N")
    add_setting("--lr", "learning rate", type=positive, metavar="RATE")
    add_setting("--optimizer", "how steps are taken", choices=("sgd", "adam"))
    add_setting("--momentum", "of sgd, 0 to below 1", type=fraction, metavar="M")
    add_setting("--weight-decay", "L2 penalty's factor", type=not_negative, metavar="D")
    decay = "linear: the learning rate falls after every epoch, to zero after the last"
    add_setting("--lr-decay", decay, choices=("none", "linear"))
    add(
        "--validation",
        type=whole(0),
        default=0,
        metavar="N",
        help="hold out N training images and measure the accuracy on them, too",
    )
    add("--seed", type=whole(0), default=0, metavar="N", help="of the weights and of the shuffling")
    add_device(parser)
    add(
        "--threads",
        type=whole(1, os.cpu_count() or 1),
        metavar="N",
        help=f"CPU threads (default: 1; all cores for batches of {MANY_IMAGES:,} images and more)",
    )
    add("--dtype", choices=("float32", "float64"), default="float32", help="precision")
    add_data_dir(parser)
    add_dataset(parser)
    add(
        "--resize",
        type=sides,
        metavar="SIDE",
        help="bring images to this size: 28, or 28x32 (high, wide)",
    )
    add(
        "--shuffle",
        choices=SHUFFLES,
        default="auto",
        help="block: an order in which a disk is read in long runs; auto: for more than 1 GB",
    )
    add("--quiet", action="store_true", help="print errors only")


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add the option --device, which `choose_device` completes."""
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda", "mps"),
        default="auto",
        help="auto: cuda if there is one, else cpu",
    )


def add_output_dir(parser: argparse.ArgumentParser, default: Path) -> None:
    """Add the option --output-dir."""
    parser.add_argument(
        "--output-dir",
        type=path,
        default=default,
        metavar="DIR",
        help="where to write; files of an earlier call there are replaced",
    )


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Add the option --data-dir, the same for every command."""
    parser.add_argument(
        "--data-dir",
        type=path,
        default=os.environ.get(ENVIRONMENT_VARIABLE) or str(default_data_dir()),
        metavar="DIR",
        help=f"where the data are kept; also set by {ENVIRONMENT_VARIABLE}",
    )


def add_dataset(parser: argparse.ArgumentParser) -> None:
    """Add the option --dataset, the same for every command."""
    parser.add_argument(
        "--dataset",
        type=path,
        metavar="DIR",
        help="data of your own instead: pictures in train/CLASS and test/CLASS, MNIST-like IDX "
        "files, or train_images.npy, train_labels.npy, test_images.npy, test_labels.npy",
    )


def complete_training_options(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Fill in what depends on other options; exit with status 2 where options contradict."""
    given = vars(options)  # without the settings that were not given
    settings: dict[str, Any] = dict(RECIPES[options.recipe])
    if given.get("optimizer", settings["optimizer"]) != settings["optimizer"]:
        # The recipe's learning rate and momentum belong to its own optimizer.
        settings.pop("lr", None)
        settings["momentum"] = 0.0
    settings.update(given)
    settings.setdefault("lr", DEFAULT_LR[settings["optimizer"]])
    given.update(settings)
    if options.optimizer == "adam" and options.momentum:
        parser.error("argument --momentum: goes with --optimizer sgd; adam has its own")
    for name in ("lr", "weight_decay"):
        largest = torch.finfo(getattr(torch, options.dtype)).max
        if getattr(options, name) > largest:
            parser.error(
                f"argument --{name.replace('_', '-')}: {getattr(options, name):g} is more than "
                f"{options.dtype} can hold, {largest:.2g}"
            )
    if not options.dataset and options.validation >= NUM_TRAIN:
        parser.error(
            f"argument --validation: '{options.validation}' is not a whole number from 0 to "
            f"{NUM_TRAIN - 1}"
        )
    if options.threads is None:
        all_cores = options.batch_size >= MANY_IMAGES and get_launch().world_size == 1
        options.threads = (os.cpu_count() or 1) if all_cores else 1
    choose_device(parser, options)


def choose_device(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Replace `auto` by a device; exit with status 2 if the device is not there."""
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if options.device == "auto":
        options.device = "cuda" if available["cuda"] else "cpu"
    if not available[options.device]:
        parser.error(f"argument --device: this machine, or its torch, has no {options.device}")
    if options.device == "mps" and vars(options).get("dtype") == "float64":
        parser.error("argument --dtype: mps has no float64; use --device cpu")


def as_json(options: argparse.Namespace) -> dict[str, Any]:
    """Return options as they are kept in files, and as they are typed."""
    return {name: as_typed(value) for name, value in vars(options).items()}


def as_typed(value: Any) -> Any:
    """Return the value of an option: a path or a size as text, anything else as it is."""
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return str(value) if isinstance(value, Path) else value


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the argument MODEL, a file that either twin wrote."""
    what = "model.pt of either twin"
    parser.add_argument(
        "model", type=path, nargs="?", default=DEFAULT_MODEL, metavar="MODEL", help=what
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option --json."""
    parser.add_argument("--json", action="store_true", help="print JSON, not text")
