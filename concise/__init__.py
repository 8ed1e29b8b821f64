"""Softmax regression with the library; the page to read is softmax_regression.py."""

from concise import losses, softmax_regression
from concise.softmax_regression import (
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
