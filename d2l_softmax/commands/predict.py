"""What the commands of `python -m d2l_softmax` do, but for `compare`, which is in comparison.py.

They take a twin's model class, or its losses, as an argument: this file imports neither twin.
"""

import argparse
import functools
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import torch
from PIL import Image
from torch import Tensor

from d2l_softmax.commands.train import TEST_BATCH_SIZE, prepared_directory
from d2l_softmax.data.fashion_mnist import LABELS, load_data_fashion_mnist
from d2l_softmax.data.pictures import PictureError, load_picture, to_model_input
from d2l_softmax.data.sources import SHA256, ensure_fashion_mnist
from d2l_softmax.figures import drawing as plots
from d2l_softmax.figures.evaluation import FIGURES, TABLE, write_evaluation
from d2l_softmax.storage.checkpoint import load_parameters
from d2l_softmax.training.evaluation import Model, evaluate, score_table


def data(options: argparse.Namespace) -> None:
    """Find or fetch Fashion-MNIST, verify it by SHA-256, and print where it is."""
    data_dir = ensure_fashion_mnist(options.data_dir)
    print(f"Fashion-MNIST, {len(SHA256)} files with the right SHA-256: {data_dir}")


def evaluate_model(new_model: Callable[[], Model], options: argparse.Namespace) -> None:
    """Print a model's loss and accuracy on the test data, and precision and recall by class."""
    model = loaded(new_model, options.model)
    evaluation = evaluate(model, test_data(options))
    if not hasattr(options, "json"):
        print(score_table(evaluation))
        return
    result = {
        "model": str(options.model),
        "loss": evaluation.loss,
        "accuracy": evaluation.accuracy,
        "calibration_error": evaluation.calibration_error(),
        "classes": [score._asdict() for score in evaluation.class_scores()],
        "confusion": evaluation.confusion().tolist(),
    }
    print(json.dumps(result, indent=2))


def draw_model(new_model: Callable[[], Model], options: argparse.Namespace) -> None:
    """Draw what a model has learned and where it errs, as PNG files, and print its classes."""
    model = loaded(new_model, options.model)
    output_dir = prepared_directory(options.output_dir)
    print(write_evaluation(output_dir, model, test_data(options)))
    print(f"wrote {', '.join(FIGURES)}, {TABLE} to {output_dir}")


def predict(new_model: Callable[[], Model], options: argparse.Namespace) -> int:
    """Print the three most probable classes of each picture, and draw what the model saw of it.

    Pictures that can't be used are named on standard error, the others are still predicted.
    """
    model = loaded(new_model, options.model)
    output_dir = prepared_directory(options.output_dir)
    results, failed = [], False
    taken = {file.resolve() for file in options.files}  # nobody's picture is written over
    for name, read in pictures(options):
        try:
            picture, X = read()
        except PictureError as error:
            print(f"python -m d2l_softmax predict: {error}", file=sys.stderr)
            failed = True
            continue
        with torch.no_grad():
            y_hat = model.probabilities(X)
        results.append(as_json(name, y_hat))
        drawing = drawing_path(output_dir, Path(name).stem, taken)
        plots.save_figure(drawing, plots.draw_prediction(picture, X, y_hat))
        if not hasattr(options, "json"):
            print(f"{name}: {top_classes(y_hat)}; drawn in {drawing}")
    if hasattr(options, "json"):
        print(json.dumps(results, indent=2))
    return 1 if failed else 0


def draw_losses(losses: ModuleType, options: argparse.Namespace) -> None:
    """Draw squared, L1 and Huber's loss, each with likelihood and gradient, in losses.png."""
    output_dir = prepared_directory(options.output_dir)
    huber = functools.partial(losses.huber, delta=options.delta)
    huber_gradient = functools.partial(losses.huber_gradient, delta=options.delta)
    figure = plots.draw_losses(
        {
            "squared loss": (losses.squared, losses.squared_gradient),
            "L1 loss": (losses.l1, losses.l1_gradient),
            f"Huber's loss, δ = {options.delta:g}": (huber, huber_gradient),
        }
    )
    plots.save_figure(output_dir / "losses.png", figure)
    print(f"wrote {output_dir / 'losses.png'}")


def loaded(new_model: Callable[[], Model], path: Path) -> Model:
    """Return a model with the parameters of a file; ModelFileError if it has none that fit."""
    model = new_model()
    load_parameters(path, model)
    return model


def test_data(options: argparse.Namespace):
    """Return the loader of the test images."""
    return load_data_fashion_mnist(TEST_BATCH_SIZE, data_dir=options.data_dir)[1]


def pictures(options: argparse.Namespace) -> Iterator[tuple[str, Callable]]:
    """Yield the name of each picture, and a function that reads it: (picture, model input)."""
    if hasattr(options, "index"):
        X, _ = test_data(options).dataset[torch.tensor([options.index])]
        pixels = (X[0, 0] * 255).round().to(torch.uint8).numpy()
        yield f"test-{options.index}", lambda: (Image.fromarray(pixels), X)
    for file in options.files:
        yield str(file), functools.partial(read_picture, file, options.invert)


def read_picture(file: Path, invert: str) -> tuple[Image.Image, Tensor]:
    """Read a picture file; return it and what the model sees of it."""
    picture = load_picture(file)
    return picture, to_model_input(picture, invert)


def as_json(name: str, y_hat: Tensor) -> dict:
    """Return a prediction as --json prints it."""
    probabilities = y_hat[0].tolist()
    index = int(y_hat[0].argmax())
    return {
        "file": name,
        "class": LABELS[index],
        "index": index,
        "probability": probabilities[index],
        "probabilities": dict(zip(LABELS, probabilities, strict=True)),
    }


def top_classes(y_hat: Tensor, n: int = 3) -> str:
    """Return the n most probable classes as text."""
    probabilities, classes = y_hat[0].topk(n)
    return ", ".join(f"{LABELS[k]} {p:.3f}" for p, k in zip(probabilities, classes, strict=True))


def drawing_path(folder: Path, stem: str, taken: set[Path]) -> Path:
    """Return the path of a picture's drawing, none of those taken; it is then taken, too."""
    numbers = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    candidates = (folder / f"{stem}-prediction{number}.png" for number in numbers)
    path = next(path for path in candidates if path.resolve() not in taken)
    taken.add(path.resolve())
    return path
