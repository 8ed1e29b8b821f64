"""The command `figures`: what a model has learned, and where it errs."""

import argparse
from pathlib import Path

from d2l_softmax.commands.console import say
from d2l_softmax.commands.options import add_data_dir, add_model, add_output_dir
from d2l_softmax.commands.program import Command, Twins
from d2l_softmax.data.fashion_mnist import TEST_BATCH_SIZE, load_data_fashion_mnist
from d2l_softmax.figures.drawing import own_style
from d2l_softmax.figures.evaluation import FIGURES, TABLE, write_evaluation
from d2l_softmax.storage.files import prepare_directory
from d2l_softmax.storage.results import load_parameters


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_model(parser)
    add_data_dir(parser)
    add_output_dir(parser, Path("runs", "figures"))


def draw_model(options: argparse.Namespace, twins: Twins) -> None:
    """Draw what a model has learned and where it errs, as PNG files, and print its classes."""
    model = load_parameters(options.model, twins["scratch"].SoftmaxRegression())
    output_dir = prepare_directory(options.output_dir)
    _, test_iter = load_data_fashion_mnist(TEST_BATCH_SIZE, data_dir=options.data_dir)
    with own_style():
        table = write_evaluation(output_dir, model, test_iter)
    say(table)
    say(f"wrote {', '.join(FIGURES)}, {TABLE} to {output_dir}")


COMMAND = Command("figures", "draw what it learned", add_options, draw_model)
