"""Data-parallel training by hand: ranks add up their gradients before each step.

The twin of concise/data_parallel.py: same names, same order, same numbers.
Each rank has a shard of the n rows of a batch: m of them, and `shard.weight` is m / n.
"""

import torch


def all_reduce_gradients(shard, gradients):
    """Return the gradients of the whole batch, from those of each rank's rows.

    A gradient is a mean over rows. That of all n is the sum over ranks of m / n times theirs.
    """
    flat = shard.weight * torch.cat([g.flatten() for g in gradients])  # one message, not two
    torch.distributed.all_reduce(flat)  # now the sum, on every rank
    pieces = flat.split([g.numel() for g in gradients])
    return [piece.reshape(g.shape) for piece, g in zip(pieces, gradients, strict=True)]


class DataParallel:
    """An optimizer that steps along the gradients of all ranks: all take the same step."""

    def __init__(self, optimizer, shard):
        self.optimizer, self.shard = optimizer, shard
        for p in optimizer.parameters:  # all start where rank 0 does
            values = p.contiguous()
            torch.distributed.broadcast(values, src=0)
            p.copy_(values)

    def step(self, gradients):
        """Move each parameter against its gradient over the whole batch."""
        self.optimizer.step(all_reduce_gradients(self.shard, gradients))


def wrap(model, optimizer, shard):
    """Return the model and the optimizer that train_epoch takes on each rank."""
    return model, DataParallel(optimizer, shard)


def step_with_zero_gradients(model, optimizer):
    """Take part in a step to which this rank adds nothing: its weight is 0."""
    optimizer.step([torch.zeros_like(p) for p in model.parameters()])
