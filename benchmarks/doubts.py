"""Fit the warning of `predict`. Usage: python -m benchmarks.doubts PHOTOGRAPHS MODEL [MODEL ...].

PHOTOGRAPHS is the folder of clothing-dataset-small, with train/ and validation/. The rule is fitted
on train/, with a limit on warnings about Fashion-MNIST's training images. It is evaluated on
validation/ and on the test images. The command writes d2l_softmax/data/components.npz, and prints
the constants of d2l_softmax/photographs.py.
"""

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmarks.photographs import SPLITS, Photograph, prepare, read_clothing
from d2l_softmax import load_model
from d2l_softmax.data.fashion_mnist import read_fashion_mnist
from d2l_softmax.data.sources import default_data_dir
from d2l_softmax.photographs import (
    COMPONENTS,
    find_unreliable,
    measure_unlikeness,
    mirror_shoes,
    read_components,
)
from d2l_softmax.training.evaluation import calibrate

NUM_COMPONENTS = 64
WARNED = 0.055  # the limit on training images; the goal on test images is 0.06


def write_components(X: Tensor) -> None:
    """Write the mean and the first principal components of images (n, 784), rounded to bytes."""
    mean = X.mean(dim=0)
    covariance = (X - mean).T @ (X - mean) / len(X)
    components = torch.linalg.eigh(covariance).eigenvectors.T.flip(0)[:NUM_COMPONENTS]
    scaled = components / components.abs().amax(dim=1, keepdim=True) * 127
    np.savez_compressed(
        COMPONENTS,
        mean=(mean * 255).round().numpy().astype(np.uint8),
        components=scaled.round().numpy().astype(np.int8),
    )


class Inputs(NamedTuple):
    """The model inputs of n photographs: X (n, 1, 28, 28), labels y (n,), `doubted` (n,).

    `doubted` is true if preprocessing warns about the photograph, independent of the model. The
    label is -1 if no object was found, so that no prediction is right.
    """

    X: Tensor
    y: Tensor
    doubted: Tensor


def read_photographs(photographs: Sequence[Photograph]) -> Inputs:
    """Preprocess photographs with OpenCV; return the model inputs."""
    prepared = prepare([each.path for each in photographs], with_opencv=True)
    pairs = zip(prepared, photographs, strict=True)
    return Inputs(
        torch.cat([each.X for each in prepared]),
        torch.tensor([photograph.label if each.found else -1 for each, photograph in pairs]),
        torch.tensor([bool(each.doubts) for each in prepared]),
    )


class Cases(NamedTuple):
    """Probability, residual and texture, stacked to (3, n), for three groups of images.

    They are wrongly and rightly predicted photographs, and `ordinary` training images.
    """

    wrong: Tensor
    right: Tensor
    ordinary: Tensor


def find_cases(model: Any, photographs: Inputs, ordinary: Tensor) -> Cases:
    """Return the Cases of a model, from photographs and from training images `ordinary`.

    The probability of doubted photographs is -inf, so that any rule warns about them.
    """

    def measure(X: Tensor, doubted: Tensor) -> tuple[Tensor, Tensor]:
        seen, y_hat = answers(model, X)
        p = y_hat.amax(dim=1).masked_fill(doubted, -torch.inf)
        return torch.stack([p, *measure_unlikeness(seen)]), y_hat.argmax(dim=1)

    measured, predicted = measure(photographs.X, photographs.doubted)
    is_right = predicted == photographs.y
    no_doubts = torch.zeros(len(ordinary), dtype=torch.bool)
    return Cases(measured[:, ~is_right], measured[:, is_right], measure(ordinary, no_doubts)[0])


def fit(cases: Sequence[Cases]) -> tuple[float, float, float]:
    """Return the SLOPE, USUAL and TEXTURE with the largest margin, in the worst of the models.

    The rule has to warn about at least half of the wrong photographs, and at most a third of the
    right ones. The margin is the smaller distance to these limits. The rule may warn about at most
    WARNED of the training images.
    """
    grid = itertools.product(range(14), np.arange(0.06, 0.3, 0.02), np.arange(-3, 3, 0.1))
    best = -9.0, 0.0, 0.0, 0.0
    for texture, slope, usual in grid:
        worst = 1.0
        for each in cases:
            wrong, right, ordinary = (
                float((p < slope * (residual - texture * t - usual)).float().mean())
                for p, residual, t in each
            )
            margin = min(wrong - 1 / 2, 1 / 3 - right) if ordinary <= WARNED else -9
            worst = min(worst, margin)
        best = max(best, (worst, float(slope), float(usual), float(texture)))
    return best[1:]


def answers(model: Any, X: Tensor) -> tuple[Tensor, Tensor]:
    """Return inputs, with shoes mirrored, and calibrated probabilities, as in `predict`."""
    with torch.no_grad():
        X, _ = mirror_shoes(X, model)
        return X, calibrate(model.probabilities(X), model.description.temperature)


def main() -> None:
    """Fit and print the constants; evaluate the rule with the present constants."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    options = parser.parse_args()
    data = read_fashion_mnist(default_data_dir())
    ordinary, test = (
        torch.tensor(split.examples).unsqueeze(1) / 255 for split in (data.train, data.test)
    )
    write_components(ordinary.flatten(1))
    read_components.cache_clear()
    photographs = read_clothing(options.photographs)
    splits = {
        name: read_photographs([each for each in photographs if each.collection == name])
        for name in SPLITS
    }
    models = [load_model(path, dtype=torch.float32) for path in options.models]
    slope, usual, texture = fit([find_cases(m, splits["train"], ordinary) for m in models])
    print(f"SLOPE, USUAL, TEXTURE = {slope:.2f}, {usual:.1f}, {texture}; with the present ones:")
    for path, model in zip(options.models, models, strict=True):
        print(f"{path}, temperature {model.description.temperature}")
        for name, (X, y, doubted) in splits.items():
            X, y_hat = answers(model, X)
            wrong, warned = y_hat.argmax(dim=1) != y, doubted | find_unreliable(X, y_hat)
            shares = [f"{warned[which].sum()} of {which.sum()}" for which in (wrong, ~wrong)]
            print(f"  {name}: warnings on wrong {shares[0]}, on right {shares[1]}")
        warned = find_unreliable(*answers(model, test))
        print(f"  test images: share of warnings {warned.float().mean():.4f}")


if __name__ == "__main__":
    main()
