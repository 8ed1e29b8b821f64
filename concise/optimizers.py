"""Gradient descent from the library: SGD, Adam, and a learning rate that falls to zero.

The twin of scratch/optimizers.py: same names, same order, same numbers.
"""

import torch

SGD = torch.optim.SGD


Adam = torch.optim.Adam


def LinearDecay(optimizer, epochs):
    """Lower an optimizer's learning rate by the same amount after each epoch, from lr to zero."""
    return torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=epochs)
