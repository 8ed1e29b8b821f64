"""Optimizers from the library: SGD, Adam, and a learning rate that decreases to zero.

The twin of scratch/optimizers.py: same names, same order, same numbers.
"""

import torch

SGD = torch.optim.SGD


Adam = torch.optim.Adam


def LinearDecay(optimizer, epochs):
    """Decrease an optimizer's learning rate after each epoch, linearly from lr to zero."""
    return torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=epochs)
