"""Trained models as files, and the data that they are for."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from d2l_softmax.data.batches import ArrayLoader
from d2l_softmax.data.custom import load_data
from d2l_softmax.data.fashion_mnist import (
    CLASSES,
    FASHION_MNIST,
    TEST_BATCH_SIZE,
    load_data_fashion_mnist,
)
from d2l_softmax.description import (
    AS_FASHION_MNIST,
    RESIZED,
    Description,
    check,
    load_description,
    path_beside,
    save_description,
)
from d2l_softmax.errors import UserError
from d2l_softmax.storage.results import (
    ModelFileError,
    load_parameters,
    read_tensors,
    save_parameters,
)
from d2l_softmax.training.checkpoint import MOST_BYTES
from d2l_softmax.training.evaluation import Model

# Of a model.pt without a model.json, as it was written before there were own data.
OF_FASHION_MNIST = Description(FASHION_MNIST, CLASSES, (1, 28, 28), None, AS_FASHION_MNIST)
OWN_DATA = "data of your own"
BYTES_OF_A_NUMBER = 2  # at least, in a model file


class OtherDataError(UserError, ValueError):
    """A model was trained on other data than those that it is to be used on."""


def load_model(
    path: str | os.PathLike,
    twin: ModuleType | None = None,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
) -> Any:
    """Return the trained model of a file that either twin wrote, with `classes` and `shape`.

    `model.classes[k]` is the name of class k, `model.shape` the shape of an example, and
    `model.description` all that model.json beside the file says. A file without a model.json is
    taken for a model of Fashion-MNIST.

    `model(X)` returns a row of scores for each example of X, whose largest is at the predicted
    class; `model.probabilities(X)` returns probabilities (n, q). X is what the loaders yield:
    images (n, c, h, w) in [0, 1], or features (n, d), of the dtype of `model.W`. Divide uint8
    pixels by 255.

    The model is a `concise.SoftmaxRegression`, an nn.Module whose scores are logits; with `twin`,
    the module `scratch` or `concise`, it is one of that. Its dtype is the file's, float32 or
    float64, unless `dtype` is given.

    Raises ModelFileError, a UserError, if the file or its model.json is missing, damaged, or made
    for something else. Nothing in the files is executed.
    """
    path = Path(path)
    if twin is None:
        import concise  # here alone: concise itself imports from this package

        twin = concise
    description = load_description(path, OF_FASHION_MNIST)
    shape = description.num_inputs, len(description.classes)
    # a damaged description could ask for any amount of memory
    is_described = description is not OF_FASHION_MNIST and path.is_file()
    if is_described and shape[0] * shape[1] * BYTES_OF_A_NUMBER > path.stat().st_size:
        raise ModelFileError(
            f"{path} is smaller than a model for {description.in_words()}, as its description says"
        )
    if dtype is None:
        dtypes = {tensor.dtype for tensor in read_tensors(path, MOST_BYTES).values()}
        dtype = torch.float64 if torch.float64 in dtypes else torch.float32
    model = load_parameters(path, twin.SoftmaxRegression(*shape, dtype=dtype, device=device))
    model.classes, model.shape = description.classes, description.shape
    model.description = description
    return model


def save_model(
    path: str | os.PathLike,
    model: Model,
    classes: Sequence[str] | None = None,
    shape: Sequence[int] | None = None,
) -> None:
    """Write a model of either twin to a file, and model.json beside it, for `load_model`.

    The model was trained on examples of the `shape` (c, h, w) or (d,) in these `classes`; its
    data set has both: `train_iter.dataset.classes` and `.shape`. Without them they are those that
    the model was loaded with, or else Fashion-MNIST's.

    Raises ModelFileError if they don't fit the model, OutputError if the files can't be written.
    """
    path = Path(path)
    description = getattr(model, "description", OF_FASHION_MNIST)
    if classes is not None or shape is not None:
        shape = description.shape if shape is None else tuple(map(int, shape))
        size = (shape[1], shape[2]) if len(shape) == 3 else None
        classes = description.classes if classes is None else tuple(classes)
        description = Description(OWN_DATA, classes, shape, size, RESIZED if size else None)
    try:
        check(description)
        if tuple(model.W.shape) != (description.num_inputs, len(description.classes)):
            raise ValueError
    except (TypeError, ValueError) as error:
        raise ModelFileError(
            f"W has shape {tuple(model.W.shape)}, but the model is said to be for "
            f"{description.in_words()};",
            "give {classes}, two or more different names, and {shape}, (c, h, w) or (d,)",
        ) from error
    if path_beside(path) == path:
        raise ModelFileError(f"{path} is the name of a description;", "choose one that ends in .pt")
    save_description(path, description)
    save_parameters(path, model)


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
