"""Measure time, running sums, accuracy and loss."""

import itertools
import math
import time
from collections.abc import Callable, Iterable, Sequence
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
    """Running sums of n quantities, kept in double precision.

    Values may be tensors. Tensors on a device are read only when a sum is read, or after 1,024
    additions, so that a step does not synchronize. Until then, don't change them in place.

    >>> metric = Accumulator(2)
    >>> metric.add(0.5, torch.tensor(3))
    >>> metric.add(1.5, 4)
    >>> metric[0], metric[1]
    (2.0, 7.0)
    """

    LONGEST_WAIT = 1024

    def __init__(self, n: int):
        """Initialize n sums to zero."""
        self.n = n
        self.reset()

    def reset(self) -> None:
        """Reset all sums to zero."""
        self.sums = [0.0] * self.n
        self.waiting: list[list[float | Tensor]] = []
        self.additions = 0

    def add(self, *values: float | Tensor) -> None:
        """Add a value to each sum; a value is a number or a tensor of one element."""
        if len(values) != self.n:
            raise ValueError(f"{len(values)} values, expected {self.n}, one for each sum")
        self.waiting.append([read_on_cpu(value) for value in values])
        if len(self.waiting) >= self.LONGEST_WAIT:
            self._read_waiting()

    def __getitem__(self, index: int) -> float:
        """Return a sum; NonFiniteError if a value or a partial sum was infinite or NaN."""
        self._read_waiting()
        return self.sums[index]

    def state_dict(self) -> dict[str, Any]:
        """Return the sums and the values not yet added, to be saved in a checkpoint.

        Raises NonFiniteError if a value was infinite or NaN.
        """
        waiting = [list(row) for row in zip(*self._columns(), strict=True)]
        return {"sums": list(self.sums), "waiting": waiting, "additions": self.additions}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of another accumulator; ValueError if its number of sums differs."""
        if {len(row) for row in (state_dict["sums"], *state_dict["waiting"])} != {self.n}:
            raise ValueError(f"the state is not that of an accumulator of {self.n} sums")
        self.sums, self.additions = list(state_dict["sums"]), state_dict["additions"]
        self.waiting = [list(row) for row in state_dict["waiting"]]

    def _columns(self) -> list[list[float]]:
        """Return the pending values of each sum; NonFiniteError if one is infinite or NaN."""
        columns = [as_floats(values) for values in zip(*self.waiting, strict=True)]
        for step, row in enumerate(zip(*columns, strict=True), start=self.additions + 1):
            for value in row:
                if not math.isfinite(value):
                    raise NonFiniteError(value, step)
        return columns

    def _read_waiting(self) -> None:
        if not self.waiting:
            return
        columns = self._columns()
        self.sums = [self._total(*each) for each in zip(self.sums, columns, strict=True)]
        self.additions += len(self.waiting)
        self.waiting.clear()

    def _total(self, before: float, values: list[float]) -> float:
        """Add values to a sum; NonFiniteError if it overflows."""
        try:
            total = before + math.fsum(values)
        except OverflowError:
            total = math.inf
        if not math.isfinite(total):
            running = itertools.accumulate(values, initial=before)
            steps = (i for i, partial in enumerate(running) if not math.isfinite(partial))
            raise NonFiniteError(total, self.additions + next(steps, len(values)))
        return total


class NonFiniteError(FloatingPointError):
    """A value added to an Accumulator is infinite or NaN; has the value and its step (from 1)."""

    def __init__(self, value: float, step: int):
        """Store the value and its step."""
        super().__init__(f"{value} in step {step}")
        self.value = value
        self.step = step


def read_on_cpu(value: float | Tensor) -> float | Tensor:
    """Return a number or CPU tensor as a number, and a tensor on a device as a detached tensor."""
    if not isinstance(value, Tensor):
        return value
    return value.item() if value.is_cpu else value.detach()


def as_floats(values: Sequence[float | Tensor]) -> list[float]:
    """Convert values to Python floats, with a single transfer if they are tensors of one dtype."""
    tensors = [value.reshape(1) for value in values if isinstance(value, Tensor)]
    # Tensors of different dtypes would be rounded to a common one.
    if len(tensors) == len(values) and len({tensor.dtype for tensor in tensors}) == 1:
        return torch.cat(tensors).tolist()
    return [float(value) for value in values]


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


def evaluate_loss_and_accuracy(
    model: Callable[[Tensor], Tensor],
    cross_entropy: Callable[[Tensor, Tensor], Tensor],
    data_iter: Iterable,
    all_reduce: Callable[..., list[float]],
) -> tuple[float, float]:
    """Return the mean loss (nats) and the accuracy, 0 to 1, of a twin's model over batches (X, y).

    `cross_entropy` is the twin's loss. Each rank has a shard of the batches; `all_reduce` returns
    the sums of its arguments over all ranks. The loss can be infinite or NaN for finite weights, if
    the scores of an example overflow.
    """
    losses, correct, examples = [], [], 0
    with torch.no_grad():
        for X, y in data_iter:
            scores = model(X)
            losses.append(cross_entropy(scores, y) * len(y))
            correct.append(count_correct(scores, y))
            examples += len(y)
            del scores  # with thousands of classes, two batches' scores may not fit in memory
    sums = math.fsum(as_floats(losses)), math.fsum(as_floats(correct)), examples
    total, right, n = all_reduce(*sums)
    return total / n, right / n
