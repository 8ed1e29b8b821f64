"""How accurate the recipes are, and how `--recipe best` was chosen: on held-out training images."""

import importlib
import itertools
import math
import statistics
from collections.abc import Iterator

from d2l_softmax.commands.options import RECIPES
from d2l_softmax.commands.train import Training, parse
from d2l_softmax.training.loop import EpochRecord

HELD_OUT = 10_000
SETTINGS = ("epochs", "batch_size", "momentum", "lr", "lr_decay")
# A momentum of 0.9 makes steps ten times longer in the end.
MOMENTUM_AND_LR = ((0.0, 0.1), (0.0, 0.5), (0.9, 0.1), (0.9, 0.2))


def records(name: str, arguments: list[str]) -> Iterator[EpochRecord]:
    """Train a twin as its command does, yielding the record of each epoch."""
    options = parse(name, [*arguments, "--device=cpu"])
    return Training(importlib.import_module(name), options).records()


def last_record(name: str, arguments: list[str]) -> tuple[EpochRecord, float]:
    """Train a twin; return the last epoch's record and the seconds of all."""
    history = list(records(name, arguments))
    return history[-1], math.fsum(record.seconds for record in history)


def of_recipes(seeds: int) -> list[dict]:
    """Train both twins with each recipe from several seeds; return what the last epochs gave."""
    results = []
    for recipe, name in itertools.product(RECIPES, ("scratch", "concise")):
        arguments = [f"--recipe={recipe}"]
        last = [last_record(name, [*arguments, f"--seed={seed}"])[0] for seed in range(seeds)]
        columns = ("train_loss", "train_acc", "test_acc")
        measured = {column: [getattr(record, column) for record in last] for column in columns}
        results.append({"recipe": recipe, "twin": name, **measured})
    return results


def settings() -> Iterator[dict]:
    """Yield each point of the grid."""
    grid = itertools.product((10, 20), (256, 512), MOMENTUM_AND_LR, ("none", "linear"))
    for epochs, batch_size, momentum_and_lr, lr_decay in grid:
        values = (epochs, batch_size, *momentum_and_lr, lr_decay)
        yield dict(zip(SETTINGS, values, strict=True))


def search(seeds: int) -> list[dict]:
    """Train scratch with each setting on all but the held-out images; return their accuracies."""
    results = []
    for point in settings():
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in point.items()]
        runs = [
            last_record("scratch", [*arguments, f"--validation={HELD_OUT}", f"--seed={seed}"])
            for seed in range(seeds)
        ]
        accuracies = [record.valid_acc for record, _ in runs]
        seconds = statistics.median(seconds for _, seconds in runs)
        results.append({**point, "valid_acc": accuracies, "seconds": seconds})
    return results


def chosen(results: list[dict]) -> dict:
    """Return the setting of the best mean accuracy."""
    return max(results, key=lambda result: statistics.mean(result["valid_acc"]))
