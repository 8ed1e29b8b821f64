"""The command `losses`: draw three regression losses."""

import argparse
import functools
from pathlib import Path

from d2l_softmax.commands.cli import Command, Twins
from d2l_softmax.commands.console import print_out
from d2l_softmax.commands.options import add_language, add_output_dir, drawn_in, positive
from d2l_softmax.figures.losses import draw_losses
from d2l_softmax.figures.style import save_figure
from d2l_softmax.i18n import tr
from d2l_softmax.io import prepare_directory


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "--delta", type=positive, default=1.0, metavar="D", help="Huber's threshold δ"
    )
    add_language(parser)
    add_output_dir(parser, Path("runs"))


def draw_three_losses(options: argparse.Namespace, twins: Twins) -> None:
    """Draw the squared, L1 and Huber loss, each with its likelihood and gradient, in losses.png."""
    path = prepare_directory(options.output_dir) / "losses.png"
    losses = twins["scratch"].losses
    huber = functools.partial(losses.huber, delta=options.delta)
    huber_gradient = functools.partial(losses.huber_gradient, delta=options.delta)
    with drawn_in(options.lang):
        figure = draw_losses(
            {
                tr("squared loss"): (losses.squared, losses.squared_gradient),
                tr("L1 loss"): (losses.l1, losses.l1_gradient),
                tr("Huber's loss, δ = {delta:g}", delta=options.delta): (huber, huber_gradient),
            }
        )
        save_figure(path, figure)
    print_out(f"wrote {path}")


COMMAND = Command("losses", "draw three regression losses", add_options, draw_three_losses)
