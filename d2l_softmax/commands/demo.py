"""The command `demo`: write the interactive demo of softmax regression."""

import argparse
import inspect
import json
from pathlib import Path

import torch

from d2l_softmax.commands.cli import Command, Twins
from d2l_softmax.commands.console import print_out
from d2l_softmax.commands.options import add_output_dir, add_settings, path
from d2l_softmax.data.batches import ArrayDataset
from d2l_softmax.data.fashion_mnist import CLASSES, load_data_fashion_mnist
from d2l_softmax.figures.style import NEGATIVE, POSITIVE
from d2l_softmax.io import prepare_directory, write_text
from d2l_softmax.models import OF_FASHION_MNIST, OtherDataError, load_model
from d2l_softmax.pages.lesson import LabeledImages, write_lesson

IMAGES_PER_CLASS = 20  # in each split
EPOCHS = 10


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "--model",
        type=path,
        metavar="MODEL",
        help="model.pt to show instead of the default model; also written as weights.json",
    )
    add_settings(parser, "data_dir")
    add_output_dir(parser, Path("runs"))


def write_demo(options: argparse.Namespace, twins: Twins) -> None:
    """Write the interactive demo, softmax.html.

    With --model, also write weights.json, which any copy of the demo can load. The default model is
    that of `make train-scratch`, but in float64. Raises OtherDataError if the model is not for
    28×28 images of ten classes.
    """
    scratch, concise = twins["scratch"], twins["concise"]
    train_iter, test_iter = load_data_fashion_mnist(
        256,
        data_dir=options.data_dir,
        dtype=torch.float64,
        generator=torch.Generator().manual_seed(0),
    )
    written = "softmax.html"
    if options.model:
        model, expected = load_model(options.model, scratch, dtype=torch.float64), OF_FASHION_MNIST
        if (model.shape, len(model.classes)) != (expected.shape, len(expected.classes)):
            raise OtherDataError(
                f"the demo needs a model for {expected.in_words()}, such as Fashion-MNIST's; this "
                f"one is for {model.description.in_words()}"
            )
        # W (784, 10), b (10,)
        weights = {"W": model.W.tolist(), "b": model.b.tolist(), "classes": model.classes}
        written += " and weights.json"
    else:
        generator = torch.Generator().manual_seed(0)
        model = scratch.SoftmaxRegression(dtype=torch.float64, generator=generator)
        optimizer = scratch.SGD(model.parameters(), lr=0.1)
        for _ in range(EPOCHS):
            scratch.train_epoch(model, train_iter, optimizer)
    output_dir = prepare_directory(options.output_dir)
    splits = {"train": first_images(train_iter.dataset), "test": first_images(test_iter.dataset)}
    code = {
        "scratch/softmax_regression.py": inspect.getsource(scratch.softmax_regression),
        "scratch/losses.py": inspect.getsource(scratch.losses),
        "concise/softmax_regression.py": inspect.getsource(concise.softmax_regression),
    }
    colors = {"positive": POSITIVE, "negative": NEGATIVE}
    write_lesson(output_dir / "softmax.html", model, splits, CLASSES, code, colors)
    if options.model:
        write_text(output_dir / "weights.json", json.dumps(weights, ensure_ascii=False))
    print_out(f"wrote {written} to {output_dir}")


def first_images(dataset: ArrayDataset) -> LabeledImages:
    """Return the first IMAGES_PER_CLASS images of each class, (n, 28, 28), in data set order."""
    images, labels = dataset.images, dataset.labels
    rows = [torch.nonzero(labels == k)[:IMAGES_PER_CLASS, 0] for k in range(len(CLASSES))]
    chosen = torch.cat(rows).sort().values
    return LabeledImages(images[chosen].reshape(-1, 28, 28), labels[chosen])


COMMAND = Command("demo", "write the interactive demo", add_options, write_demo)
