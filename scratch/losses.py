"""Three losses of regression by hand, each above its derivative with respect to y_hat.

The twin of concise/losses.py: same names, same order, same numbers. All work element by element.
Minimizing a loss maximizes the likelihood exp(-loss): each loss belongs to a distribution of noise.
"""

import torch


def squared(y_hat, y):
    """Return (y_hat - y)² / 2, for normal noise; the ½ cancels the 2 of the derivative."""
    return (y_hat - y) ** 2 / 2


def squared_gradient(y_hat, y):
    """Return y_hat - y: the larger the error, the larger the gradient."""
    return y_hat - y


def l1(y_hat, y):
    """Return |y_hat - y|, for Laplacian noise."""
    return (y_hat - y).abs()


def l1_gradient(y_hat, y):
    """Return the sign of y_hat - y: the same size for every error; it jumps at 0."""
    return (y_hat - y).sign()


def huber(y_hat, y, delta=1.0):
    """Return the squared loss for errors up to delta, beyond it a straight line (Huber, 1964)."""
    error = (y_hat - y).abs()
    return torch.where(error <= delta, error**2 / 2, delta * (error - delta / 2))


def huber_gradient(y_hat, y, delta=1.0):
    """Return y_hat - y, limited to [-delta, delta]: constant for large errors, smooth near 0."""
    return (y_hat - y).clamp(-delta, delta)
