"""Predict the class of a picture: mirror shoes, calibrate probabilities, and add warnings."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from d2l_softmax.data import background
from d2l_softmax.data.fashion_mnist import CLASSES
from d2l_softmax.data.preprocessing import SIDE, Preprocessed
from d2l_softmax.description import AS_FASHION_MNIST, Description
from d2l_softmax.errors import install_command
from d2l_softmax.i18n import tr
from d2l_softmax.training.evaluation import Model, calibrate

SHOES = [CLASSES.index(name) for name in ("sandal", "sneaker", "ankle boot")]
MIN_GAIN = 0.3  # increase of the shoes' probability by mirroring; 0.1 to 0.7 work about as well
# Mean and principal components of Fashion-MNIST's training images. The file and the constants below
# were written by `python -m benchmarks.doubts PHOTOGRAPHS MODEL` of commit 329f275.
COMPONENTS = Path(__file__).parent / "data" / "components.npz"
SLOPE, USUAL, TEXTURE = 0.12, -1.6, 10.0
MAX_TEXTURE = 0.5  # the 99th percentile of the training images; larger values are noise
LAPLACIAN = torch.tensor([[[[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]]]])
UNRELIABLE = "Often wrong: the probability is low for a picture so unlike the training images."
MIRRORED = "mirrored: shoes in Fashion-MNIST point left"


class Answer(NamedTuple):
    """A prediction for a picture: probabilities y_hat (q,), or None if no object was found.

    `X` (1, ...) is the model's input. `steps` maps the name of each preprocessing step to its
    result. `doubts` are warnings about the prediction. The logits were divided by the
    `temperature`. `label` is the true class, or None if it is unknown.
    """

    X: Tensor
    steps: Mapping[str, Image.Image]
    doubts: tuple[str, ...]
    y_hat: Tensor | None
    temperature: float = 1.0
    label: int | None = None


def answer_picture(prepared: Preprocessed, model: Model, description: Description) -> Answer:
    """Predict the class of a picture.

    For Fashion-MNIST, shoes that point right are mirrored and the probabilities are calibrated for
    photographs. For images of the test set use `model.probabilities` instead.
    """
    X, steps, doubts = prepared.X, prepared.steps, prepared.doubts
    if not prepared.found:
        return Answer(X, steps, doubts, None)
    with torch.no_grad():
        if not is_fashion_mnist(description):
            return Answer(X, steps, doubts, model.probabilities(X)[0])
        X, is_mirrored = mirror_shoes(X, model)
        if is_mirrored.any():
            steps = {**steps, MIRRORED: ImageOps.mirror(list(steps.values())[-1])}
        y_hat = calibrate(model.probabilities(X), description.temperature)
    if not doubts and find_unreliable(X, y_hat).any():
        doubts = (UNRELIABLE,)
    return Answer(X, steps, doubts, y_hat[0], description.temperature)


def is_fashion_mnist(description: Description) -> bool:
    """Return True for a model of Fashion-MNIST and its ten classes."""
    return description.pictures == AS_FASHION_MNIST and description.classes == CLASSES


def mirror_shoes(X: Tensor, model: Model) -> tuple[Tensor, Tensor]:
    """Mirror shoes that point right; return images (n, 1, h, w) and a mask (n,) of mirrored ones.

    Fashion-MNIST's shoes point left. An image is mirrored if that raises the total probability of
    the shoe classes by MIN_GAIN or more.
    """
    flipped = X.flip(-1)
    shoe, flipped_shoe = (model.probabilities(each)[:, SHOES].sum(dim=1) for each in (X, flipped))
    is_mirrored = flipped_shoe - shoe >= MIN_GAIN  # (n,)
    return torch.where(is_mirrored[:, None, None, None], flipped, X), is_mirrored


def find_unreliable(X: Tensor, y_hat: Tensor) -> Tensor:
    """Return a mask (n,) of the predictions y_hat (n, q) that are likely wrong.

    That is so if the highest probability is below a bound, which grows with the unlikeness of the
    image to Fashion-MNIST.
    """
    return y_hat.amax(dim=1) < SLOPE * (unlikeness(X) - USUAL)


def unlikeness(X: Tensor) -> Tensor:
    """Measure the difference (n,) between images (n, 1, h, w) and Fashion-MNIST.

    It is the residual minus a multiple of the fine texture, such as prints and folds.
    """
    residual, texture = measure_unlikeness(X)
    return residual - TEXTURE * texture


def measure_unlikeness(X: Tensor) -> tuple[Tensor, Tensor]:
    """Return the residual (n,) and the fine texture (n,) of images (n, 1, h, w).

    The residual is the norm of an image after projecting out Fashion-MNIST's principal components.
    Texture is the mean absolute Laplacian.
    """
    if X.shape[2:] != (SIDE, SIDE):  # models trained with --resize have another size
        X = torch.nn.functional.interpolate(X, (SIDE, SIDE), mode="area")
    X = X.float().cpu()
    mean, components = read_components()
    centred = X.flatten(1) - mean
    residual = (centred - (centred @ components.T) @ components).norm(dim=1)
    texture = torch.nn.functional.conv2d(X, LAPLACIAN).abs().mean(dim=(1, 2, 3))
    return residual, texture.clamp(max=MAX_TEXTURE)


@functools.cache
def read_components() -> tuple[Tensor, Tensor]:
    """Return the mean (784,) and orthonormal principal components (k, 784) of Fashion-MNIST."""
    with np.load(COMPONENTS) as arrays:
        mean, components = (torch.tensor(arrays[name]).float() for name in ("mean", "components"))
    # The stored components are rounded to bytes, so they are only nearly orthogonal.
    return mean / 255, torch.linalg.qr(components.T).Q.T


def describe_photograph_accuracy(description: Description) -> str:
    """Return a sentence on the model's accuracy on photographs; "" for custom data."""
    if not is_fashion_mnist(description):
        return ""
    if description.photographs is None:
        return tr(
            "The accuracy of this model on photographs was not measured; see docs/photographs.md."
        )
    _, right, of = description.photographs
    percent = 100 * right / of
    if background.cv2:
        return tr(
            "Of {of:,} photographs by ordinary people, this model classifies {percent:.0f} % "
            "correctly; see docs/photographs.md.",
            of=of,
            percent=percent,
        )
    return tr(
        "Of {of:,} photographs by ordinary people, this model classifies {percent:.0f} % correctly "
        "with OpenCV and fewer without, as here: {command}; see docs/photographs.md.",
        of=of,
        percent=percent,
        command=install_command("photos"),
    )
