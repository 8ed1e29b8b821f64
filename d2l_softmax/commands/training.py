"""A twin made ready as the options say, for the commands that train: `train`, `compare`."""

import argparse
import functools
import platform
from collections.abc import Callable, Iterator
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
from d2l_softmax.figures.templates import MOST_BY_EPOCH
from d2l_softmax.storage.description import AS_FASHION_MNIST, RESIZED, Description
from d2l_softmax.training import fit as loop
from d2l_softmax.training.checkpoint import Checkpoint
from d2l_softmax.training.course import Course
from d2l_softmax.training.distributed import ALONE, Group, Share, evaluate_accuracy
from d2l_softmax.training.evaluation import Model
from d2l_softmax.training.fit import EpochRecord
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

    def __init__(
        self,
        twin: ModuleType,
        options: argparse.Namespace,
        group: Group = ALONE,
        loaders: Callable[..., tuple[ArrayLoader, ...]] | None = None,
    ):
        """Load the data and make the rest; DataUnavailableError without data.

        The processes of the group train as one: all are made ready, with equal options. `loaders`
        is called in place of `load` where the data are read already.
        """
        self.twin, self.options, self.group = twin, options, group
        self.generators = {
            use: torch.Generator().manual_seed(options.seed) for use in ("weights", "order")
        }
        self.train_iter, self.test_iter, *rest = (loaders or load)(
            options, self.generators["order"]
        )
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
        self.course = self.begin_course()
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
            if self.test_iter.dataset.name == self.train_iter.dataset.name:
                what += " (no test data: a tenth was held out for it)"
        held_out = f", {options.validation:,} held out," if options.validation else ""
        return (
            f"{data.data}, {num_train:,} + {num_test:,} {what}{held_out} from "
            f"{options.dataset or options.data_dir}; {self.num_parameters:,} parameters; "
            f"{options.device}, {self.workers()}, {options.dtype}; seed {options.seed}"
        )

    def workers(self) -> str:
        """Return how many threads compute, and in how many processes if there are several."""
        threads = counted(self.options.threads, "thread")
        return threads if self.group.size == 1 else f"{self.group.size} processes of {threads}"

    def speed(self) -> str:
        """Return one line on the time that the epochs took."""
        seconds = sum(record.seconds for record in self.history)
        speed = len(self.history) * len(self.train_iter.dataset) / seconds
        epochs = counted(len(self.history), "epoch")
        return f"{epochs} in {seconds:.2f} s, {speed:,.0f} examples a second"

    def records(self) -> Iterator[EpochRecord]:
        """Train, and yield the record of each epoch that is left; see `loop.train`."""
        records = loop.train(
            **self.parts(),
            epochs=self.options.epochs,
            scheduler=self.scheduler,
            first=len(self.history) + 1,
        )
        self.timer.start()
        for record in records:
            self.history.append(record._replace(seconds=record.seconds + self.seconds_before))
            self.seconds_before = 0.0
            if self.course is not None:
                self.course.keep(len(self.history), self.model.W)
            yield self.history[-1]
            self.timer.start()

    def parts(self) -> dict[str, Any]:
        """Return what `loop.train` takes; one of several processes has a share of each loader."""
        loaders = {
            "train_iter": self.train_iter,
            "test_iter": self.test_iter,
            "valid_iter": self.valid_iter,
        }
        model, optimizer = self.model, self.optimizer
        if self.group.size == 1:
            return {"train_epoch": self.epoch, "model": model, "optimizer": optimizer, **loaders}
        shares = {name: Share(it, self.group) if it else None for name, it in loaders.items()}
        parallel = self.twin.data_parallel
        model, optimizer = parallel.wrap(model, optimizer, shares["train_iter"])
        return {
            "train_epoch": functools.partial(parallel.train_epoch, page=self.epoch),
            "model": model,
            "optimizer": optimizer,
            **shares,
            "accuracy_of": evaluate_accuracy,
        }

    def begin_course(self) -> Course | None:
        """Return the weights of now, to which those after each epoch come, if they are drawn.

        One of several processes keeps them: the first, which draws.
        """
        asked_for = vars(self.options).get("templates", False)  # `compare` has no such option
        if not (asked_for and self.description.has_images and self.group.is_first):
            return None
        course = Course(MOST_BY_EPOCH)
        course.keep(0, self.model.W)
        return course

    def new_trouble(self) -> str:
        """Return what goes wrong and what to try, in words, the first time that it is seen."""
        trouble = loop.trouble_in(self.history, len(self.model.b))
        if self.trouble_was_named or not trouble:
            return ""
        self.trouble_was_named = True
        return f"{trouble}; try a smaller --lr"

    def checkpoint(self, config: dict) -> Checkpoint:
        """Return where the training stands: between two epochs, or between two batches of one.

        All processes of the group must ask for it. Raises NonFiniteError if a loss was infinite or
        NaN.
        """
        progress = self.epoch.state() | {"optimizer": settings_of(self.optimizer)}
        if progress["batch"]:
            progress["sums"] = self.group.sums_of_all(progress["sums"])
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
        if self.course is not None:
            tensors |= self.course.state()
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
        sums = self.group.part_of_sums(progress["sums"])
        self.epoch.restore(progress | {"sums": sums}, tensors["order"])
        if self.epoch.batch > len(self.train_iter):
            raise ValueError(f"{self.epoch.batch} batches, expected {len(self.train_iter)}")
        self.history = list(checkpoint.history)
        self.seconds_before = progress["seconds"]
        if self.course is not None:
            self.course.clear()
            if "course" in tensors:
                self.course.restore(tensors["course"], len(self.history), self.model.W)
            elif not self.epoch.batch:  # in the middle of an epoch the weights belong to none
                self.course.keep(len(self.history), self.model.W)


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
    dataset, own = train_iter.dataset, options.dataset
    name = own.resolve().name if own else FASHION_MNIST
    pictures = None if len(dataset.shape) == 1 else RESIZED if own else AS_FASHION_MNIST
    return Description(name, dataset.classes, dataset.shape, options.resize, pictures)


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
        "processes": training.group.size,
        "threads": torch.get_num_threads(),
        "machine": platform.platform(),
        "versions": {
            "python": platform.python_version(),
            "d2l_softmax": __version__,
            "torch": torch.__version__,
            "torchvision": version("torchvision"),
        },
    }
