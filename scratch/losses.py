"""Three regression losses from scratch, each followed by its derivative with respect to y_hat.

The twin of concise/losses.py: same names, same order, same numbers. All are elementwise.
Minimizing a loss maximizes the likelihood exp(-loss), so each loss assumes a distribution of noise.
"""

import torch


def squared(y_hat, y):
    """Return (y_hat - y)² / 2, which assumes normal noise; the derivative cancels the ½."""
    return (y_hat - y) ** 2 / 2


def squared_gradient(y_hat, y):
    """Return y_hat - y: the gradient grows with the error."""
    return y_hat - y


def l1(y_hat, y):
    """Return |y_hat - y|, which assumes Laplacian noise."""
    return (y_hat - y).abs()


def l1_gradient(y_hat, y):
    """Return the sign of y_hat - y: its size is 1 for every error, and it jumps at 0."""
    return (y_hat - y).sign()


def huber(y_hat, y, delta=1.0):
    """Return the squared loss up to an error of delta, and a straight line beyond (Huber, 1964)."""
    error = (y_hat - y).abs()
    return torch.where(error <= delta, error**2 / 2, delta * (error - delta / 2))


def huber_gradient(y_hat, y, delta=1.0):
    """Return y_hat - y, clamped to [-delta, delta]: constant for large errors, no jump at 0."""
    return (y_hat - y).clamp(-delta, delta)
