"""Data-parallel training with the library: DistributedDataParallel.

The twin of scratch/data_parallel.py: same names, same order, same numbers.
Each rank has a shard of the n rows of a batch: m of them, and `shard.weight` is m / n.
"""

import torch
from torch import distributed, nn


def all_reduce_gradients(shard, bucket):
    """Return the gradients of the whole batch, from those of each rank's rows.

    A gradient is a mean over rows. That of all n is the sum over ranks of m / n times theirs.
    The library would take m = n / world size for granted.
    """
    flat = bucket.buffer().mul_(shard.weight)  # all gradients, one after the other
    work = distributed.all_reduce(flat, async_op=True)  # backward() waits for it
    return work.get_future().then(lambda future: future.value()[0])


def DataParallel(model, shard):
    """Return a model whose backward() leaves the gradients of all ranks."""
    parallel = nn.parallel.DistributedDataParallel(model)  # all start where rank 0 does
    parallel.register_comm_hook(shard, all_reduce_gradients)
    return parallel


def wrap(model, optimizer, shard):
    """Return the model and the optimizer that train_epoch takes on each rank."""
    return DataParallel(model, shard), optimizer


def step_with_zero_gradients(model, optimizer):
    """Take part in a step to which this rank adds nothing: its weight is 0."""
    optimizer.zero_grad()
    model(torch.zeros_like(model.module.W.T)).sum().backward()
    optimizer.step()
