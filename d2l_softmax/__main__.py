"""The command `python -m d2l_softmax COMMAND`: what needs both twins, or neither."""

import argparse
import functools
from collections.abc import Callable
from pathlib import Path

import concise.softmax_regression
import scratch.softmax_regression
from d2l_softmax.commands import predict as commands
from d2l_softmax.commands.compare import compare
from d2l_softmax.commands.options import (
    add_data_dir,
    add_output_dir,
    add_training_options,
    complete,
    exit_status,
    positive,
    run_as_program,
    whole,
)
from d2l_softmax.data.pictures import INVERSIONS
from scratch import losses

TWINS = {"scratch": scratch.softmax_regression, "concise": concise.softmax_regression}
DEFAULT_MODEL = Path("runs", "scratch", "model.pt")


def main(argv: list[str] | None = None) -> int:
    """Run the command that the arguments name and return the exit status: 0, 1 or 130 (2 exits)."""
    parser = argparse.ArgumentParser(prog="python -m d2l_softmax", allow_abbrev=False)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add = functools.partial(add_command, subparsers)
    # Either twin's model would do below: what one wrote, the other reads.
    model = scratch.softmax_regression.SoftmaxRegression

    add_data_dir(add("data", commands.data, "find or fetch Fashion-MNIST, verify it, say where"))

    command = add("compare", functools.partial(compare, TWINS), "train both twins side by side")
    add_training_options(command)
    add_output_dir(command, Path("runs", "compare"))

    command = add("evaluate", functools.partial(commands.evaluate_model, model), "test a model")
    add_model(command)
    add_data_dir(command)
    add_json(command)

    command = add("figures", functools.partial(commands.draw_model, model), "draw what it learned")
    add_model(command)
    add_data_dir(command)
    add_output_dir(command, Path("runs", "figures"))

    command = add("predict", functools.partial(commands.predict, model), "classify pictures")
    command.add_argument(
        "files",
        type=Path,
        nargs="*",
        default=[],
        metavar="FILE",
        help="PNG, JPEG, WebP and others, of any size",
    )
    command.add_argument(
        "--index",
        type=whole(0, 9999),
        default=argparse.SUPPRESS,
        metavar="N",
        help="an image of the test set, 0 to 9999",
    )
    command.add_argument(
        "--model", type=Path, default=DEFAULT_MODEL, metavar="FILE", help="written by either twin"
    )
    command.add_argument(
        "--invert",
        choices=INVERSIONS,
        default="auto",
        help="whether the picture is dark on light; auto: if its border is light",
    )
    add_json(command)
    add_data_dir(command)
    add_output_dir(command, Path("runs", "predict"))

    command = add("losses", functools.partial(commands.draw_losses, losses), "draw three losses")
    command.add_argument(
        "--delta", type=positive, default=1.0, metavar="D", help="where Huber's loss turns straight"
    )
    add_output_dir(command, Path("runs"))

    options = parser.parse_args(argv)
    if options.command == "compare":
        complete(subparsers.choices["compare"], options)
    if options.command == "predict" and bool(options.files) == hasattr(options, "index"):
        subparsers.choices["predict"].error("name either picture files, or an image with --index")
    work = functools.partial(vars(options).pop("work"), options)
    return exit_status(f"python -m d2l_softmax {options.command}", work)


def add_command(subparsers, name: str, work: Callable, summary: str) -> argparse.ArgumentParser:
    """Add a command under its name; its description is the docstring of what does its work."""
    function = getattr(work, "func", work)
    parser = subparsers.add_parser(
        name,
        help=summary,
        description=function.__doc__.split("\n\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(work=work)
    return parser


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the argument MODEL, a file that either twin wrote."""
    parser.add_argument(
        "model",
        type=Path,
        nargs="?",
        default=DEFAULT_MODEL,
        metavar="MODEL",
        help="model.pt of either twin",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option --json."""
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print JSON, not text"
    )


if __name__ == "__main__":
    run_as_program(main)
