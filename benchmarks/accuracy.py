"""How accurate the recipes are, how `--recipe best` was chosen, and how long an accuracy takes.

The recipe was chosen on held-out training images. The time to an accuracy looks at the test images
after every epoch, but to measure and not to choose.
"""

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.peers import TWINS, lbfgs, make_training, sgd_classifier, twin
from d2l_softmax.commands.options import RECIPES
from d2l_softmax.training.loop import EpochRecord

HELD_OUT = 10_000
SETTINGS = ("epochs", "batch_size", "momentum", "lr", "lr_decay")
# A momentum of 0.9 makes steps ten times longer in the end.
MOMENTUM_AND_LR = ((0.0, 0.1), (0.0, 0.5), (0.9, 0.1), (0.9, 0.2))
TARGET = 0.8445


def train_from_seeds(seeds: int, name: str, *arguments: str) -> dict:
    """Train a twin from each seed; return the last records by column, and the median "seconds"."""
    runs = [list(make_training(name, *arguments, seed=n).records()) for n in range(seeds)]
    columns = EpochRecord(*zip(*(records[-1] for records in runs), strict=True))
    seconds = statistics.median(sum(record.seconds for record in run) for run in runs)
    return columns._asdict() | {"seconds": seconds}


def measure_recipes(rounds: int) -> list[dict]:
    """Train both twins with each recipe, from two seeds a round; return what came of each."""
    seeds = 2 * rounds
    return [
        {"recipe": recipe, "twin": name, **train_from_seeds(seeds, name, f"--recipe={recipe}")}
        for recipe, name in itertools.product(RECIPES, TWINS)
    ]


def search_settings(seeds: int) -> Iterator[dict]:
    """Train scratch with each setting, but not on the held-out images; yield what came of it."""
    grid = itertools.product((10, 20), (256, 512), MOMENTUM_AND_LR, ("none", "linear"))
    for epochs, batch_size, momentum_and_lr, lr_decay in grid:
        setting = dict(zip(SETTINGS, (epochs, batch_size, *momentum_and_lr, lr_decay), strict=True))
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in setting.items()]
        arguments.append(f"--validation={HELD_OUT}")
        yield setting | train_from_seeds(seeds, "scratch", *arguments)


def best_first(results: list[dict]) -> list[dict]:
    """Return the settings of a search in the order of their mean accuracies."""
    return sorted(results, key=lambda result: -statistics.mean(result["valid_acc"]))


def train_to_target(peer: Callable, most_epochs: int, unit: str = "epochs") -> Iterator[tuple]:
    """Train from seeds 0, 1, ...; yield seconds (None: too inaccurate in the end), what it took."""
    yield
    for seed in itertools.count():
        epochs = peer(seed=seed)
        next(epochs)
        begin, accuracies = time.perf_counter(), []
        for _, _, test_acc in itertools.islice(epochs, most_epochs):
            accuracies.append(test_acc)
            if test_acc >= TARGET:
                break
        seconds = time.perf_counter() - begin if test_acc >= TARGET else None
        yield seconds, f"{max(accuracies):.4f} after {len(accuracies)} {unit}"


TRAININGS = {
    "scratch, `--recipe best`": (partial(twin, "scratch", "--recipe=best"), 20),
    "concise, `--recipe best`": (partial(twin, "concise", "--recipe=best"), 20),
    "scikit-learn, `LogisticRegression` (lbfgs)": (lbfgs, 1, "fit of 100 iterations"),
    "scikit-learn, `SGDClassifier`": (sgd_classifier, 10),
}
TO_TARGET = {name: partial(train_to_target, *each) for name, each in TRAININGS.items()}
