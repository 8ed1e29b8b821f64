"""How accurate the recipes are, how `--recipe best` was chosen, and how long an accuracy takes.

The recipe was chosen on held-out training images; the test images only measure what came of it.
"""

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

import torch

from benchmarks.peers import TWINS, logistic_regression, make_training, sgd_classifier, twin
from benchmarks.rounds import CORES, Peer, take_turns
from d2l_softmax.commands.options import RECIPES
from d2l_softmax.training.fit import EpochRecord

HELD_OUT = 10_000
SETTINGS = ("epochs", "batch_size", "momentum", "lr", "lr_decay")
# A momentum of 0.9 makes steps ten times longer in the end.
MOMENTUM_AND_LR = ((0.0, 0.1), (0.0, 0.5), (0.9, 0.1), (0.9, 0.2))
TARGET = 0.8445  # that of scikit-learn's lbfgs after 100 iterations
LBFGS = "scikit-learn, `LogisticRegression`, lbfgs, 100 iterations"
SAGA = "scikit-learn, `LogisticRegression`, saga, 5 passes"


def train_from_seeds(seeds: int, name: str, *arguments: str) -> dict:
    """Train a twin from each seed; return the last records by column, and the median "seconds"."""
    torch.set_num_threads(1)  # as its command does
    runs = [list(make_training(name, *arguments, seed=n).fit()) for n in range(seeds)]
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


def train_to_the_end(learner: Callable, epochs: int) -> Iterator[tuple[float, float]]:
    """Train from seeds 0, 1, ... as many epochs as were chosen before; yield seconds, accuracy.

    The accuracy is the last epoch's on the test data: to stop at the first that is high enough
    would be to choose by the test data.
    """
    yield
    for seed in itertools.count():
        training = learner(seed=seed)
        next(training)
        begin = time.perf_counter()
        *_, (_, _, test_acc) = itertools.islice(training, epochs)
        yield time.perf_counter() - begin, float(test_acc)


# lbfgs: 80 iterations end at 0.8433. saga: its tolerance of 0.1 ends it after 5 passes.
LEARNERS = {
    "scratch, `--recipe best`": (1, 20, partial(twin, "scratch", "--recipe=best")),
    "concise, `--recipe best`": (1, 20, partial(twin, "concise", "--recipe=best")),
    LBFGS: (CORES, 1, partial(logistic_regression, max_iter=100)),
    SAGA: (1, 1, partial(logistic_regression, solver="saga", tol=0.1)),
    "scikit-learn, `SGDClassifier`, 10 epochs": (CORES, 10, sgd_classifier),
}


def measure_learners(rounds: int) -> list[dict]:
    """Let each learner learn in turns, from two seeds a round; return the records of the turns."""
    peers = [
        Peer(name, partial(train_to_the_end, learner, epochs), threads)
        for name, (threads, epochs, learner) in LEARNERS.items()
    ]
    return take_turns(peers, 2 * rounds, warm_up=0)


def measure_iterations(rounds: int) -> dict[str, float]:
    """Return the test accuracies after so many iterations of lbfgs: how firm the target is."""
    iterations = range(80, 81 + 10 * rounds, 10)
    accuracies = {}
    for number in iterations:
        fit = logistic_regression(max_iter=number)
        next(fit)
        accuracies[str(number)] = float(next(fit)[2])
    return accuracies
