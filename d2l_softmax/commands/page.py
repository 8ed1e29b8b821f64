"""The command `page`: softmax regression as a page that one can touch."""

import argparse
import inspect
import json
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor

from d2l_softmax.commands.console import print_out
from d2l_softmax.commands.options import add_data_dir, add_output_dir, path
from d2l_softmax.commands.program import Command, Twins
from d2l_softmax.data.batches import ArrayDataset, ArrayLoader
from d2l_softmax.data.fashion_mnist import CLASSES, load_data_fashion_mnist
from d2l_softmax.figures.style import NEGATIVE, POSITIVE
from d2l_softmax.io import prepare_directory, write_text
from d2l_softmax.models import OF_FASHION_MNIST, OtherDataError, load_model
from d2l_softmax.pages.lesson import LabeledImages, write_lesson
from d2l_softmax.storage.description import Description
from d2l_softmax.training.evaluation import Model

OF_EACH_CLASS = 20  # images of each split
EPOCHS = 10


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "--model",
        type=path,
        metavar="MODEL",
        help="model.pt of either twin in place of ours; its weights are written as JSON, too",
    )
    add_data_dir(parser)
    add_output_dir(parser, Path("runs"))


def write(options: argparse.Namespace, twins: Twins) -> None:
    """Write softmax.html, with --model also weights.json, which any copy of the page reads."""
    scratch, concise = twins["scratch"], twins["concise"]
    train_iter, test_iter = load_data_fashion_mnist(
        256,
        data_dir=options.data_dir,
        dtype=torch.float64,
        generator=torch.Generator().manual_seed(0),
    )
    if options.model:
        model = load_model(options.model, scratch, dtype=torch.float64)
        check(model.description)
    else:
        model = trained(scratch, train_iter)
    output_dir = prepare_directory(options.output_dir)
    splits = {"train": some_of(train_iter.dataset), "test": some_of(test_iter.dataset)}
    code = {
        "scratch/softmax_regression.py": inspect.getsource(scratch.softmax_regression),
        "scratch/losses.py": inspect.getsource(scratch.losses),
        "concise/softmax_regression.py": inspect.getsource(concise.softmax_regression),
    }
    colors = {"positive": POSITIVE, "negative": NEGATIVE}
    write_lesson(output_dir / "softmax.html", model, splits, CLASSES, code, colors)
    if options.model:
        write_text(output_dir / "weights.json", as_json(model, model.description))
    what = "softmax.html and weights.json" if options.model else "softmax.html"
    print_out(f"wrote {what} to {output_dir}")


def check(description: Description) -> None:
    """Raise OtherDataError for a model that is not for 28×28 images of ten classes."""
    expected = OF_FASHION_MNIST
    if (description.shape, len(description.classes)) != (expected.shape, len(expected.classes)):
        raise OtherDataError(
            f"the page is for models of {expected.in_words()}, as Fashion-MNIST has; this one is "
            f"for {description.in_words()}"
        )


def trained(twin: ModuleType, train_iter: ArrayLoader) -> Model:
    """Return the model of `make train-scratch`: ten epochs from seed 0."""
    generator = torch.Generator().manual_seed(0)
    model = twin.SoftmaxRegression(dtype=torch.float64, generator=generator)
    optimizer = twin.SGD(model.parameters(), lr=0.1)
    for _ in range(EPOCHS):
        twin.train_epoch(model, train_iter, optimizer)
    return model


def some_of(dataset: ArrayDataset) -> LabeledImages:
    """Return the first images of each class, in the order of the data."""
    images, labels = dataset.images, dataset.labels
    rows = [torch.nonzero(labels == c)[:OF_EACH_CLASS, 0] for c in range(len(CLASSES))]
    chosen: Tensor = torch.cat(rows).sort().values
    return LabeledImages(images[chosen].reshape(-1, 28, 28), labels[chosen])


def as_json(model: Model, description: Description) -> str:
    """Return a model's weights as the page reads them: W (784, 10), b (10,), names of classes."""
    content = {"W": model.W.tolist(), "b": model.b.tolist(), "classes": description.classes}
    return json.dumps(content, ensure_ascii=False)


COMMAND = Command("page", "write a page to touch", add_options, write)
