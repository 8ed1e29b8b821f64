"""The settings of a training, the recipes, and the options that several commands share."""

import argparse
import contextlib
import math
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import torch

from d2l_softmax.commands.cli import HelpFormatter, Parser, add_version
from d2l_softmax.commands.console import counted, print_error
from d2l_softmax.data.augmentation import AUGMENTATIONS
from d2l_softmax.data.batches import LARGEST_SIDE
from d2l_softmax.data.fashion_mnist import NUM_TRAIN
from d2l_softmax.data.loaders import SHUFFLES
from d2l_softmax.data.sources import ENVIRONMENT_VARIABLE, default_data_dir
from d2l_softmax.figures.style import chinese_font, default_style
from d2l_softmax.i18n import LANGUAGES, use_language
from d2l_softmax.training.distributed import get_launch

DEFAULT_MODEL = Path("runs", "scratch", "model.pt")
ADAM_LR = 0.001  # the default learning rate of --optimizer adam
MANY_IMAGES = 50_000  # batch size from which all cores are faster (benchmarks/README.md, "Threads")


# Types of argparse: functions from the text of an argument to its value


def number(
    kind: Callable[[str], Any], is_allowed: Callable[[Any], bool], expected: str
) -> Callable[[str], Any]:
    """Return an argparse type for numbers of `kind`, int or float, that `is_allowed` accepts."""

    def convert(text: str) -> Any:
        with contextlib.suppress(ValueError):
            value = kind(text)
            if is_allowed(value):
                return value
        raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")

    return convert


def whole(lowest: int, highest: int = 2**31 - 1) -> Callable[[str], int]:
    """Return an argparse type for whole numbers from `lowest` to `highest`."""
    expected = f"a whole number from {lowest} to {highest}"
    return number(int, lambda value: lowest <= value <= highest, expected)


positive = number(float, lambda value: 0 < value < math.inf, "a finite number above 0")
fraction = number(float, lambda value: 0 <= value < 1, "a number from 0 to below 1")
not_negative = number(float, lambda value: 0 <= value < math.inf, "a finite number, 0 or above")


def path(text: str) -> Path:
    """Return a path with ~ expanded; the shell does not expand it after an equals sign."""
    if not text:  # from an unset shell variable; Path("") would be the current directory
        raise argparse.ArgumentTypeError("expected a path, got none")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: there is no such home directory") from error


def image_size(text: str) -> tuple[int, int]:
    """Return (height, width) in pixels, from "28" or "28x32"."""
    sides = text.split("x")
    # Python refuses to convert thousands of digits.
    if not (len(sides) in (1, 2) and all(side.isdecimal() and len(side) < 10 for side in sides)):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a side, such as 28, or height and width, such as 28x32"
        )
    height, width = int(sides[0]), int(sides[-1])
    if not (1 <= height <= LARGEST_SIDE and 1 <= width <= LARGEST_SIDE):
        raise argparse.ArgumentTypeError(
            f"{text!r} has a side that is not from 1 to {LARGEST_SIDE:,} pixels"
        )
    return height, width


def available_device(text: str) -> str:
    """Return a device, "cuda" or "cpu" for "auto"; ArgumentTypeError if it is not available."""
    if text == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if text == "cuda" and not torch.cuda.is_available():
        raise argparse.ArgumentTypeError("CUDA is not available; try --device cpu")
    if text == "mps" and not torch.backends.mps.is_available():
        raise argparse.ArgumentTypeError("MPS is not available; try --device cpu")
    return text


# Settings


def setting(default: Any, help: str, **argument: Any) -> Any:
    """Return a field of TrainingSettings; `argument` has the keyword arguments of add_argument."""
    return field(default=default, metadata={"help": help, **argument})


@dataclass(frozen=True)
class TrainingSettings:
    """The settings of a training, with defaults and, as metadata, arguments of add_argument."""

    epochs: int = setting(10, "passes over the training data", type=whole(1), metavar="N")
    batch_size: int = setting(256, "examples per step", type=whole(1), metavar="N")
    lr: float = setting(
        0.1, f"learning rate; adam's default is {ADAM_LR}", type=positive, metavar="RATE"
    )
    optimizer: str = setting("sgd", "optimizer", choices=("sgd", "adam"))
    momentum: float = setting(0.0, "SGD momentum, in [0, 1)", type=fraction, metavar="M")
    weight_decay: float = setting(0.0, "L2 coefficient", type=not_negative, metavar="D")
    lr_decay: str = setting(
        "none",
        "linear: the learning rate falls after every epoch, to zero after the last",
        choices=("none", "linear"),
    )
    augment: str = setting(
        "none",
        "photos: vary the training images at random, for a model of photographs",
        choices=tuple(AUGMENTATIONS),
    )
    validation: int = setting(
        0,
        "number of training examples to hold out, unless the data have a val split; loss and "
        "accuracy are measured on them, too",
        type=whole(0),
        metavar="N",
    )
    seed: int = setting(
        0, "seed of the initial weights and the shuffling", type=whole(0), metavar="N"
    )
    device: str = setting(
        "auto",
        "auto: cuda if available, else cpu",
        type=available_device,
        choices=("auto", "cpu", "cuda", "mps"),
    )
    threads: int | None = setting(
        None,
        f"CPU threads (default: 1; all cores for batches of {MANY_IMAGES:,} images and more)",
        type=whole(1, os.cpu_count() or 1),
        metavar="N",
    )
    dtype: str = setting("float32", "precision", choices=("float32", "float64"))
    data_dir: Path | None = setting(  # noqa: RUF009
        None,
        f"directory of Fashion-MNIST; also set by {ENVIRONMENT_VARIABLE}",
        type=path,
        metavar="DIR",
    )
    dataset: Path | None = setting(  # noqa: RUF009
        None,
        "custom data instead: a folder of images for each class, images and labels.csv, a CSV or "
        "Parquet file, .npz, .npy or IDX files",
        type=path,
        metavar="PATH",
    )
    resize: tuple[int, int] | None = setting(
        None, "resize images to SIDE or HEIGHTxWIDTH", type=image_size, metavar="SIDE"
    )
    standardize: str = setting(
        "auto",
        "subtract the mean of each channel or feature and divide by its standard deviation; auto: "
        "yes for custom data",
        choices=("auto", "yes", "no"),
    )
    shuffle: str = setting(
        "auto",
        "block: near-sequential disk reads; auto: block for more than 1 GB, else full",
        choices=SHUFFLES,
    )


BOOK = TrainingSettings()
# Chosen on 10,000 held-out training images (benchmarks/README.md).
BEST = replace(BOOK, epochs=20, batch_size=512, momentum=0.9, lr_decay="linear")
# Chosen on photographs (docs/photographs.md): more or larger steps would overfit Fashion-MNIST.
PHOTOS = replace(BEST, epochs=10, lr=0.02, augment="photos")
RECIPES = {"auto": BOOK, "book": BOOK, "best": BEST, "photos": PHOTOS}
CHOSEN = ("epochs", "batch_size", "lr")  # recipe auto chooses these for custom data
# The settings that a recipe fixes
IN_RECIPES = (
    "epochs",
    "batch_size",
    "lr",
    "optimizer",
    "momentum",
    "weight_decay",
    "lr_decay",
    "augment",
)
# The settings that determine the results of a training, except for rounding
RESULT_OPTIONS = (*IN_RECIPES, "validation", "seed", "dtype", "resize", "shuffle", "standardize")


def add_training_options(parser: argparse.ArgumentParser, several: bool = False) -> None:
    """Add --recipe, --quiet and all TrainingSettings.

    Settings of a recipe are absent from the parsed options unless they are given. With `several`,
    each of them takes several values.
    """
    parser.add_argument(
        "--recipe",
        choices=tuple(RECIPES),
        default="auto",
        help="preset for options that are not given; book: as in the book; best: most accurate on "
        "held-out images; photos: for photographs; auto: chosen from custom data, else book",
    )
    for each in fields(TrainingSettings):
        if each.name not in IN_RECIPES:
            add_settings(parser, each.name)
            continue
        values = f"default: {each.default}"
        for recipe, settings in {"best": BEST, "photos": PHOTOS}.items():
            if (value := getattr(settings, each.name)) != each.default:
                values += f"; {recipe}: {value}"
        if each.name in CHOSEN:
            values += "; custom data: chosen"
        arguments = {**each.metadata, "help": f"{each.metadata['help']} ({values})"}
        if several:
            arguments["nargs"] = "+"
        parser.add_argument(as_option(each.name), default=argparse.SUPPRESS, **arguments)
    parser.add_argument("--quiet", action="store_true", help="print warnings and errors only")


def add_settings(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add the options of these TrainingSettings."""
    for each in fields(TrainingSettings):
        if each.name in names:
            parser.add_argument(as_option(each.name), default=each.default, **each.metadata)
    if "data_dir" in names:  # as text, so that the parser checks it like a given option
        parser.set_defaults(
            data_dir=os.environ.get(ENVIRONMENT_VARIABLE) or str(default_data_dir())
        )


def complete_training_options(
    parser: argparse.ArgumentParser, options: argparse.Namespace
) -> argparse.Namespace:
    """Return options with all TrainingSettings; exit with status 2 if they contradict each other.

    Settings that were not given are taken from the recipe. `options` itself is not changed.
    """
    recipe = {name: getattr(RECIPES[options.recipe], name) for name in IN_RECIPES}
    if options.recipe == "auto" and options.dataset:
        recipe |= dict.fromkeys(CHOSEN)  # see choose_settings in commands/train.py
    if vars(options).get("optimizer") == "adam":  # the recipes' lr and momentum are for SGD
        recipe |= {"lr": ADAM_LR, "momentum": 0.0}
    options = argparse.Namespace(**recipe | vars(options))
    if options.optimizer == "adam" and options.momentum:
        parser.error("argument --momentum: for --optimizer sgd only; adam has its own")
    largest = torch.finfo(getattr(torch, options.dtype)).max
    for name, value in (("lr", options.lr), ("weight_decay", options.weight_decay)):
        if value is not None and value > largest:
            parser.error(
                f"argument {as_option(name)}: {value:g} is too large for {options.dtype}; expected "
                f"at most {largest:.2g}"
            )
    if not options.dataset and options.validation >= NUM_TRAIN:
        parser.error(
            f"argument --validation: '{options.validation}' is not a whole number from 0 to "
            f"{NUM_TRAIN - 1}"
        )
    if options.device == "mps" and options.dtype == "float64":
        parser.error("argument --dtype: mps has no float64; try --device cpu")
    if options.standardize == "auto":
        options.standardize = "yes" if options.dataset else "no"
    if options.threads is None:
        all_cores = (options.batch_size or 0) >= MANY_IMAGES and get_launch().world_size == 1
        options.threads = (os.cpu_count() or 1) if all_cores else 1
    return options


def add_training_command_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a command that trains one implementation, except --output-dir."""
    add_training_options(parser)
    unfinished = parser.add_mutually_exclusive_group()
    unfinished.add_argument(
        "--resume",
        action="store_true",
        help="continue the training in the output directory from its checkpoint; --epochs may be "
        "higher",
    )
    unfinished.add_argument(
        "--overwrite",
        action="store_true",
        help="replace an unfinished training in the output directory",
    )
    parser.add_argument(
        "--checkpoint-every",
        type=whole(1),
        metavar="N",
        help="write a checkpoint after every N batches, too, not only after every epoch",
    )
    parser.add_argument(
        "--keep-best",
        action="store_true",
        help="write the model of the epoch that is best on held-out data; needs --validation",
    )
    parser.add_argument(
        "--templates",
        action="store_true",
        help="draw the weights of each class epoch by epoch",
    )
    add_language(parser)


def make_parser(name: str) -> Parser:
    """Return the parser of `python -m scratch` or `python -m concise`."""
    parser = Parser(
        prog=f"python -m {name}",
        description="Train softmax regression on Fashion-MNIST and write the history (CSV), the "
        "model, figures (PNG) and a report (HTML). scratch and concise print equal numbers for "
        "equal options and seeds, to rounding error.",
        formatter_class=HelpFormatter,
        allow_abbrev=False,
    )
    add_version(parser)
    add_training_command_options(parser)
    add_output_dir(parser, Path("runs", name))
    return parser


def parse(name: str, argv: list[str] | None = None) -> argparse.Namespace:
    """Return the complete options of `python -m NAME`; exit with status 2 if they are invalid."""
    argv = sys.argv[1:] if argv is None else argv
    parser = make_parser(name)
    options = parser.parse_args(argv)
    options.prog, options.command = parser.prog, ["python", "-m", name, *argv]
    return complete_for_ranks(parser, options)


def complete_for_ranks(
    parser: argparse.ArgumentParser, options: argparse.Namespace
) -> argparse.Namespace:
    """Return the complete options of a training; exit with status 2 if the ranks can't use them."""
    options = complete_training_options(parser, options)
    _, world_size, _, local_world_size = get_launch()
    if options.batch_size and world_size > options.batch_size:
        parser.error(
            f"argument --batch-size: {options.batch_size} for {world_size} processes, expected at "
            "least one image for each"
        )
    if world_size > 1 and options.device == "mps":
        parser.error("argument --device: mps trains in one process; try --device cpu")
    if options.device == "cuda" and local_world_size > torch.cuda.device_count():
        parser.error(
            f"argument --device: {counted(torch.cuda.device_count(), 'GPU')} for "
            f"{local_world_size} processes, expected one for each; start fewer processes, or try "
            "--device cpu"
        )
    return options


def as_option(name: str) -> str:
    """Return the option of a setting, such as --batch-size."""
    return "--" + name.replace("_", "-")


def options_to_dict(options: argparse.Namespace) -> dict[str, Any]:
    """Return options by name, with values that fit both JSON and a command line."""
    return {
        name: option_value(value)
        for name, value in vars(options).items()
        if name not in ("prog", "command", "impl")  # they tell how the training was started
    }


def option_value(value: Any) -> Any:
    """Convert an option's value to text if it is a path or an image size, such as `28x32`."""
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return str(value) if isinstance(value, Path) else value


# Options of several commands


def add_output_dir(parser: argparse.ArgumentParser, default: Path | None) -> None:
    """Add the option --output-dir; its help names runs/IMPL if the default is None."""
    parser.add_argument(
        "--output-dir",
        type=path,
        default=default,
        metavar="DIR",
        help="directory to write to; output files in it are replaced"
        + ("" if default else " (default: runs/IMPL)"),
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the argument MODEL, also as the option --model, as `predict` has it."""
    model: dict[str, Any] = {"type": path, "default": DEFAULT_MODEL, "metavar": "MODEL"}
    what = "model.pt, written by scratch or concise"
    parser.add_argument("model", nargs="?", action=StoreIfGiven, help=what, **model)
    parser.add_argument("--model", help="the same as MODEL", **model)


class StoreIfGiven(argparse.Action):
    """Store a positional argument; if it is absent, keep the value of the option of its name."""

    def __call__(self, parser, namespace, values, option_string=None):
        """Store the value, unless it is the default."""
        if values is not self.default:
            setattr(namespace, self.dest, values)


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option --json."""
    parser.add_argument("--json", action="store_true", help="print JSON, not text")


def add_language(parser: argparse.ArgumentParser) -> None:
    """Add the option --lang."""
    parser.add_argument(
        "--lang", choices=LANGUAGES, default="en", help="language of the figures and the report"
    )


@contextlib.contextmanager
def drawn_in(language: str) -> Iterator[None]:
    """Set the language of the figures and pages that are made in this context.

    Without a font for Chinese, print a warning and use English.
    """
    if language == "zh" and not chinese_font():
        print_error(
            "warning: no installed font has Chinese characters, so figures and report are in "
            "English; install one, on Debian and Ubuntu: apt-get install fonts-noto-cjk"
        )
        language = "en"
    with use_language(language), default_style():
        yield
