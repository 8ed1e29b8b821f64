"""Compare two training runs: differences after each epoch, and tolerances for rounding errors."""

from typing import NamedTuple

import torch
from torch import Tensor

from d2l_softmax.errors import UserError
from d2l_softmax.training.evaluation import Model
from d2l_softmax.training.fit import EpochRecord


class Tolerance(NamedTuple):
    """The largest differences after an epoch that count as rounding errors."""

    loss: float  # training and test loss, in nats
    accuracy: float  # training and test accuracy, 0 to 1
    parameter: float  # any entry of W and b


TOLERANCES = {
    "float32": Tolerance(1e-5, 2e-4, 1e-4),
    "float64": Tolerance(1e-10, 0.0, 1e-10),
}


class MismatchError(UserError, ArithmeticError):
    """The twins differ by more than the tolerance; the message names the first epoch."""


class Difference(NamedTuple):
    """Absolute differences of two training runs after an epoch; for W and b, the largest entry."""

    train_loss: float
    train_acc: float
    test_acc: float
    test_loss: float
    W: float
    b: float

    @classmethod
    def between(
        cls, records: tuple[EpochRecord, EpochRecord], models: tuple[Model, Model]
    ) -> "Difference":
        """Return the differences of two records of an epoch, and of the models after that epoch."""
        (one, other), (model, other_model) = records, models
        return cls(
            abs(one.train_loss - other.train_loss),
            abs(one.train_acc - other.train_acc),
            abs(one.test_acc - other.test_acc),
            abs(one.test_loss - other.test_loss),
            largest_difference(model.W, other_model.W),
            largest_difference(model.b, other_model.b),
        )

    def within(self, tolerance: Tolerance) -> bool:
        """Return True if every difference is within the tolerance."""
        loss, accuracy, parameter = tolerance
        limits = (loss, accuracy, accuracy, loss, parameter, parameter)
        # Accuracies are rounded: 2 of 10,000 images can give slightly more than 2e-4.
        return all(a <= limit * (1 + 1e-9) for a, limit in zip(self, limits, strict=True))


def largest_difference(one: Tensor, other: Tensor) -> float:
    """Return the largest absolute difference of two tensors' entries."""
    return float((one - other).detach().abs().max())


def first_mismatch(differences: list[Difference], tolerance: Tolerance) -> int | None:
    """Return the first epoch (from 1) with a difference above the tolerance, or None."""
    for epoch, difference in enumerate(differences, start=1):
        if not difference.within(tolerance):
            return epoch
    return None


def count_disagreements(one: Tensor, other: Tensor) -> int:
    """Count the examples for which two arrays of predictions (n,) differ."""
    return int(torch.ne(one, other).sum())
