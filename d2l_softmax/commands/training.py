"""A twin made ready as the options say, for the commands that train: `train`, `compare`."""

import argparse
import platform
from collections.abc import Iterator
from importlib.metadata import version
from types import ModuleType
from typing import Any

import torch

from d2l_softmax import __version__
from d2l_softmax.commands.console import counted
from d2l_softmax.commands.options import FASHION_MNIST, as_json
from d2l_softmax.data.batches import ArrayLoader
from d2l_softmax.data.fashion_mnist import TEST_BATCH_SIZE, load_data_fashion_mnist
from d2l_softmax.data.own import load_data
from d2l_softmax.storage.checkpoint import Checkpoint
from d2l_softmax.storage.description import Description
from d2l_softmax.training import loop
from d2l_softmax.training.evaluation import Model
from d2l_softmax.training.loop import EpochRecord
from d2l_softmax.training.metrics import Timer
from d2l_softmax.training.resuming import (
    ResumableEpoch,
    fill,
    memory_of,
    restore_optimizer,
    restore_scheduler,
    settings_of,
)


class Training:
    """A twin in training: its data, model, optimizer and scheduler, and the epochs that ended."""

    def __init__(self, twin: ModuleType, options: argparse.Namespace):
        """Load the data and make the rest; DataUnavailableError without data."""
        self.twin, self.options = twin, options
        self.generators = {
            use: torch.Generator().manual_seed(options.seed) for use in ("weights", "order")
        }
        self.train_iter, self.test_iter, *rest = load(options, self.generators["order"])
        self.valid_iter = rest[0] if rest else None
        self.description = describe_data(options, self.train_iter)
        self.checksums = [each.dataset.checksum() for each in (self.train_iter, self.test_iter)]
        self.model = twin.SoftmaxRegression(
            self.description.num_inputs,
            len(self.description.classes),
            dtype=getattr(torch, options.dtype),
            device=options.device,
            generator=self.generators["weights"],
        )
        self.optimizer = make_optimizer(twin, self.model, options)
        self.scheduler = None
        if options.lr_decay == "linear":
            self.scheduler = twin.LinearDecay(self.optimizer, options.epochs)
        self.epoch = ResumableEpoch(twin.train_epoch, self.generators["order"])
        self.history: list[EpochRecord] = []
        self.trouble_was_named = False
        self.timer, self.seconds_before = Timer(), 0.0

    @property
    def num_parameters(self) -> int:
        """Return how many numbers are learned."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    def summary(self) -> str:
        """Return one line on data, parameters, device, threads and seed."""
        options, data = self.options, self.description
        num_train, num_test = len(self.train_iter.dataset), len(self.test_iter.dataset)
        what = "images" if data.has_images else "examples"
        if options.dataset:
            what += f", {data.in_words()},"
        if self.test_iter.dataset.labels is self.train_iter.dataset.labels:
            what += " (no test data: a tenth was held out for it)"
        held_out = f", {options.validation:,} held out," if options.validation else ""
        return (
            f"{data.data}, {num_train:,} + {num_test:,} {what}{held_out} from "
            f"{options.dataset or options.data_dir}; {self.num_parameters:,} parameters; "
            f"{options.device}, "
            f"{counted(options.threads, 'thread')}, {options.dtype}; seed {options.seed}"
        )

    def speed(self) -> str:
        """Return one line on the time that the epochs took."""
        seconds = sum(record.seconds for record in self.history)
        speed = len(self.history) * len(self.train_iter.dataset) / seconds
        epochs = counted(len(self.history), "epoch")
        return f"{epochs} in {seconds:.2f} s, {speed:,.0f} examples a second"

    def records(self) -> Iterator[EpochRecord]:
        """Train, and yield the record of each epoch that is left; see `loop.train`."""
        records = loop.train(
            self.epoch,
            self.model,
            self.optimizer,
            self.train_iter,
            self.test_iter,
            self.options.epochs,
            self.scheduler,
            self.valid_iter,
            first=len(self.history) + 1,
        )
        self.timer.start()
        for record in records:
            self.history.append(record._replace(seconds=record.seconds + self.seconds_before))
            self.seconds_before = 0.0
            yield self.history[-1]
            self.timer.start()

    def new_trouble(self) -> str:
        """Return what goes wrong and what to try, in words, the first time that it is seen."""
        trouble = loop.trouble_in(self.history, len(self.model.b))
        if self.trouble_was_named or not trouble:
            return ""
        self.trouble_was_named = True
        return f"{trouble}; try a smaller --lr"

    def checkpoint(self, config: dict) -> Checkpoint:
        """Return where the training stands: between two epochs, or between two batches of one.

        Raises NonFiniteError if a loss was infinite or NaN.
        """
        progress = self.epoch.state() | {"optimizer": settings_of(self.optimizer)}
        if progress["batch"]:
            progress["seconds"] = self.seconds_before + self.timer.stop()
        else:
            progress["seconds"] = 0.0
        tensors = {
            "W": self.model.W,
            "b": self.model.b,
            **memory_of(self.optimizer),
            "order": self.epoch.order,
            "weights": self.generators["weights"].get_state(),
        }
        return Checkpoint(config, list(self.history), progress, tensors)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Stand where a training of either twin stood.

        Raises KeyError, RuntimeError, TypeError or ValueError if it was no such training.
        """
        if checkpoint.config.get("checksums", self.checksums) != self.checksums:
            raise ValueError("the data are others than those that the training was begun with")
        progress, tensors = checkpoint.progress, checkpoint.tensors
        fill(self.model.W, tensors["W"])
        fill(self.model.b, tensors["b"])
        memory = {name: tensor for name, tensor in tensors.items() if "." in name}
        restore_optimizer(self.optimizer, memory, progress["optimizer"])
        restore_scheduler(self.scheduler, len(checkpoint.history))
        self.generators["weights"].set_state(tensors["weights"])
        self.epoch.restore(progress, tensors["order"])
        if self.epoch.batch > len(self.train_iter):
            raise ValueError(f"{self.epoch.batch} batches, expected {len(self.train_iter)}")
        self.history = list(checkpoint.history)
        self.seconds_before = progress["seconds"]


def load(options: argparse.Namespace, order: torch.Generator) -> tuple[ArrayLoader, ...]:
    """Return the loaders that the options ask for."""
    arguments: dict[str, Any] = {
        "batch_size": options.batch_size,
        "resize": options.resize,
        "device": options.device,
        "dtype": getattr(torch, options.dtype),
        "generator": order,
        "test_batch_size": TEST_BATCH_SIZE,
        "validation": options.validation,
    }
    if options.dataset:
        return load_data(options.dataset, **arguments, shuffle=options.shuffle)
    return load_data_fashion_mnist(**arguments, data_dir=options.data_dir, shuffle=options.shuffle)


def describe_data(options: argparse.Namespace, train_iter: ArrayLoader) -> Description:
    """Return what a model is given and what it tells apart, as it is written beside it."""
    name = options.dataset.resolve().name if options.dataset else FASHION_MNIST
    dataset = train_iter.dataset
    return Description(name, dataset.classes, dataset.shape, options.resize)


def make_optimizer(twin: ModuleType, model: Model, options: argparse.Namespace) -> Any:
    """Return the twin's optimizer that the options ask for."""
    settings = {"lr": options.lr, "weight_decay": options.weight_decay}
    if options.optimizer == "adam":
        return twin.Adam(model.parameters(), **settings)
    return twin.SGD(model.parameters(), **settings, momentum=options.momentum)


def describe(name: str, training: Training) -> dict:
    """Return what config.json says of a run: enough to make it again."""
    options = training.options
    return {
        "twin": name,
        "data": training.description.data,
        "checksums": training.checksums,
        "options": as_json(options),
        "parameters": training.num_parameters,
        "threads": torch.get_num_threads(),
        "machine": platform.platform(),
        "versions": {
            "python": platform.python_version(),
            "d2l_softmax": __version__,
            "torch": torch.__version__,
            "torchvision": version("torchvision"),
        },
    }
