"""Standardization of custom data, and settings that follow from them."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from d2l_softmax.data.batches import ArrayDataset

BLOCK = 4096  # examples that are looked up at a time
SAMPLE = 4096  # examples of which the largest eigenvalue is taken
MIN_STEPS = 1500  # of a training whose number of epochs is not given
MIN_EPOCHS, MAX_EPOCHS = 10, 200
MIN_BATCH, MAX_BATCH = 16, 256


class Standardization(NamedTuple):
    """Mean and standard deviation, float64, of the channels (c,), or of the features (d,)."""

    mean: Tensor
    std: Tensor

    def fold(self, W: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Return W (d, q) and b (q,) for inputs that are not standardized.

        W^T (x - mean) / std + b = (W / std)^T x + (b - (W / std)^T mean). The result is computed in
        float64, and of the dtype of W.
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
    """Return mean and standard deviation of all examples, by channel or by feature.

    Of a channel or feature that is constant, the standard deviation counts as 1.
    """
    total = n = torch.zeros(())
    for X in blocks(dataset):
        total, n = total + X.sum(dim=(0, 2)), n + X.shape[0] * X.shape[2]
    mean = total / n
    squares = sum(((X - mean.unsqueeze(1)) ** 2).sum(dim=(0, 2)) for X in blocks(dataset))
    std = (torch.as_tensor(squares) / n).sqrt()
    # Rounding leaves a constant a little above 0.
    is_constant = std <= 1e-12 * mean.abs()
    return Standardization(mean, torch.where(is_constant, 1.0, std))


def blocks(dataset: ArrayDataset) -> Iterator[Tensor]:
    """Yield the examples as float64 (n, c, pixels), of features (n, d, 1), on the CPU."""
    for indices in torch.arange(len(dataset)).split(BLOCK):
        X, _ = dataset[indices]
        yield X.cpu().double().reshape(len(X), dataset.shape[0], -1)


def choose_defaults(dataset: ArrayDataset) -> Defaults:
    """Return settings of SGD for a standardized data set.

    The Hessian of the mean cross-entropy is at most L = λ / 2, where λ is the largest eigenvalue of
    X^T X / n (Böhning, 1992, "Multinomial logistic regression algorithm"); gradient descent
    converges for rates below 2 / L. The rate is a quarter of that, as batches are noisy. Batches
    have about n / 40 examples, and there are at least 1,500 steps.
    """
    n = len(dataset)
    batch_size = min(MAX_BATCH, max(MIN_BATCH, 2 ** round(math.log2(n / 40))))
    rate = 0.5 / (largest_eigenvalue(dataset) / 2)
    epochs = math.ceil(MIN_STEPS / math.ceil(n / batch_size))
    return Defaults(batch_size, float(f"{rate:.1e}"), min(MAX_EPOCHS, max(MIN_EPOCHS, epochs)))


def largest_eigenvalue(dataset: ArrayDataset) -> float:
    """Return the largest eigenvalue of X^T X / n, X with a column of ones for the bias.

    It is found by power iteration, on examples that are spread evenly over the data set.
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
