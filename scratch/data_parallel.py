"""Several processes that train as one, by hand: their gradients are added up before each step.

The twin of concise/data_parallel.py: same names, same order, same numbers.
Each process has a share of the n rows of a batch: m of them, and `share.weight` is m / n.
"""

import torch

from d2l_softmax.training.distributed import totals
from d2l_softmax.training.metrics import Accumulator


def add_up(share, gradients):
    """Return the gradients of the whole batch, from those of each process's rows.

    A gradient is a mean over rows. That of all n is the sum over processes of m / n times theirs.
    """
    flat = share.weight * torch.cat([g.flatten() for g in gradients])  # one message, not two
    torch.distributed.all_reduce(flat)  # now the sum, in every process
    parts = flat.split([g.numel() for g in gradients])
    return [part.reshape(g.shape) for part, g in zip(parts, gradients, strict=True)]


class DataParallel:
    """An optimizer that steps along the gradients of all processes: all take the same step."""

    def __init__(self, optimizer, share):
        self.optimizer, self.share = optimizer, share
        for p in optimizer.parameters:  # all start where the first process does
            values = p.contiguous()
            torch.distributed.broadcast(values, src=0)
            p.copy_(values)

    def step(self, gradients):
        """Move each parameter against its gradient over the whole batch."""
        self.optimizer.step(add_up(self.share, gradients))


def wrap(model, optimizer, share):
    """Return the model and the optimizer that a page's train_epoch takes in each process."""
    return model, DataParallel(optimizer, share)


def step_without_rows(model, optimizer):
    """Take part in a step to which this process adds nothing: its weight is 0."""
    optimizer.step([torch.zeros_like(p) for p in model.parameters()])


def train_epoch(model, share, optimizer, page):
    """Run a page's train_epoch on this process's share; return the means over all processes."""
    metric = Accumulator(3)  # sum of losses, correct predictions, examples
    page(model, share, optimizer, metric)
    if share.weight == 0:  # the last batch had fewer rows than there are processes
        step_without_rows(model, optimizer)
    sums = totals(metric[0], metric[1], metric[2])
    return sums[0] / sums[2], sums[1] / sums[2]
