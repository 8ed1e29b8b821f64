"""The command `figures`: draw a model's templates, predictions and errors."""

import argparse
from pathlib import Path

import torch

from d2l_softmax.commands.cli import Command, Twins
from d2l_softmax.commands.console import print_out
from d2l_softmax.commands.options import (
    add_language,
    add_model,
    add_output_dir,
    add_settings,
    drawn_in,
)
from d2l_softmax.figures.evaluation import TABLE, write_evaluation
from d2l_softmax.io import prepare_directory
from d2l_softmax.models import load_model, load_test_data


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_model(parser)
    add_settings(parser, "data_dir", "dataset", "device")
    add_language(parser)
    add_output_dir(parser, Path("runs", "figures"))


def draw_model(options: argparse.Namespace, twins: Twins) -> None:
    """Draw a model's templates, predictions and errors as PNG files, and print its scores."""
    placement = {"device": options.device, "dtype": torch.float32}
    model = load_model(options.model, twins["scratch"], **placement)
    output_dir = prepare_directory(options.output_dir, options.dataset)
    test_iter = load_test_data(options, model.description, **placement)
    with drawn_in(options.lang):
        figures, table, _ = write_evaluation(output_dir, model, test_iter)
    print_out(table)
    print_out(f"wrote {', '.join(figures)}, {TABLE} of {options.model} to {output_dir}")


COMMAND = Command("figures", "draw a model's weights and predictions", add_options, draw_model)
