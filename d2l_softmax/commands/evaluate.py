"""The command `evaluate`: how good a model is on the test data, class by class."""

import argparse
import json

import torch

from d2l_softmax.commands.cli import Command, Twins
from d2l_softmax.commands.console import print_out
from d2l_softmax.commands.options import (
    add_data_dir,
    add_dataset,
    add_device,
    add_json,
    add_model,
    choose_device,
)
from d2l_softmax.models import load_model, load_test_data
from d2l_softmax.training.evaluation import Evaluation, evaluate, score_table


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_model(parser)
    add_data_dir(parser)
    add_dataset(parser)
    add_device(parser)
    add_json(parser)


def evaluate_model(options: argparse.Namespace, twins: Twins) -> None:
    """Print a model's loss and accuracy on the test data, and precision and recall by class."""
    kept = {"device": options.device, "dtype": torch.float32}
    model = load_model(options.model, twins["scratch"], **kept)
    evaluation = evaluate(model, load_test_data(options, model.description, **kept))
    print_out(as_json(str(options.model), evaluation) if options.json else score_table(evaluation))


def as_json(model: str, evaluation: Evaluation) -> str:
    """Return what is known of a model as --json prints it."""
    result = {
        "model": model,
        "loss": evaluation.loss,
        "accuracy": evaluation.accuracy,
        "calibration_error": evaluation.calibration_error(),
        "classes": [score._asdict() for score in evaluation.class_scores()],
        "confusion": evaluation.confusion().tolist(),
    }
    return json.dumps(result, indent=2)


COMMAND = Command("evaluate", "test a model", add_options, evaluate_model, choose_device)
