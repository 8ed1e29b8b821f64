"""Three regression losses from the library, each followed by its derivative by autograd.

The twin of scratch/losses.py: same names, same order, same numbers. All are elementwise.
"""

import torch
from torch import nn


def squared(y_hat, y):
    """Return (y_hat - y)² / 2; nn.MSELoss has no ½."""
    return nn.MSELoss(reduction="none")(y_hat, y) / 2


def squared_gradient(y_hat, y):
    """Return the derivative of squared with respect to y_hat."""
    return gradient(squared, y_hat, y)


def l1(y_hat, y):
    """Return |y_hat - y|."""
    return nn.L1Loss(reduction="none")(y_hat, y)


def l1_gradient(y_hat, y):
    """Return the derivative of l1 with respect to y_hat."""
    return gradient(l1, y_hat, y)


def huber(y_hat, y, delta=1.0):
    """Return the squared loss up to an error of delta, and a straight line beyond (Huber, 1964)."""
    return nn.HuberLoss(reduction="none", delta=delta)(y_hat, y)


def huber_gradient(y_hat, y, delta=1.0):
    """Return the derivative of huber with respect to y_hat."""
    return gradient(huber, y_hat, y, delta)


def gradient(loss, y_hat, *arguments):
    """Return the derivative of an elementwise loss with respect to y_hat, in the same shape."""
    y_hat = y_hat.detach().requires_grad_()
    return torch.autograd.grad(loss(y_hat, *arguments).sum(), y_hat)[0]
