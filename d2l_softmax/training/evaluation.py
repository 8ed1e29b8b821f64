"""Evaluation of a model on labelled examples: loss, accuracy, confusion matrix, calibration."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from d2l_softmax.i18n import tr
from d2l_softmax.training.metrics import count_correct

NUM_BINS = 10
MOST_CONFUSED = 1000  # largest number of classes for which the confusion matrix is shown


class Model(Protocol):
    """The interface of both twins' models: parameters by name, and probabilities."""

    @property
    def W(self) -> Tensor:
        """Return the weights (d, q)."""

    @property
    def b(self) -> Tensor:
        """Return the biases (q,)."""

    def __call__(self, X: Tensor) -> Tensor:
        """Return scores (n, q) for the images X (n, ...): probabilities or logits."""

    def parameters(self) -> Iterable[Tensor]:
        """Return the learned parameters."""

    def probabilities(self, X: Tensor) -> Tensor:
        """Return y_hat (n, q), with rows that sum to 1, for the images X (n, ...)."""


def calibrate(y_hat: Tensor, temperature: float) -> Tensor:
    """Divide the logits of probabilities y_hat (n, q) by a temperature; return probabilities."""
    # A temperature of 1 is common and must not change any digit.
    return y_hat if temperature == 1 else (y_hat.log() / temperature).softmax(dim=1)


def format_probability(probability: float) -> str:
    """Format a probability with three decimals; small ones are never written as zero."""
    return f"{probability:.3f}" if probability >= 0.001 else "<0.001"


class ClassScore(NamedTuple):
    """Precision, recall and number of examples of a class; None for 0 / 0."""

    label: str
    precision: float | None
    recall: float | None
    examples: int


class Bin(NamedTuple):
    """A bin of a reliability diagram: lower bound, number of predictions, confidence, accuracy."""

    lowest: float
    examples: int
    confidence: float
    accuracy: float


def wilson_interval(share: float, n: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a proportion, observed as `share` of n trials.

    Wilson (1927), "Probable inference, the law of succession, and statistical inference". The
    interval is within [0, 1] and contains the share, also for shares of 0 and 1.
    """
    z = 1.96  # the normal quantile for 95 %
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # Rounding could exclude shares of 0 and 1 from the interval.
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def standard_error(share: float, n: int) -> float:
    """Return the standard error of a proportion, observed as `share` of n independent trials."""
    return math.sqrt(share * (1 - share) / n)


def format_uncertainty(share: float, n: int) -> str:
    """Format the uncertainty of a proportion: its standard error, or a 95 % interval for 0 and 1.

    There the standard error is 0, as if the proportion were certain.
    """
    if share in (0, 1):
        lowest, highest = wilson_interval(share, n)
        return tr("(95 % interval: {lowest:.4f} to {highest:.4f})", lowest=lowest, highest=highest)
    return tr("± {error:.4f} (standard error)", error=standard_error(share, n))


class Evaluation:
    """Metrics of predicted probabilities y_hat (n, q), given the labels y (n,).

    `classes` has the names of the q classes.
    """

    def __init__(self, y_hat: Tensor, y: Tensor, classes: Sequence[str]):
        """Store the arguments; ValueError unless each class has a name."""
        if len(classes) != y_hat.shape[1]:
            raise ValueError(f"{len(classes)} class names, expected {y_hat.shape[1]}")
        self.y_hat, self.y, self.classes = y_hat, y, classes
        self.confidence, self.predicted = y_hat.max(dim=1)  # (n,), (n,)

    @property
    def accuracy(self) -> float:
        """Return the share of correct predictions, 0 to 1."""
        return int(count_correct(self.y_hat, self.y)) / len(self.y)

    @property
    def uncertainty(self) -> str:
        """Return the uncertainty of the accuracy, formatted."""
        return format_uncertainty(self.accuracy, len(self.y))

    @property
    def loss(self) -> float:
        """Return the mean cross-entropy in nats; probabilities are clamped to keep it finite."""
        tiny = torch.finfo(self.y_hat.dtype).tiny
        picked = self.y_hat.gather(1, self.y.unsqueeze(1)).clamp(min=tiny)
        return -float(picked.double().log().mean())

    def confusion(self) -> Tensor:
        """Return the confusion matrix (q, q): rows are true classes, columns predicted classes."""
        q = self.y_hat.shape[1]
        return torch.bincount(self.y * q + self.predicted, minlength=q * q).reshape(q, q)

    def class_scores(self) -> list[ClassScore]:
        """Return precision, recall and number of examples of each class."""
        right = self.y[self.predicted == self.y]
        correct, predicted, examples = (
            torch.bincount(labels, minlength=len(self.classes)).tolist()
            for labels in (right, self.predicted, self.y)
        )
        return [
            ClassScore(label, c / p if p else None, c / n if n else None, n)
            for label, c, p, n in zip(self.classes, correct, predicted, examples, strict=True)
        ]

    @property
    def is_balanced(self) -> bool:
        """Return True if all classes have the same number of examples."""
        return len(set(torch.bincount(self.y, minlength=len(self.classes)).tolist())) == 1

    @property
    def balanced_accuracy(self) -> float:
        """Return the mean recall of the classes that have examples, 0 to 1.

        It is 1 / q for a model that always predicts the largest class. Brodersen, Ong, Stephan and
        Buhmann (2010), "The balanced accuracy and its posterior distribution".
        """
        recalls = [s.recall for s in self.class_scores() if s.recall is not None]
        return math.fsum(recalls) / len(recalls)

    def reliability(self) -> list[Bin]:
        """Return the non-empty bins of the reliability diagram, each 0.1 wide."""
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
        """Return the expected calibration error.

        It is the mean of |confidence - accuracy| over the bins, weighted by their numbers of
        predictions. Naeini, Cooper, Hauskrecht (2015), section 3.
        """
        bins = self.reliability()
        return math.fsum(b.examples * abs(b.confidence - b.accuracy) for b in bins) / len(self.y)

    def most_confident_errors(self, n: int) -> Tensor:
        """Return the indices of the n wrong predictions with the highest confidence."""
        wrong = (self.predicted != self.y).nonzero().flatten()
        return wrong[self.confidence[wrong].argsort(descending=True, stable=True)[:n]]


def evaluate(model: Model, data_iter: Any) -> Evaluation:
    """Evaluate a model on all batches (X, y) of a loader; the result's tensors are on the CPU.

    The class names are those of the loader's data set.
    """
    n, labels, y_hat = 0, [], torch.empty(0)
    with torch.no_grad():
        for X, y in data_iter:
            probabilities = model.probabilities(X).cpu()
            if not n:  # allocated once: torch.cat would need twice the memory
                y_hat = probabilities.new_empty(len(data_iter.dataset), probabilities.shape[1])
            y_hat[n : n + len(y)] = probabilities
            labels.append(y.cpu())
            n += len(y)
    return Evaluation(y_hat[:n], torch.cat(labels), data_iter.dataset.classes)


def score_table(evaluation: Evaluation) -> str:
    """Format loss, accuracy and the scores of each class as a table."""
    width = max(11, *map(len, evaluation.classes))
    balanced = f"balanced accuracy {evaluation.balanced_accuracy:.4f}   "
    lines = [
        f"loss {evaluation.loss:.4f} nats   "
        f"accuracy {evaluation.accuracy:.4f} {evaluation.uncertainty}   "
        f"{'' if evaluation.is_balanced else balanced}"
        f"calibration error {evaluation.calibration_error():.4f} ({NUM_BINS} bins)",
        f"{'class':<{width}} {'precision':>9} {'recall':>9} {'examples':>9}",
    ]
    for score in evaluation.class_scores():
        shares = (
            f"{'-' if share is None else format(share, '.4f'):>9}"
            for share in (score.precision, score.recall)
        )
        lines.append(f"{score.label:<{width}} {' '.join(shares)} {score.examples:>9,}")
    return "\n".join(lines)
