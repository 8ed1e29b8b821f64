"""Softmax regression by hand; the page to read is softmax_regression.py."""

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
    "softmax",
    "train_epoch",
]
