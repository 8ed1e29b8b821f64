"""Several processes that train as one, with the library: DistributedDataParallel.

The twin of scratch/data_parallel.py: same names, same order, same numbers.
Each process has a share of the n rows of a batch: m of them, and `share.weight` is m / n.
"""

import torch
from torch import distributed, nn

from d2l_softmax.training.distributed import totals
from d2l_softmax.training.metrics import Accumulator


def add_up(share, bucket):
    """Return the gradients of the whole batch, from those of each process's rows.

    A gradient is a mean over rows. That of all n is the sum over processes of m / n times theirs.
    The library would take m = n / processes for granted.
    """
    flat = bucket.buffer().mul_(share.weight)  # all gradients, one after the other
    work = distributed.all_reduce(flat, async_op=True)  # backward() waits for it
    return work.get_future().then(lambda future: future.value()[0])


def DataParallel(model, share):
    """Return a model whose backward() leaves the gradients of all processes."""
    parallel = nn.parallel.DistributedDataParallel(model)  # all start where the first process does
    parallel.register_comm_hook(share, add_up)
    return parallel


def wrap(model, optimizer, share):
    """Return the model and the optimizer that a page's train_epoch takes in each process."""
    return DataParallel(model, share), optimizer


def step_without_rows(model, optimizer):
    """Take part in a step to which this process adds nothing: its weight is 0."""
    optimizer.zero_grad()
    model(torch.zeros_like(model.module.W.T)).sum().backward()
    optimizer.step()


def train_epoch(model, share, optimizer, page):
    """Run a page's train_epoch on this process's share; return the means over all processes."""
    metric = Accumulator(3)  # sum of losses, correct predictions, examples
    page(model, share, optimizer, metric)
    if share.weight == 0:  # the last batch had fewer rows than there are processes
        step_without_rows(model, optimizer)
    sums = totals(metric[0], metric[1], metric[2])
    return sums[0] / sums[2], sums[1] / sums[2]
