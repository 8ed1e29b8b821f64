"""Softmax regression with torch.nn; start reading in softmax_regression.py."""

from concise import data_parallel, losses, optimizers, softmax_regression
from concise.optimizers import SGD, Adam, LinearDecay
from concise.softmax_regression import SoftmaxRegression, cross_entropy, softmax, train_epoch

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
