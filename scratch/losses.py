"""Three losses of regression by hand, each beside its gradient by y_hat.

The twin of concise/losses.py: same names, same order, same numbers. All work element by element.
exp(-loss) is, up to a constant, the likelihood of y under the noise for which the loss is made.
"""

import torch


def squared(y_hat, y):
    """Return (y_hat - y)² / 2, made for normal noise; the ½ is there for the derivative."""
    return (y_hat - y) ** 2 / 2


def squared_gradient(y_hat, y):
    """Return the error itself: the further away, the harder the pull."""
    return y_hat - y


def l1(y_hat, y):
    """Return |y_hat - y|, made for Laplace's noise."""
    return (y_hat - y).abs()


def l1_gradient(y_hat, y):
    """Return the error's sign: the same pull everywhere, and 0 at 0, where it jumps."""
    return (y_hat - y).sign()


def huber(y_hat, y, delta=1.0):
    """Return the squared loss up to an error of delta, a straight line beyond (Huber, 1964)."""
    error = (y_hat - y).abs()
    return torch.where(error <= delta, error**2 / 2, delta * (error - delta / 2))


def huber_gradient(y_hat, y, delta=1.0):
    """Return the error, held between -delta and delta: even far away, smooth near zero."""
    return (y_hat - y).clamp(-delta, delta)
