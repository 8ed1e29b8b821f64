"""Standardize custom data, and choose settings of a training from them."""

import functools
import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from d2l_softmax.data.batches import ArrayDataset

BLOCK = 4096  # examples that are looked up at a time
SAMPLE = 4096  # examples from which the largest eigenvalue is computed
MIN_STEPS = 1500  # of a training, unless its number of epochs is given
MIN_EPOCHS, MAX_EPOCHS = 10, 200
MIN_BATCH, MAX_BATCH = 16, 256


class Standardization(NamedTuple):
    """Mean and standard deviation, float64, of each channel (c,) or each feature (d,)."""

    mean: Tensor
    std: Tensor

    def fold(self, W: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Return W (d, q) and b (q,) for inputs that are not standardized.

        W^T (x - mean) / std + b = (W / std)^T x + (b - (W / std)^T mean). The result is computed in
        float64 and has the dtype of W.
        """
        times = len(W) // len(self.mean)  # pixels in a channel
        mean, std = (each.repeat_interleave(times) for each in self)
        # on the CPU: Apple's GPU has no float64
        folded = W.detach().cpu().double() / std.unsqueeze(1)
        shifted = b.detach().cpu().double() - mean @ folded
        return folded.to(W.dtype).to(W.device), shifted.to(b.dtype).to(b.device)


class Defaults(NamedTuple):
    """Batch size, learning rate of SGD and number of epochs that suit a data set."""

    batch_size: int
    lr: float
    epochs: int


def measure(dataset: ArrayDataset) -> Standardization:
    """Return mean and standard deviation over all examples, by channel or by feature.

    The standard deviation of a constant channel or feature is set to 1.
    """
    total, n = torch.zeros(()), 0
    for X in blocks(dataset):
        total, n = total + X.sum(dim=(0, 2)), n + X.shape[0] * X.shape[2]
    mean = total / n
    squares = sum(((X - mean.unsqueeze(1)) ** 2).sum(dim=(0, 2)) for X in blocks(dataset))
    std = (torch.as_tensor(squares) / n).sqrt()
    # Rounding can give constants a standard deviation slightly above 0.
    is_constant = std <= 1e-12 * mean.abs()
    return Standardization(mean, torch.where(is_constant, 1.0, std))


def blocks(dataset: ArrayDataset) -> Iterator[Tensor]:
    """Yield the examples as float64 on the CPU: images (n, c, h * w), features (n, d, 1)."""
    for indices in torch.arange(len(dataset)).split(BLOCK):
        X, _ = dataset[indices]
        yield X.cpu().double().reshape(len(X), dataset.shape[0], -1)


def choose_defaults(dataset: ArrayDataset, batch_size: int | None = None) -> Defaults:
    """Choose settings of SGD for a standardized data set; the batch size may be given.

    The Hessian of the mean cross-entropy is at most L = λ / 2, where λ is the largest eigenvalue of
    X^T X / n (Böhning, 1992, "Multinomial logistic regression algorithm"). Gradient descent
    converges for learning rates below 2 / L. The chosen rate is a quarter of that, because batches
    are noisy. Batches have about n / 40 examples. There are at least 1,500 steps, but at most
    MAX_EPOCHS epochs.
    """
    n = len(dataset)
    batch_size = batch_size or min(MAX_BATCH, max(MIN_BATCH, 2 ** round(math.log2(n / 40))))
    rate = 0.5 / (largest_eigenvalue(dataset) / 2)
    epochs = math.ceil(MIN_STEPS / math.ceil(n / batch_size))
    return Defaults(batch_size, float(f"{rate:.1e}"), min(MAX_EPOCHS, max(MIN_EPOCHS, epochs)))


@functools.lru_cache(maxsize=1)  # the trainings of a sweep have the same data
def largest_eigenvalue(dataset: ArrayDataset) -> float:
    """Return the largest eigenvalue of X^T X / n, where X has a column of ones for the bias.

    It is computed by power iteration on at most SAMPLE evenly spaced examples.
    """
    rows = torch.arange(0, len(dataset), max(1, math.ceil(len(dataset) / SAMPLE)))
    X, _ = dataset[rows]
    X = X.cpu().double().flatten(1)
    X = torch.cat([X, torch.ones(len(X), 1, dtype=X.dtype)], dim=1)
    v = torch.ones(X.shape[1], dtype=X.dtype)
    eigenvalue = 0.0
    for _ in range(100):
        v = X.T @ (X @ v) / len(X)
        eigenvalue = float(v.norm())
        v = v / eigenvalue
    return eigenvalue
