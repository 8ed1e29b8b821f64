"""Where the time of an epoch of training goes: its stages, added one at a time."""

import functools
import importlib
from collections.abc import Callable

import torch

from benchmarks.peers import BATCH_SIZE, LR
from d2l_softmax import load_data_fashion_mnist
from d2l_softmax.training.metrics import Accumulator, count_correct

STAGES = ("look up and scale", "forward", "loss", "gradient", "step", "sums")


def epoch_until(name: str, stage: int) -> Callable[[], None]:
    """Return an epoch of a twin that goes in each step no further than a stage."""
    page = importlib.import_module(f"{name}.softmax_regression")
    train_iter = load_data_fashion_mnist(BATCH_SIZE)[0]
    model = page.SoftmaxRegression()
    optimizer = page.SGD(model.parameters(), lr=LR)
    by_hand = name == "scratch"

    @torch.inference_mode(by_hand)
    def work():
        metric = Accumulator(3)
        for X, y in train_iter:
            if stage == 0:
                continue
            outputs = model(X)
            if stage == 1:
                continue
            loss = page.cross_entropy(outputs, y)
            if stage == 2:
                continue
            if by_hand:
                gradients = model.gradients(X, outputs, y)
            else:
                optimizer.zero_grad()
                loss.backward()
            if stage == 3:
                continue
            optimizer.step(gradients) if by_hand else optimizer.step()
            if stage == 4:
                continue
            metric.add(loss * len(y), count_correct(outputs, y), len(y))

    return work


def peers() -> dict[str, Callable[[], Callable[[], None]]]:
    """Return the epochs of both twins that end at each stage, by twin and stage."""
    return {
        f"{name}, {stage}": functools.partial(epoch_until, name, number)
        for name in ("scratch", "concise")
        for number, stage in enumerate(STAGES)
    }
