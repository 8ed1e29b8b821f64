"""The loop around a twin's train_epoch: it evaluates and times each epoch and stops at NaN."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import torch

from d2l_softmax.errors import UserError
from d2l_softmax.training.evaluation import Model
from d2l_softmax.training.metrics import NonFiniteError, Timer, evaluate_accuracy

REMEDY = "try a smaller {lr}, {momentum} or {weight_decay}"


class EpochRecord(NamedTuple):
    """What is known after an epoch; the columns of history.csv.

    train_loss (nats) and train_acc are means over the epoch, each batch measured before its step;
    test_acc is measured after the epoch, as is valid_acc, which is there only if training images
    were held out; seconds are wall time of training and evaluation together.
    """

    epoch: int
    train_loss: float
    train_acc: float
    test_acc: float
    seconds: float
    valid_acc: float | None = None

    def measurements(self) -> dict[str, float]:
        """Return what was measured, by name."""
        return {name: value for name, value in self._asdict().items() if value is not None}

    def __str__(self) -> str:
        """Return the line that a run prints."""
        loss = f"{self.train_loss:.4f}" if self.train_loss < 1e4 else f"{self.train_loss:.3e}"
        valid = "" if self.valid_acc is None else f"valid acc {self.valid_acc:.4f}   "
        return (
            f"epoch {self.epoch:>3}   train loss {loss}   train acc {self.train_acc:.4f}   "
            f"{valid}test acc {self.test_acc:.4f}   {self.seconds:.2f} s"
        )


class DivergedError(UserError, FloatingPointError):
    """A loss or a weight became infinite or NaN; the message says where and what to try."""


def trouble_in(history: Sequence[EpochRecord], num_classes: int) -> str:
    """Return what goes wrong in a training that goes on, in words, or "" if nothing does.

    In its last two epochs the loss was more than a tenth above ln q, which every class the same
    chance would give, or above that of its first epoch.
    """
    if len(history) < 2:
        return ""
    lowest = min(record.train_loss for record in history[-2:])
    guessing = math.log(num_classes)
    if lowest > 1.1 * guessing:  # at the start, W is nearly zero, and the loss a little above
        return f"the loss stays above {guessing:.2f} nats, that of guessing"
    if len(history) > 2 and lowest > history[0].train_loss:
        return f"the loss has risen above the {history[0].train_loss:.4f} nats of epoch 1"
    return ""


def is_finite(model: Model) -> bool:
    """Tell whether all that was learned is finite."""
    return all(bool(torch.isfinite(parameter).all()) for parameter in model.parameters())


class Scheduler(Protocol):
    """What changes an optimizer's learning rate after each epoch."""

    def step(self) -> None:
        """End an epoch."""


def train(
    train_epoch: Callable,
    model: Model,
    optimizer: object,
    train_iter: Iterable,
    test_iter: Iterable,
    epochs: int,
    scheduler: Scheduler | None = None,
    valid_iter: Iterable | None = None,
    first: int = 1,
    accuracy_of: Callable[[Any, Iterable], float] = evaluate_accuracy,
) -> Iterator[EpochRecord]:
    """Train epoch by epoch with a twin's own train_epoch, yielding a record after each.

    The scheduler, if any, steps after every epoch; valid_iter, if any, is evaluated, too. `first`
    is the epoch to begin with, where others went before. `accuracy_of` a model and a loader is 0 to
    1. Raises DivergedError as soon as a loss, or after an epoch a weight, is no longer finite.
    """
    for epoch in range(first, epochs + 1):
        timer = Timer()
        try:
            train_loss, train_acc = train_epoch(model, train_iter, optimizer)
        except NonFiniteError as error:
            raise DivergedError(
                f"the loss became {error.value} in epoch {epoch}, batch {error.step}:", REMEDY
            ) from error
        # The last step comes after the last loss: its damage would show an epoch too late.
        if not is_finite(model):
            raise DivergedError(f"a weight is no longer finite after epoch {epoch}:", REMEDY)
        test_acc = accuracy_of(model, test_iter)
        valid_acc = accuracy_of(model, valid_iter) if valid_iter else None
        if scheduler:
            scheduler.step()
        yield EpochRecord(epoch, train_loss, train_acc, test_acc, timer.stop(), valid_acc)
