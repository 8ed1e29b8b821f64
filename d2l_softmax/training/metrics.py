"""Measure time, running sums, accuracy and loss."""

import itertools
import math
import time
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from d2l_softmax.training.checks import OtherEditionError, check_order, check_tensor


class Timer:
    """A stopwatch that records laps, in seconds.

    >>> timer = Timer()
    >>> seconds = timer.stop()
    >>> timer.sum() == timer.avg() == seconds
    True
    """

    def __init__(self) -> None:
        """Start the first lap."""
        self.times: list[float] = []
        self.start()

    def start(self) -> None:
        """Start a lap."""
        self.started = time.perf_counter()

    def stop(self) -> float:
        """End the lap and return its seconds."""
        self.times.append(time.perf_counter() - self.started)
        return self.times[-1]

    def avg(self) -> float:
        """Return the mean time of a lap."""
        return sum(self.times) / len(self.times)

    def sum(self) -> float:
        """Return the total time of all laps."""
        return sum(self.times)

    def cumsum(self) -> list[float]:
        """Return the cumulative time at the end of each lap."""
        return list(itertools.accumulate(self.times))


class Accumulator:
    """Running sums of n quantities, in double precision.

    Values may be tensors. Those on a GPU are added there, so that a step does not synchronize; a
    sum is then moved to the CPU when it is read.

    >>> metric = Accumulator(2)
    >>> metric.add(0.5, torch.tensor(3))
    >>> metric.add(1.5, 4)
    >>> metric[0], metric[1]
    (2.0, 7.0)
    """

    def __init__(self, n: int):
        """Initialize n sums to zero."""
        self.n = n
        self.reset()

    def reset(self) -> None:
        """Reset all sums to zero."""
        self.sums: list[Any] = [0.0] * self.n
        self.errors = [0.0] * self.n
        self.additions = 0

    def add(self, *values: float | Tensor) -> None:
        """Add a value to each sum; a value is a number or a tensor of one element.

        Raises NonFiniteError if a sum becomes infinite or NaN; on a GPU, when the sum is read.
        """
        if len(values) != self.n:
            raise ValueError(f"{len(values)} values, expected {self.n}, one for each sum")
        self.additions += 1
        for i, value in enumerate(map(as_double, values)):
            before, after = self.sums[i], self.sums[i] + value
            self.sums[i] = after
            if isinstance(after, float):
                self._check(after)
                # what rounding took from the sum (Knuth, 1969, theorem 4.2.2B)
                added = after - before
                self.errors[i] += (before - (after - added)) + (value - added)

    def __getitem__(self, index: int) -> float:
        """Return a sum; NonFiniteError if it is infinite or NaN."""
        total = float(self.sums[index]) + self.errors[index]
        self._check(total)
        return total

    def state_dict(self) -> dict[str, Any]:
        """Return the sums, to be saved in a checkpoint; NonFiniteError if one is not finite."""
        sums = [float(total) for total in self.sums]
        for total in sums:
            self._check(total)
        return {"sums": sums, "errors": list(self.errors), "additions": self.additions}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of another accumulator."""
        self.sums, self.errors = list(state_dict["sums"]), list(state_dict["errors"])
        self.additions = state_dict["additions"]

    def _check(self, total: float) -> None:
        if not math.isfinite(total):
            raise NonFiniteError(total, self.additions)


class NonFiniteError(FloatingPointError):
    """A sum of an Accumulator is infinite or NaN; has the sum and its step (from 1)."""

    def __init__(self, value: float, step: int):
        """Store the value and its step."""
        super().__init__(f"{value} in step {step}")
        self.value = value
        self.step = step


def as_double(value: float | Tensor) -> Any:
    """Return a value as a float, or as a detached float64 tensor if it is on a GPU that has it."""
    if not isinstance(value, Tensor):
        return float(value)
    if value.is_cpu or value.device.type == "mps":
        return float(value.item())
    return value.detach().double()


def count_correct(y_hat: Tensor, y: Tensor) -> Tensor:
    """Count the correct predictions; return a tensor of shape (), so that nothing synchronizes.

    y_hat holds scores (n, q), probabilities or logits, or the predicted classes in y's shape. y
    holds the classes (n,), or targets (n, q) whose largest entry is the class. A row of scores with
    a NaN counts as wrong.

    Raises TypeError for arguments that are not tensors, ValueError if the numbers of predictions
    and labels differ.
    """
    check_tensor("y_hat", y_hat)
    check_tensor("y", y)
    if y.dim() == 2 and y.shape[1] > 1:
        y = y.argmax(dim=1)
    largest = y_hat
    if y_hat.dim() > 1 and y_hat.shape[1] > 1:
        largest, y_hat = y_hat.max(dim=1)  # argmax is 4 times slower on a transposed y_hat
    if y_hat.shape != y.shape:
        if len(y_hat) != len(y) or y_hat.numel() != y.numel():
            raise ValueError(
                f"predictions have shape {tuple(y_hat.shape)}, expected one for each of the "
                f"{len(y)} labels"
            )
        y_hat, largest = y_hat.reshape(y.shape), largest.reshape(y.shape)
    # max returns NaN for rows with a NaN, and NaN is not equal to itself
    return (y_hat == y).logical_and_(largest == largest).count_nonzero()


def accuracy(y_hat: Tensor, y: Tensor) -> float:
    """Return the number of correct predictions, as in the book; divide by len(y) for the accuracy.

    The arguments and errors are those of count_correct. Also raises ValueError for labels that are
    not whole numbers.

    >>> y_hat = torch.tensor([[0.1, 0.3, 0.6], [0.3, 0.2, 0.5]])
    >>> accuracy(y_hat, torch.tensor([0, 2])) / 2
    0.5
    """
    check_tensor("y", y)
    if y.is_floating_point() and y.numel() == len(y) and not torch.equal(y, y.round()):
        raise ValueError(f"y has labels that are not whole numbers: {y.flatten().tolist()[:5]} …")
    return float(count_correct(y_hat, y))


def evaluate_accuracy(
    net: Callable[[Tensor], Tensor],
    data_iter: Iterable,
    device: object = None,
) -> float:
    """Return the accuracy of any model, 0 to 1, over batches (X, y).

    Raises ValueError if there are no batches. Raises OtherEditionError, a TypeError, for arguments
    in the order (data_iter, net) or with a device.
    """
    check_order(evaluate_accuracy, net, data_iter)
    if device is not None:
        raise OtherEditionError(
            f"evaluate_accuracy(net, data_iter, {device!r}) is from another edition of the book;",
            "with a device, use evaluate_accuracy_gpu(net, data_iter, device)",
        )
    if isinstance(net, nn.Module):
        net.eval()
    metric = Accumulator(2)  # correct predictions, examples
    with torch.no_grad():
        for X, y in data_iter:
            metric.add(count_correct(net(X), y), len(y))
    correct, examples = metric[0], metric[1]
    if not examples:
        raise ValueError("data_iter has no batches, expected at least one (X, y)")
    return correct / examples
