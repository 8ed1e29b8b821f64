"""Data-parallel training from scratch: an all-reduce of the gradients before each step.

The twin of concise/data_parallel.py: same names, same order, same numbers.
Each rank has a shard, m of the n rows of a batch; `shard.weight` is m / n.
"""

import torch


def all_reduce_gradients(shard, gradients):
    """All-reduce the mean gradients of each rank's rows to those of the whole batch.

    The mean over all n rows is the sum over ranks of m / n times the rank's mean.
    """
    flat = shard.weight * torch.cat([g.flatten() for g in gradients])  # one message, not two
    torch.distributed.all_reduce(flat)  # now the sum, on every rank
    pieces = flat.split([g.numel() for g in gradients])
    return [piece.reshape(g.shape) for piece, g in zip(pieces, gradients, strict=True)]


class DataParallel:
    """An optimizer whose step uses the gradients of the whole batch, the same on all ranks."""

    def __init__(self, optimizer, shard):
        self.optimizer, self.shard = optimizer, shard
        for p in optimizer.parameters:  # all ranks start with the values of rank 0
            values = p.contiguous()
            torch.distributed.broadcast(values, src=0)
            p.copy_(values)

    def step(self, gradients):
        """All-reduce the gradients, then take a step."""
        self.optimizer.step(all_reduce_gradients(self.shard, gradients))


def wrap(model, optimizer, shard):
    """Return the model and the optimizer to pass to train_epoch on each rank."""
    return model, DataParallel(optimizer, shard)


def step_with_zero_gradients(model, optimizer):
    """Take part in a step as a rank without rows (weight 0): its gradients are zero."""
    optimizer.step([torch.zeros_like(p) for p in model.parameters()])
