"""Accuracy of the recipes from several seeds, each compared with the default on the same images."""

import itertools
import math
from collections.abc import Iterator
from statistics import median

import torch
from torch import Tensor

from benchmarks.peers import TWINS, make_training
from benchmarks.shared import median_and_range
from d2l_softmax.commands.options import RECIPES
from d2l_softmax.training.fit import Training

DEFAULT = "book"  # what auto is on Fashion-MNIST
NAMES = [DEFAULT, *(name for name in RECIPES if name not in ("auto", DEFAULT))]
COLUMNS = ("train_loss", "train_acc", "test_acc")


def measure(rounds: int) -> list[dict]:
    """Train both twins with each recipe, from two seeds a round; return the last epochs.

    Of recipes other than the default, "paired" has for each seed the numbers of test images that
    only this recipe and that only the default classifies correctly.
    """
    torch.set_num_threads(1)  # as their commands do
    results, correct = [], {}
    for recipe, twin in itertools.product(NAMES, TWINS):
        lasts, correct[recipe, twin] = [], []
        for seed in range(2 * rounds):
            training = make_training(twin, f"--recipe={recipe}", seed=seed)
            *_, last = training.fit()
            lasts.append(last)
            correct[recipe, twin].append(correct_test_images(training))
        record = {name: [getattr(last, name) for last in lasts] for name in COLUMNS}
        if recipe != DEFAULT:
            pairs = zip(correct[recipe, twin], correct[DEFAULT, twin], strict=True)
            record["paired"] = [discordant(*pair) for pair in pairs]
        results.append({"recipe": recipe, "twin": twin, **record})
    return results


@torch.no_grad()
def correct_test_images(training: Training) -> Tensor:
    """Return for each test image whether the trained model classifies it correctly (n,)."""
    return torch.cat([training.model(X).argmax(dim=1) == y for X, y in training.test_iter])


def discordant(one: Tensor, other: Tensor) -> tuple[int, int]:
    """Count the examples that are correct only in `one` and only in `other`, both bool (n,)."""
    return int((one & ~other).sum()), int((other & ~one).sum())


def mcnemar(one: int, other: int) -> float:
    """Return the two-sided p-value of McNemar's exact test from the discordant counts.

    If both classifiers are equally accurate, `one` is binomial with n = one + other, p = 1/2.
    """
    n = one + other
    tail = sum(math.comb(n, k) for k in range(min(one, other) + 1))
    return min(1.0, 2 * tail / 2**n)


def table(results: list[dict]) -> Iterator[tuple]:
    """Yield the losses and accuracies of each recipe, and its comparison with the default.

    The discordant counts are medians over the seeds.
    """
    title = f"last epoch, {len(results[0]['test_acc'])} seeds"
    compared = "correct with it only / with the default only", "McNemar's p"
    yield title, "train loss", "train accuracy", "test accuracy", *compared
    for each in results:
        cells = ["{} ({})".format(*median_and_range(each[name], 4)) for name in COLUMNS]
        if paired := each.get("paired"):
            only_it, only_default = zip(*paired, strict=True)
            p = [mcnemar(*counts) for counts in paired]
            cells.append(f"{median(only_it):.0f} / {median(only_default):.0f}")
            cells.append(f"{median(p):.2g} ({min(p):.2g} to {max(p):.2g})")
        else:
            cells += ["", ""]
        yield f"{each['twin']}, `--recipe {each['recipe']}`", *cells
