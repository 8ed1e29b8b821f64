"""A twin trained again and again, with other settings, on data that are read once.

What is chosen by such trainings is chosen on held-out training images; the test images are not
looked at.
"""

import argparse
import copy
import itertools
import math
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from d2l_softmax.commands.train import describe_data, make_loaders, prepare
from d2l_softmax.data.batches import ArrayDataset, ArrayLoader
from d2l_softmax.data.fashion_mnist import TEST_BATCH_SIZE
from d2l_softmax.errors import UserError
from d2l_softmax.storage.table import DIVERGED, FINISHED, Result
from d2l_softmax.training.evaluation import evaluate
from d2l_softmax.training.fit import DivergedError, Training
from d2l_softmax.training.metrics import Timer, evaluate_accuracy

HELD_OUT = 6  # the share of the training images that is held out by itself: one in six


class TooFewImagesError(UserError, ValueError):
    """There are fewer images to train on than were asked for."""


class RepeatingLoader(ArrayLoader):
    """A loader that takes its examples again and again until it has yielded `length` of them.

    With as many examples as that, its passes are those of any ArrayLoader.
    """

    def __init__(self, dataset: ArrayDataset, batch_size: int, *, length: int, **how: Any):
        """Read `length` examples a pass; `how` to shuffle is said as to an ArrayLoader."""
        super().__init__(dataset, batch_size, shuffle=True, **how)
        self.length = length

    def __len__(self) -> int:
        """Return the number of batches in a pass."""
        return math.ceil(self.length / self.batch_size)

    def indices(self) -> Iterator[Tensor]:
        """Yield the indices (n,) of each batch."""
        rounds = math.ceil(self.length / len(self.dataset))
        orders = [super(RepeatingLoader, self).indices() for _ in range(rounds)]
        order = torch.cat([*itertools.chain.from_iterable(orders)])
        yield from order[: self.length].split(self.batch_size)


class Trainer:
    """What trains a twin on the data that options name, as other options say."""

    def __init__(self, twin: ModuleType, options: argparse.Namespace):
        """Read the data; what `make_loaders` raises. One in six is held out if nothing is said."""
        if options.validation is None:
            everything = argparse.Namespace(**vars(options) | {"validation": 0})
            train_iter, _ = make_loaders(everything, torch.Generator())
            held_out = max(1, len(train_iter.dataset) // HELD_OUT)
            options = argparse.Namespace(**vars(options) | {"validation": held_out})
        self.twin, self.options = twin, options
        self.train_iter, _, self.valid_iter = make_loaders(options, torch.Generator())
        self.num_images = len(self.train_iter.dataset)
        self.num_held_out = len(self.valid_iter.dataset)
        self.description = describe_data(options, self.train_iter)
        checksums = (each.dataset.checksum() for each in (self.train_iter, self.valid_iter))
        self.checksum = "".join(f"{checksum:08x}" for checksum in checksums)

    def __call__(self, options: argparse.Namespace) -> Result:
        """Train as the options say, on options.images of the images, and measure what came of it.

        However few the images are, an epoch has as many steps as one of all of them.
        """
        timer = Timer()
        training = prepare(self.twin, options, self.loaders)
        state = FINISHED
        try:
            for _ in training.fit():
                pass
        except DivergedError:
            state = DIVERGED
        # The held-out images stand where the test images do elsewhere.
        accuracies = [record.test_acc for record in training.history]
        best_epoch = accuracies.index(max(accuracies)) + 1 if accuracies else 0
        measured = (math.nan,) * 3 if state == DIVERGED else measure(training)
        return Result(state, *measured, best_epoch, timer.stop())

    def check_number(self, number: int) -> None:
        """Raise TooFewImagesError unless there are so many images to train on."""
        if number > self.num_images:
            raise TooFewImagesError(
                f"there are {self.num_images:,} images to train on, {number:,} were asked for;",
                "choose smaller {sizes}, or hold out less with {validation}",
            )

    def loaders(self, options: argparse.Namespace, order: torch.Generator) -> tuple:
        """Return loaders of the images to train on and, for testing, of those held out."""
        train_iter = RepeatingLoader(
            some_of(self.train_iter.dataset, options.images, options.seed),
            options.batch_size,
            length=self.num_images,
            by_blocks=self.train_iter.by_blocks,
            generator=order,
        )
        return train_iter, self.valid_iter


def some_of(dataset: ArrayDataset, number: int, seed: int) -> ArrayDataset:
    """Return so many examples of a data set, drawn at random; fewer are some of the same."""
    order = torch.randperm(len(dataset), generator=torch.Generator().manual_seed(seed))
    drawn = order[:number].sort().values.to(dataset.labels.device)
    some = copy.copy(dataset)
    some.rows = drawn if dataset.rows is None else dataset.rows[drawn]
    return some


def measure(training: Training) -> tuple[float, float, float]:
    """Return training accuracy, accuracy on the held-out images, and loss on these, in nats."""
    images = ArrayLoader(training.train_iter.dataset, TEST_BATCH_SIZE)
    evaluation = evaluate(training.model, training.test_iter)
    return evaluate_accuracy(training.model, images), evaluation.accuracy, evaluation.loss
