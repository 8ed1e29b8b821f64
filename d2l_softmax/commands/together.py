"""What several processes must have in common before they train as one, and what can't be."""

import argparse
from typing import Any

import torch

from d2l_softmax.commands.console import counted
from d2l_softmax.commands.options import as_json
from d2l_softmax.commands.resume import FREE
from d2l_softmax.commands.training import Training
from d2l_softmax.data.batches import ArrayDataset
from d2l_softmax.errors import UserError
from d2l_softmax.startup import place_of_process

ALSO_SHARED = {"checkpoint_every", "device"}  # of those that may change when a training goes on


class TooManyProcessesError(UserError, ValueError):
    """There are more processes than training images."""


def refuse_too_many_processes(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Exit with status 2 if there are more processes than images in a step, or than GPUs."""
    place = place_of_process()
    if place.size == 1:
        return
    if options.batch_size < place.size:
        parser.error(
            f"argument --batch-size: {options.batch_size} for {place.size} processes, expected an "
            "image for each"
        )
    if options.device == "mps":
        parser.error("argument --device: mps trains in one process; use --device cpu")
    if options.device == "cuda" and place.size_on_machine > torch.cuda.device_count():
        parser.error(
            f"argument --device: {counted(torch.cuda.device_count(), 'GPU')} for "
            f"{place.size_on_machine} processes, expected one for each; start fewer processes, or "
            "use --device cpu"
        )


def what_all_share(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options that must be the same in all processes, as a command line has them."""
    return {
        f"--{name.replace('_', '-')}": value
        for name, value in as_json(options).items()
        if name not in FREE or name in ALSO_SHARED
    }


def check_data(training: Training) -> None:
    """Raise unless all processes have the same data, and at least one image each to train on."""
    group, loaders = training.group, (training.train_iter, training.test_iter)
    if group.size == 1:
        return
    num_train = len(training.train_iter.dataset)
    if num_train < group.size:
        raise TooManyProcessesError(
            f"{num_train} training images for {group.size} processes, expected one for each;",
            "start fewer processes",
        )
    facts: dict[str, Any] = {}
    for what, loader in zip(("training", "test"), loaders, strict=True):
        facts |= {f"{name} of the {what} data": value for name, value in marks_of(loader.dataset)}
    group.compare("data", facts)


def marks_of(dataset: ArrayDataset) -> list[tuple[str, Any]]:
    """Return what tells a data set from another: its size, its classes, a checksum."""
    return [
        ("the number", len(dataset)),
        ("the classes", ", ".join(dataset.classes)),
        ("the checksum", dataset.checksum()),
    ]
