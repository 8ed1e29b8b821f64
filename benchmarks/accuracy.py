"""How accurate both recipes are: the last epoch's loss and accuracies, from several seeds."""

import itertools
from collections.abc import Iterator

import torch

from benchmarks.peers import TWINS, make_training
from benchmarks.shared import median_and_range
from d2l_softmax.commands.options import RECIPES

COLUMNS = ("train_loss", "train_acc", "test_acc")


def measure(rounds: int) -> list[dict]:
    """Train both twins with each recipe, from two seeds a round; return the last epochs."""
    torch.set_num_threads(1)  # as their commands do
    results = []
    for recipe, twin in itertools.product(RECIPES, TWINS):
        lasts = []
        for seed in range(2 * rounds):
            *_, last = make_training(twin, f"--recipe={recipe}", seed=seed).fit()
            lasts.append(last)
        columns = {name: [getattr(last, name) for last in lasts] for name in COLUMNS}
        results.append({"recipe": recipe, "twin": twin, **columns})
    return results


def table(results: list[dict]) -> Iterator[tuple]:
    """Yield the losses and accuracies of each recipe."""
    title = f"last epoch, {len(results[0]['test_acc'])} seeds"
    yield title, "train loss", "train accuracy", "test accuracy"
    for each in results:
        cells = ("{} ({})".format(*median_and_range(each[name], 4)) for name in COLUMNS)
        yield f"{each['twin']}, `--recipe {each['recipe']}`", *cells
