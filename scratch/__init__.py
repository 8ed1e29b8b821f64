"""Softmax regression from scratch; start reading in softmax_regression.py."""

from scratch import data_parallel, losses, optimizers, softmax_regression
from scratch.optimizers import SGD, Adam, LinearDecay
from scratch.softmax_regression import SoftmaxRegression, cross_entropy, softmax, train_epoch

__all__ = [
    "SGD",
    "Adam",
    "LinearDecay",
    "SoftmaxRegression",
    "cross_entropy",
    "data_parallel",
    "losses",
    "optimizers",
    "softmax",
    "softmax_regression",
    "train_epoch",
]
