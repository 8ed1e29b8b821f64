"""Softmax regression by hand; the page to read is softmax_regression.py."""

from scratch import losses, softmax_regression
from scratch.softmax_regression import (
    SGD,
    Adam,
    LinearDecay,
    SoftmaxRegression,
    cross_entropy,
    softmax,
    train_epoch,
)

__all__ = [
    "SGD",
    "Adam",
    "LinearDecay",
    "SoftmaxRegression",
    "cross_entropy",
    "losses",
    "softmax",
    "softmax_regression",
    "train_epoch",
]
