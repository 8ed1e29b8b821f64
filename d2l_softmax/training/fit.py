"""Train a model with its twin's train_epoch, from the start or from any batch of any epoch.

Each epoch adds a record to the history, which is written to history.csv.
"""

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor

from d2l_softmax.errors import UserError
from d2l_softmax.io import write_csv
from d2l_softmax.training.distributed import Shard, all_reduce_sums, get_launch
from d2l_softmax.training.evaluation import Model
from d2l_softmax.training.metrics import Accumulator, NonFiniteError, Timer, count_correct

REMEDY = "try a smaller {lr}, {momentum} or {weight_decay}"


class DivergedError(UserError, FloatingPointError):
    """A loss or a weight became infinite or NaN; the message has the epoch and a remedy."""


class EpochRecord(NamedTuple):
    """The measurements after an epoch; the columns of history.csv.

    train_loss (nats) and train_acc are running means: each batch is measured before its step. The
    test and validation values are measured after the epoch. valid_acc and valid_loss are None
    unless training images were held out. seconds is the wall time of training and evaluation.
    """

    epoch: int
    train_loss: float
    train_acc: float
    test_acc: float
    test_loss: float
    seconds: float
    valid_acc: float | None = None
    valid_loss: float | None = None

    def measurements(self) -> dict[str, float]:
        """Return the measurements that are not None, by name."""
        return {name: value for name, value in self._asdict().items() if value is not None}

    def __str__(self) -> str:
        """Return the line that is printed after an epoch."""
        pairs = {
            "train": (self.train_loss, self.train_acc),
            "valid": (self.valid_loss, self.valid_acc),
            "test": (self.test_loss, self.test_acc),
        }
        measured = "   ".join(
            f"{name} loss {format_loss(loss)}   {name} acc {acc:.4f}"
            for name, (loss, acc) in pairs.items()
            if loss is not None
        )
        return f"epoch {self.epoch:>3}   {measured}   {self.seconds:.2f} s"


class Training:
    """A training run: model, optimizer, loaders and progress; under torchrun, those of this rank.

    `history` has a record of each completed epoch. `batch` counts the completed batches of the
    current epoch; `metric` sums their losses, correct predictions and examples. The loaders are
    ArrayLoaders. `generators` has a generator of the initial "weights" and one of the "order" of
    the training examples. `weight_history`, if not None, maps numbers of completed epochs, from 0,
    to the weights of the first `most_classes` classes, (d, most_classes). With `keep_best`, `best`
    has W and b of the epoch that was best on the held-out data.
    """

    def __init__(
        self,
        twin: ModuleType,
        model: Model,
        optimizer: Any,
        train_iter: Any,
        test_iter: Any,
        valid_iter: Any = None,
        *,
        epochs: int,
        scheduler: Any = None,
        generators: dict[str, Generator] | None = None,
        most_classes: int = 0,
        keep_best: bool = False,
    ):
        """Prepare a training of `epochs` epochs; with `most_classes`, keep the weight history."""
        self.epochs = epochs
        self.twin, self.model, self.optimizer, self.scheduler = twin, model, optimizer, scheduler
        self.train_iter, self.test_iter, self.valid_iter = train_iter, test_iter, valid_iter
        self.generators, self.launch = generators or {}, get_launch()
        self.loaders = {"train": train_iter, "test": test_iter, "valid": valid_iter}
        if self.launch.world_size > 1:
            rank, world_size, *_ = self.launch
            shards = {n: Shard(it, rank, world_size) for n, it in self.loaders.items() if it}
            self.loaders |= shards
        self.history: list[EpochRecord] = []
        self.most_classes = most_classes
        self.weight_history: dict[int, Tensor] | None = {} if most_classes else None
        self.keep_best = keep_best
        self.best: dict[str, Any] | None = None
        self.timer, self.seconds_before = Timer(), 0.0
        self.start_epoch()

    @functools.cached_property
    def model_and_optimizer(self) -> tuple[Any, Any]:
        """Return the model and optimizer for train_epoch, wrapped if there are several ranks."""
        if self.launch.world_size == 1:
            return self.model, self.optimizer
        parallel = self.twin.data_parallel
        return parallel.wrap(self.model, self.optimizer, self.loaders["train"])

    @property
    def kept_record(self) -> EpochRecord:
        """Return the record of the epoch whose model is kept: the best, or else the last."""
        return self.history[self.best["epoch"] - 1 if self.best else -1]

    def start_epoch(self) -> None:
        """Reset to the start of an epoch, before the order of its examples is drawn."""
        self.batch, self.metric, self.seconds_before = 0, Accumulator(3), 0.0
        self.random_states = {name: g.get_state() for name, g in self.generators.items()}
        if self.weight_history is not None:
            W = self.model.W.detach()[:, : self.most_classes]
            self.weight_history[len(self.history)] = W.to("cpu", copy=True)

    def fit(self, after_batch: Callable[[], object] | None = None) -> Iterator[EpochRecord]:
        """Train the remaining epochs, and yield a record after each.

        `after_batch` is called after each batch; its exceptions end the training. Raises
        DivergedError as soon as a loss, or at the end of an epoch a weight, is not finite.
        """
        while len(self.history) < self.epochs:
            epoch = len(self.history) + 1
            self.timer.start()
            try:
                train_loss, train_acc = self.train_epoch(after_batch)
            except NonFiniteError as error:
                raise DivergedError(
                    f"the loss became {error.value} in epoch {epoch}, batch {error.step}:", REMEDY
                ) from error
            # The last step is after the last loss: the losses would show its overflow only in the
            # next epoch.
            if not is_finite(self.model):
                raise DivergedError(f"a weight is no longer finite after epoch {epoch}:", REMEDY)
            test_loss, test_acc = self.evaluate("test")
            valid_loss, valid_acc = self.evaluate("valid") if self.valid_iter else (None, None)
            if self.scheduler:
                self.scheduler.step()
            seconds = self.seconds_before + self.timer.stop()
            record = EpochRecord(
                epoch, train_loss, train_acc, test_acc, test_loss, seconds, valid_acc, valid_loss
            )
            self.history.append(record)
            if self.keep_best and self.valid_iter:
                self.keep_if_best(record)
            self.start_epoch()
            yield record

    def keep_if_best(self, record: EpochRecord) -> None:
        """Keep W and b if the epoch is the best so far; of equal accuracies, a lower loss is."""
        scores = [(each.valid_acc, -(each.valid_loss or 0)) for each in (record, self.kept_record)]
        if self.best is None or scores[0] > scores[1]:
            parameters = {"W": self.model.W, "b": self.model.b}
            copies = {name: p.detach().clone() for name, p in parameters.items()}
            self.best = {"epoch": record.epoch, "valid_acc": record.valid_acc, **copies}

    def train_epoch(self, after_batch: Callable[[], object] | None) -> tuple[float, float]:
        """Train on the remaining batches of an epoch; return its mean loss and accuracy."""
        batches = self.remaining_batches(after_batch)
        model, optimizer = self.model_and_optimizer
        result = self.twin.train_epoch(model, batches, optimizer, self.metric)
        if self.launch.world_size == 1:
            return result
        if self.loaders["train"].weight == 0:  # the last batch had fewer rows than there are ranks
            self.twin.data_parallel.step_with_zero_gradients(model, optimizer)
        loss, correct, examples = all_reduce_sums(*(self.metric[i] for i in range(3)))
        return loss / examples, correct / examples

    def evaluate(self, split: str) -> tuple[float, float]:
        """Return mean loss and accuracy of the model on "test" or "valid" data, on all ranks.

        The loss can be infinite or NaN for finite weights, if the scores of an example overflow.
        """
        losses, correct, examples = [], [], 0
        with torch.no_grad():
            for X, y in self.loaders[split]:
                scores = self.model(X)
                losses.append(self.twin.cross_entropy(scores, y) * len(y))
                correct.append(count_correct(scores, y))
                examples += len(y)
                del scores  # with thousands of classes, two batches' scores may not fit in memory
        sums = math.fsum(map(float, losses)), math.fsum(map(float, correct)), examples
        total, right, n = all_reduce_sums(*sums)
        return total / n, right / n

    def remaining_batches(self, after_batch: Callable[[], object] | None) -> Iterator:
        """Yield the remaining batches, and count each after its step."""
        for batch in self.loaders["train"].batches(self.batch):
            yield batch
            self.batch += 1
            if after_batch:
                after_batch()

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the training for a checkpoint; all ranks have to call it.

        Raises NonFiniteError if a loss was infinite or NaN.
        """
        metric = self.metric.state_dict()
        if self.launch.world_size > 1:
            metric |= {name: all_reduce_sums(*metric[name]) for name in ("sums", "errors")}
            metric["additions"] = self.batch
        state = {
            "model": {"W": self.model.W.detach(), "b": self.model.b.detach()},
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict() if self.scheduler else None,
            "generators": self.random_states,
            "epoch": len(self.history),
            "batch": self.batch,
            "metric": metric,
            "history": [record._asdict() for record in self.history],
            "seconds": self.seconds_before + self.timer.stop() if self.batch else 0.0,
        }
        if self.weight_history is not None:
            state["weight_history"] = self.weight_history
        return state | {"best": self.best} if self.keep_best else state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of a training from a checkpoint.

        Raises KeyError, TypeError, ValueError or RuntimeError if the state does not fit.
        """
        model = state_dict["model"]
        if model["W"].shape != self.model.W.shape or model["b"].shape != self.model.b.shape:
            raise ValueError(f"its W has shape {tuple(model['W'].shape)}")
        with torch.no_grad():
            self.model.W.copy_(model["W"])
            self.model.b.copy_(model["b"])
        self.optimizer.load_state_dict(state_dict["optimizer"])
        if self.scheduler:
            self.scheduler.load_state_dict(state_dict["scheduler"])
        for name, generator in self.generators.items():
            generator.set_state(state_dict["generators"][name])
        self.history = [EpochRecord(**record) for record in state_dict["history"]]
        if self.keep_best:
            self.best = state_dict.get("best")
        if self.weight_history is not None:
            self.weight_history = {}
        self.start_epoch()
        self.batch, self.seconds_before = state_dict["batch"], state_dict["seconds"]
        if self.launch.rank == 0:  # the saved sums are those of all ranks
            self.metric.load_state_dict(state_dict["metric"])
        if self.weight_history is not None and (self.batch or "weight_history" in state_dict):
            self.weight_history = state_dict.get("weight_history", {})


def format_loss(loss: float) -> str:
    """Format a loss with four digits: 0.5317 or, if it is large, 1.234e+05."""
    return f"{loss:.4f}" if loss < 1e4 else f"{loss:.3e}"


def save_history(path: Path, history: Sequence[EpochRecord]) -> None:
    """Write history.csv: a row per epoch, with numbers in full precision.

    Raises OutputError if it can't be written.
    """
    names = history[-1].measurements()
    write_csv(path, names, ([getattr(record, name) for name in names] for record in history))


def divergence_reason(history: Sequence[EpochRecord], num_classes: int) -> str:
    """Return a warning if the model has learned nothing in the last two epochs, else "".

    Their training losses are then above 1.1 ln q, within 2 % of ln q, or above that of epoch 1.
    ln q is the loss of uniform guessing.
    """
    if len(history) < 2:
        return ""
    lowest = min(record.train_loss for record in history[-2:])
    guessing = math.log(num_classes)
    if lowest > 1.1 * guessing:  # with the initial W, nearly zero, the loss is slightly above ln q
        return (
            f"the loss stays above ln {num_classes} = {guessing:.2f} nats, that of uniform "
            "guessing; try a smaller --lr"
        )
    if all(abs(record.train_loss / guessing - 1) < 0.02 for record in history[-2:]):
        return (
            f"the loss stays at ln {num_classes} = {guessing:.2f} nats, that of uniform guessing: "
            "nothing is learned; try a larger --lr, and check that the labels fit the examples"
        )
    if len(history) > 2 and lowest > history[0].train_loss:
        first = history[0].train_loss
        return f"the loss has risen above the {first:.4f} nats of epoch 1; try a smaller --lr"
    return ""


def new_divergence_reason(history: Sequence[EpochRecord], num_classes: int) -> str:
    """Return the warning of divergence_reason, or "" if an earlier epoch had the same one."""
    reason = divergence_reason(history, num_classes)
    earlier = (divergence_reason(history[:epoch], num_classes) for epoch in range(len(history)))
    return "" if reason in earlier else reason


def is_finite(model: Model) -> bool:
    """Return True if all parameters are finite."""
    return all(bool(torch.isfinite(parameter).all()) for parameter in model.parameters())
