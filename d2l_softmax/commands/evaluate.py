"""The command `evaluate`: test a model, with precision and recall of each class."""

import argparse
import json
from typing import Any

import torch

from d2l_softmax.commands.cli import Command, Twins
from d2l_softmax.commands.console import print_out
from d2l_softmax.commands.options import add_json, add_model, add_settings
from d2l_softmax.models import load_model, load_test_data
from d2l_softmax.training.evaluation import MOST_CONFUSED, Evaluation, evaluate, score_table


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_model(parser)
    add_settings(parser, "data_dir", "dataset", "device")
    add_json(parser)


def evaluate_model(options: argparse.Namespace, twins: Twins) -> None:
    """Print a model's loss and accuracy on the test data, and precision and recall by class."""
    placement = {"device": options.device, "dtype": torch.float32}
    model = load_model(options.model, twins["scratch"], **placement)
    evaluation = evaluate(model, load_test_data(options, model.description, **placement))
    if options.json:
        result = {"model": str(options.model), **evaluation_to_dict(evaluation)}
        print_out(json.dumps(result, indent=2))
    else:
        print_out(score_table(evaluation))


def evaluation_to_dict(evaluation: Evaluation) -> dict[str, Any]:
    """Return the metrics for --json; the confusion matrix is None above MOST_CONFUSED classes."""
    q = len(evaluation.classes)
    return {
        "loss": evaluation.loss,
        "accuracy": evaluation.accuracy,
        "balanced_accuracy": evaluation.balanced_accuracy,
        "calibration_error": evaluation.calibration_error(),
        "classes": [score._asdict() for score in evaluation.class_scores()],
        "confusion": evaluation.confusion().tolist() if q <= MOST_CONFUSED else None,
    }


COMMAND = Command("evaluate", "test a model", add_options, evaluate_model)
