"""Data-parallel training with the library: DistributedDataParallel.

The twin of scratch/data_parallel.py: same names, same order, same numbers.
Each rank has a shard, m of the n rows of a batch; `shard.weight` is m / n.
"""

import torch
from torch import distributed, nn


def all_reduce_gradients(shard, bucket):
    """All-reduce the mean gradients of each rank's rows to those of the whole batch.

    The mean over all n rows is the sum over ranks of m / n times the rank's mean.
    Without this hook the library assumes m = n / world size.
    """
    flat = bucket.buffer().mul_(shard.weight)  # all gradients, one after the other
    work = distributed.all_reduce(flat, async_op=True)  # backward() waits for it
    return work.get_future().then(lambda future: future.value()[0])


def DataParallel(model, shard):
    """Return a model whose backward() computes the gradients of the whole batch."""
    parallel = nn.parallel.DistributedDataParallel(model)  # ranks start with the values of rank 0
    parallel.register_comm_hook(shard, all_reduce_gradients)
    return parallel


def wrap(model, optimizer, shard):
    """Return the model and the optimizer to pass to train_epoch on each rank."""
    return DataParallel(model, shard), optimizer


def step_with_zero_gradients(model, optimizer):
    """Take part in a step as a rank without rows (weight 0): its gradients are zero."""
    optimizer.zero_grad()
    model(torch.zeros_like(model.module.W.T)).sum().backward()
    optimizer.step()
