"""The command `export`: a model as a file of another format, which is run before it is kept."""

import argparse
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from d2l_softmax.commands.cli import Command, Twins
from d2l_softmax.commands.console import print_out
from d2l_softmax.commands.options import add_data_dir, add_dataset, add_model, path
from d2l_softmax.data.sources import is_at_hand
from d2l_softmax.io import write_atomically
from d2l_softmax.models import load_model, load_test_data
from d2l_softmax.storage.description import AS_FASHION_MNIST, Description
from d2l_softmax.storage.export import FORMATS, Exported, ExportError, needing_the_extra
from d2l_softmax.training.agreement import largest_difference
from d2l_softmax.training.evaluation import Model

BATCHES = (1, 7, 256)  # the number of examples is free in what is exported
TOLERANCES = {torch.float32: 1e-5, torch.float64: 1e-12}
ENDINGS = " or ".join(FORMATS)


def exported(text: str) -> Path:
    """Return the path of a file to export to, which ends as one of the formats does."""
    if path(text).suffix not in FORMATS:
        raise argparse.ArgumentTypeError(f"{text!r} does not end in {ENDINGS}")
    return path(text)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_model(parser)
    what = f"to write, replaced if it is there: {ENDINGS}"
    parser.add_argument("output", type=exported, metavar="FILE", help=what)
    add_data_dir(parser)
    add_dataset(parser)


def export(options: argparse.Namespace, twins: Twins) -> None:
    """Write a model as ONNX or safetensors, once what is written gives the model's numbers.

    Raises ExportError if it does not, or if the packages are missing that are needed.
    """
    model = load_model(options.model, twins["scratch"])
    description, dtype = model.description, model.W.dtype
    write, read = FORMATS[options.output.suffix]
    with needing_the_extra():
        content = write(model, description)
        run = read(content)
    batches = itertools.chain(
        random_inputs(description, dtype), test_inputs(options, description, dtype)
    )
    number, difference = compare(model, run, batches)
    write_atomically(options.output, content)
    tests = number - sum(BATCHES)
    print_out(
        f"wrote {options.output}; run on {sum(BATCHES)} random "
        f"{f'and {tests:,} test examples' if tests else 'examples'} it differs from the model by "
        f"{difference:.1e} at most"
    )


def random_inputs(description: Description, dtype: torch.dtype) -> Iterator[Tensor]:
    """Yield batches X (n, ...) of random pixels, in [0, 1], or features, normal(0, 1)."""
    draw = torch.rand if description.has_images else torch.randn
    generator = torch.Generator().manual_seed(0)
    for size in BATCHES:
        yield draw((size, *description.shape), dtype=dtype, generator=generator)


def test_inputs(
    options: argparse.Namespace, description: Description, dtype: torch.dtype
) -> Iterator[Tensor]:
    """Yield the test data in batches X (n, ...) if they are named, or at hand without fetching."""
    of_fashion_mnist = description.pictures == AS_FASHION_MNIST
    if options.dataset or (of_fashion_mnist and is_at_hand(options.data_dir)):
        for X, _ in load_test_data(options, description, dtype=dtype):
            yield X


def compare(model: Model, run: Exported, batches: Iterable[Tensor]) -> tuple[int, float]:
    """Return how many examples were compared, and the largest difference from the model.

    That of logits or probabilities, in units of the largest logit where that is above 1: rounding
    grows with it. Raises ExportError if it is more than rounding alone may cause.
    """
    tolerance = TOLERANCES[model.W.dtype]
    number, largest = 0, 0.0
    for X in batches:
        logits = X.flatten(1) @ model.W + model.b
        expected = torch.cat([logits, model.probabilities(X)], dim=1)
        difference = largest_difference(torch.cat(run(X), dim=1), expected)
        difference /= max(1.0, float(logits.abs().max()))
        if not difference <= tolerance:  # NaN, too
            raise ExportError(
                f"what was exported differs from the model by {difference:.1e}, expected at most "
                f"{tolerance:.0e}; nothing was written"
            )
        number, largest = number + len(X), max(largest, difference)
    return number, largest


COMMAND = Command("export", "write as ONNX, safetensors", add_options, export)
