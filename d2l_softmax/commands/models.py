"""A trained model and the data that it is for, as `evaluate`, `figures` and `predict` need them."""

import argparse
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from d2l_softmax.commands.options import FASHION_MNIST
from d2l_softmax.data.batches import ArrayLoader
from d2l_softmax.data.fashion_mnist import CLASSES, TEST_BATCH_SIZE, load_data_fashion_mnist
from d2l_softmax.data.own import load_data
from d2l_softmax.errors import UserError
from d2l_softmax.storage.description import AS_FASHION_MNIST, Description, load_description
from d2l_softmax.storage.results import ModelFileError, load_parameters, read_tensors
from d2l_softmax.training.checkpoint import MOST_BYTES
from d2l_softmax.training.evaluation import Model

# Of a model.pt without a model.json, as it was written before there were own data.
OF_FASHION_MNIST = Description(FASHION_MNIST, CLASSES, (1, 28, 28), None, AS_FASHION_MNIST)
BYTES_OF_A_NUMBER = 2  # at least, in a model file


class OtherDataError(UserError, ValueError):
    """A model was trained on other data than those that it is to be used on."""


def load_model(
    path: Path, twin: ModuleType, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> tuple[Model, Description]:
    """Return the model of a file that either twin wrote, as one of this twin, and what it is for.

    Raises ModelFileError if the file, or the description beside it, can't be used.
    """
    description = load_description(path, OF_FASHION_MNIST)
    shape = description.num_inputs, len(description.classes)
    # a damaged description could ask for any amount of memory
    is_described = description is not OF_FASHION_MNIST and path.is_file()
    if is_described and shape[0] * shape[1] * BYTES_OF_A_NUMBER > path.stat().st_size:
        raise ModelFileError(
            f"{path} is smaller than a model for {description.in_words()}, as its description says"
        )
    model = twin.SoftmaxRegression(*shape, dtype=dtype, device=device)
    return load_parameters(path, model), description


def saved_dtype(path: Path) -> torch.dtype:
    """Return float64 if a model's file is in it, else float32; ModelFileError as `load_model`."""
    dtypes = {tensor.dtype for tensor in read_tensors(path, MOST_BYTES).values()}
    return torch.float64 if torch.float64 in dtypes else torch.float32


def load_test_data(
    options: argparse.Namespace,
    description: Description,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> ArrayLoader:
    """Return the test data that the options name; OtherDataError if a model is not for them."""
    kept: dict[str, Any] = {"resize": description.resize, "device": device, "dtype": dtype}
    if options.dataset:
        _, test_iter = load_data(options.dataset, TEST_BATCH_SIZE, **kept)
        came = f"{options.dataset} has"
    else:
        if description.pictures != AS_FASHION_MNIST:
            raise OtherDataError(
                f"the model was trained on {description.data};", "name these data with {dataset}"
            )
        _, test_iter = load_data_fashion_mnist(TEST_BATCH_SIZE, data_dir=options.data_dir, **kept)
        came = f"{FASHION_MNIST} has"
    dataset = test_iter.dataset
    found = description._replace(shape=dataset.shape, classes=dataset.classes)
    if found != description:
        named = " of other names" if found.in_words() == description.in_words() else ""
        raise OtherDataError(
            f"{came} {found.in_words()}{named}, but the model is for {description.in_words()}"
        )
    return test_iter
