"""What a trained model does on labelled images: loss, accuracy, confusion, calibration."""

import math
from collections.abc import Iterable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from d2l_softmax.data.fashion_mnist import LABELS
from d2l_softmax.training.metrics import count_correct

NUM_BINS = 10


class Model(Protocol):
    """What is needed of a twin's model: parameters by their names, and probabilities."""

    W: Tensor  # (d, q)
    b: Tensor  # (q,)

    def probabilities(self, X: Tensor) -> Tensor:
        """Return y_hat (n, q), with rows that sum to 1, for the images X (n, ...)."""


class ClassScore(NamedTuple):
    """How well one class is told apart; precision and recall are None where 0 is divided by 0."""

    label: str
    precision: float | None
    recall: float | None
    examples: int


class Bin(NamedTuple):
    """The predictions with a confidence from `lowest` on: how many, how sure, how often right."""

    lowest: float
    examples: int
    confidence: float
    accuracy: float


class Evaluation:
    """A model's probabilities y_hat (n, q) for labelled images, and what follows from them."""

    def __init__(self, y_hat: Tensor, y: Tensor):
        self.y_hat, self.y = y_hat, y
        self.confidence, self.predicted = y_hat.max(dim=1)  # (n,), (n,)

    @property
    def accuracy(self) -> float:
        """Return the share of correct predictions, 0 to 1."""
        return int(count_correct(self.predicted, self.y)) / len(self.y)

    @property
    def loss(self) -> float:
        """Return the mean cross-entropy in nats, held finite as scratch.cross_entropy holds it."""
        smallest = torch.finfo(self.y_hat.dtype).tiny
        picked = self.y_hat.gather(1, self.y.unsqueeze(1)).clamp(min=smallest)
        return -float(picked.double().log().mean())

    def confusion(self) -> Tensor:
        """Return how often each true class (row) was predicted as each class (column): (q, q)."""
        q = self.y_hat.shape[1]
        return torch.bincount(self.y * q + self.predicted, minlength=q * q).reshape(q, q)

    def class_scores(self) -> list[ClassScore]:
        """Return for each class its precision, its recall and its number of examples."""
        confusion = self.confusion()
        correct = confusion.diagonal().tolist()
        predicted, examples = confusion.sum(dim=0).tolist(), confusion.sum(dim=1).tolist()
        return [
            ClassScore(label, c / p if p else None, c / n if n else None, n)
            for label, c, p, n in zip(LABELS, correct, predicted, examples, strict=True)
        ]

    def reliability(self) -> list[Bin]:
        """Return the bins of confidence, in tenths, that have predictions in them."""
        numbers = (self.confidence * NUM_BINS).long().clamp(max=NUM_BINS - 1)
        right = (self.predicted == self.y).double()
        bins = []
        for number in range(NUM_BINS):
            chosen = numbers == number
            if chosen.any():
                confidence, accuracy = self.confidence[chosen].double().mean(), right[chosen].mean()
                size = int(chosen.sum())
                bins.append(Bin(number / NUM_BINS, size, float(confidence), float(accuracy)))
        return bins

    def calibration_error(self) -> float:
        """Return |confidence - accuracy| averaged over all predictions, bin by bin (ECE).

        Naeini, Cooper, Hauskrecht (2015), section 3.
        """
        bins = self.reliability()
        return math.fsum(b.examples * abs(b.confidence - b.accuracy) for b in bins) / len(self.y)

    def worst_mistakes(self, n: int) -> Tensor:
        """Return the indices of the n wrong predictions that were made with most confidence."""
        wrong = (self.predicted != self.y).nonzero().flatten()
        return wrong[self.confidence[wrong].argsort(descending=True, stable=True)[:n]]


def evaluate(model: Model, data_iter: Iterable) -> Evaluation:
    """Return the evaluation of a model over all batches (X, y), kept on the CPU."""
    with torch.no_grad():
        batches = [(model.probabilities(X).cpu(), y.cpu()) for X, y in data_iter]
    return Evaluation(*(torch.cat(parts) for parts in zip(*batches, strict=True)))


def score_table(evaluation: Evaluation) -> str:
    """Return loss, accuracy and the score of each class as lines of text."""
    lines = [
        f"loss {evaluation.loss:.4f} nats   accuracy {evaluation.accuracy:.4f}   "
        f"calibration error {evaluation.calibration_error():.4f}",
        f"{'class':<11} {'precision':>9} {'recall':>9} {'examples':>9}",
    ]
    for score in evaluation.class_scores():
        shares = (
            f"{'-' if share is None else format(share, '.4f'):>9}"
            for share in (score.precision, score.recall)
        )
        lines.append(f"{score.label:<11} {' '.join(shares)} {score.examples:>9,}")
    return "\n".join(lines)
