"""How long it took and how good it is: Timer, Accumulator, accuracy."""

import itertools
import math
import time
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn


class Timer:
    """A stopwatch that keeps every lap, in seconds.

    >>> timer = Timer()
    >>> seconds = timer.stop()
    >>> timer.sum() == timer.avg() == seconds
    True
    """

    def __init__(self):
        """Start the first lap."""
        self.times = []
        self.start()

    def start(self) -> None:
        """Start a lap."""
        self.started = time.perf_counter()

    def stop(self) -> float:
        """End the lap and return its seconds."""
        self.times.append(time.perf_counter() - self.started)
        return self.times[-1]

    def avg(self) -> float:
        """Return the mean seconds of a lap."""
        return sum(self.times) / len(self.times)

    def sum(self) -> float:
        """Return the seconds of all laps together."""
        return sum(self.times)

    def cumsum(self) -> list[float]:
        """Return the seconds from the beginning to the end of each lap, pauses left out."""
        return list(itertools.accumulate(self.times))


class Accumulator:
    """Running sums of n quantities, kept in double precision.

    Tensors may be added: they are read when a sum is asked for (at the latest after 1,024
    additions), so that no step waits for the device. Don't change them in place before that.

    >>> metric = Accumulator(2)
    >>> metric.add(0.5, torch.tensor(3))
    >>> metric.add(1.5, 4)
    >>> metric[0], metric[1]
    (2.0, 7.0)
    """

    LONGEST_WAIT = 1024

    def __init__(self, n: int):
        """Start n sums at zero."""
        self.n = n
        self.reset()

    def reset(self) -> None:
        """Set all sums back to zero."""
        self.sums = [0.0] * self.n
        self.waiting = []
        self.additions = 0

    def add(self, *values: float | Tensor) -> None:
        """Add a value to each sum; a value is a number or a tensor of one element."""
        if len(values) != self.n:
            raise ValueError(f"{len(values)} values, expected {self.n}, one a sum")
        self.waiting.append([without_graph(value) for value in values])
        if len(self.waiting) >= self.LONGEST_WAIT:
            self._read_waiting()

    def __getitem__(self, index: int) -> float:
        """Return a sum; NonFiniteError if a value added to any of them was infinite or NaN."""
        self._read_waiting()
        return self.sums[index]

    def _read_waiting(self) -> None:
        columns = [as_floats(values) for values in zip(*self.waiting, strict=True)]
        for step, values in enumerate(zip(*columns, strict=True), start=self.additions + 1):
            for value in values:
                if not math.isfinite(value):
                    raise NonFiniteError(value, step)
        self.additions += len(columns[0]) if columns else 0
        for index, values in enumerate(columns):
            self.sums[index] += math.fsum(values)
        self.waiting.clear()


class NonFiniteError(FloatingPointError):
    """A value that should have been finite: the value, and the step (from 1) in which it came."""

    def __init__(self, value: float, step: int):
        """Remember what came and when."""
        super().__init__(f"{value} in step {step}")
        self.value = value
        self.step = step


def without_graph(value: float | Tensor) -> float | Tensor:
    """Return the value; a loss detached, as it would keep its whole graph alive."""
    return value.detach() if isinstance(value, Tensor) and value.requires_grad else value


def as_floats(values: Sequence[float | Tensor]) -> list[float]:
    """Return the values as Python floats, fetched from a device all at once."""
    # Tensors of different dtypes would be rounded to a common one.
    dtypes = {value.dtype if isinstance(value, Tensor) else None for value in values}
    if len(dtypes) == 1 and None not in dtypes:
        return torch.cat([value.reshape(1) for value in values]).tolist()
    return [float(value) for value in values]


def count_correct(y_hat: Tensor, y: Tensor) -> Tensor:
    """Return how many predictions are right, as a tensor (): nobody waits for the device.

    y_hat holds a row of scores for each example (n, q) or the predicted classes, in y's shape.
    Probabilities and logits give the same answer: softmax keeps the order. y holds the classes
    (n,), or targets (n, q) whose largest entry is taken. ValueError if there are not as many.
    """
    if y.dim() == 2 and y.shape[1] > 1:
        y = y.argmax(dim=1)
    if y_hat.dim() > 1 and y_hat.shape[1] > 1:
        y_hat = y_hat.max(dim=1).indices  # argmax is 4 times slower on a transposed y_hat
    if y_hat.shape != y.shape:
        if len(y_hat) != len(y) or y_hat.numel() != y.numel():
            raise ValueError(
                f"predictions of shape {tuple(y_hat.shape)}, expected one for each of y's {len(y)}"
            )
        y_hat = y_hat.reshape(y.shape)
    return (y_hat == y).sum()


def accuracy(y_hat: Tensor, y: Tensor) -> float:
    """Return the number of correct predictions, as the book does; divide by len(y) for the rate.

    >>> y_hat = torch.tensor([[0.1, 0.3, 0.6], [0.3, 0.2, 0.5]])
    >>> accuracy(y_hat, torch.tensor([0, 2])) / 2
    0.5
    """
    return float(count_correct(y_hat, y))


def evaluate_accuracy(net: Callable[[Tensor], Tensor], data_iter: Iterable) -> float:
    """Return the share of correct predictions of any model over batches (X, y), 0 to 1."""
    if isinstance(net, nn.Module):
        net.eval()
    metric = Accumulator(2)  # correct predictions, examples
    with torch.no_grad():
        for X, y in data_iter:
            metric.add(count_correct(net(X), y), len(y))
    return metric[0] / metric[1]
