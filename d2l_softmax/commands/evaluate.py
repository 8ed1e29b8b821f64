"""The command `evaluate`: how good a model is on the test data, class by class."""

import argparse
import json

from d2l_softmax.commands.console import say
from d2l_softmax.commands.options import add_data_dir, add_json, add_model
from d2l_softmax.commands.program import Command, Twins
from d2l_softmax.data.fashion_mnist import TEST_BATCH_SIZE, load_data_fashion_mnist
from d2l_softmax.storage.results import load_parameters
from d2l_softmax.training.evaluation import Evaluation, evaluate, score_table


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_model(parser)
    add_data_dir(parser)
    add_json(parser)


def evaluate_model(options: argparse.Namespace, twins: Twins) -> None:
    """Print a model's loss and accuracy on the test data, and precision and recall by class."""
    model = load_parameters(options.model, twins["scratch"].SoftmaxRegression())
    _, test_iter = load_data_fashion_mnist(TEST_BATCH_SIZE, data_dir=options.data_dir)
    evaluation = evaluate(model, test_iter)
    say(as_json(str(options.model), evaluation) if options.json else score_table(evaluation))


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


COMMAND = Command("evaluate", "test a model", add_options, evaluate_model)
