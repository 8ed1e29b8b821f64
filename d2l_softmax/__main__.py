"""The command `python -m d2l_softmax COMMAND`: what needs both twins, or neither."""

import argparse
import functools
import sys
from collections.abc import Callable
from pathlib import Path

from d2l_softmax.cli import add_data_dir, exit_status, positive
from d2l_softmax.plots import draw_losses, save_figure
from d2l_softmax.run import prepared_directory
from d2l_softmax.sources import SHA256, ensure_fashion_mnist
from scratch import losses as by_hand


def main(argv: list[str] | None = None) -> int:
    """Run the command that the arguments name and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m d2l_softmax", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_data_dir(add_command(commands, data))
    losses_parser = add_command(commands, losses)
    losses_parser.add_argument(
        "--delta", type=positive, default=1.0, metavar="D", help="where Huber's loss turns straight"
    )
    losses_parser.add_argument(
        "--output-dir", type=Path, default=Path("runs"), metavar="DIR", help="where to write"
    )
    options = parser.parse_args(argv)
    work = functools.partial(options.work, options)
    return exit_status(f"python -m d2l_softmax {options.command}", work)


def add_command(commands, work: Callable) -> argparse.ArgumentParser:
    """Add the command that a function does, under its name and docstring; return its parser."""
    parser = commands.add_parser(
        work.__name__,
        help=work.__doc__,
        description=work.__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(work=work)
    return parser


def data(options: argparse.Namespace) -> None:
    """Find or fetch Fashion-MNIST, verify it by SHA-256, and print where it is."""
    data_dir = ensure_fashion_mnist(options.data_dir)
    print(f"Fashion-MNIST, {len(SHA256)} files with the right SHA-256: {data_dir}")


def losses(options: argparse.Namespace) -> None:
    """Draw squared, L1 and Huber's loss, each with likelihood and gradient, in losses.png."""
    output_dir = prepared_directory(options.output_dir)
    huber = functools.partial(by_hand.huber, delta=options.delta)
    huber_gradient = functools.partial(by_hand.huber_gradient, delta=options.delta)
    figure = draw_losses(
        {
            "squared loss": (by_hand.squared, by_hand.squared_gradient),
            "L1 loss": (by_hand.l1, by_hand.l1_gradient),
            f"Huber's loss, δ = {options.delta:g}": (huber, huber_gradient),
        }
    )
    save_figure(output_dir / "losses.png", figure)
    print(f"wrote {output_dir / 'losses.png'}")


if __name__ == "__main__":
    sys.exit(main())
