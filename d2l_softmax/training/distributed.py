"""Data-parallel training: the ranks that `torchrun --nproc-per-node=N -m scratch` starts.

Each rank has the whole model and looks up its shard of the rows of every batch. Rank 0 prints and
writes. Without torchrun there is one rank, and nothing here communicates.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, distributed

from d2l_softmax.errors import UserError


class RankError(UserError, ValueError):
    """Ranks have different options or data; rank 0 prints the message."""


class Launch(NamedTuple):
    """The values of torchrun's environment variables; the defaults are for a single process."""

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    local_world_size: int = 1


def get_launch() -> Launch:
    """Return this process's rank and the number of ranks, in total and on this node."""
    try:
        return Launch(*(int(os.environ[name.upper()]) for name in Launch._fields))
    except (KeyError, ValueError):
        return Launch()


def is_main() -> bool:
    """Return True on the one rank that prints and writes."""
    return get_launch().rank == 0


def count_restarts() -> int:
    """Return how many times torchrun has restarted the ranks after a failure."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0))


@contextmanager
def process_group(device: str) -> Iterator[None]:
    """Initialize the process group in this context."""
    launch = get_launch()
    if launch.world_size == 1 or distributed.is_initialized():
        yield
        return
    if device == "cuda":
        torch.cuda.set_device(launch.local_rank)
    # The store outlives the ranks: without a prefix, it returns addresses from before a restart.
    store, _, _ = next(distributed.rendezvous("env://"))
    store = distributed.PrefixStore(f"restart {count_restarts()}", store)
    distributed.init_process_group(
        "nccl" if device == "cuda" else "gloo",
        store=store,
        rank=launch.rank,
        world_size=launch.world_size,
    )
    yield
    distributed.destroy_process_group()  # not after an error: it might wait for the other ranks


def all_reduce_sums(*numbers: float) -> list[float]:
    """Return the sums of the numbers over all ranks, in double precision."""
    if get_launch().world_size == 1:
        return list(numbers)
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    sums = torch.tensor(numbers, dtype=torch.float64, device=device)
    distributed.all_reduce(sums)
    return sums.tolist()


def broadcast_from_rank0(value: Any) -> Any:
    """Return rank 0's value on all ranks."""
    values = [value]
    if get_launch().world_size > 1:
        distributed.broadcast_object_list(values, src=0)
    return values[0]


def check_equal(what: str, facts: dict[str, Any]) -> None:
    """Raise RankError on all ranks if a value in any rank's `facts` differs from rank 0's.

    `what` names the facts in the message: "options" or "data".
    """
    world_size = get_launch().world_size
    if world_size == 1:
        return
    all_facts: list[dict[str, Any]] = [{}] * world_size
    distributed.all_gather_object(all_facts, facts)
    for rank, facts in enumerate(all_facts):
        for name, expected in all_facts[0].items():
            if facts.get(name) != expected:
                raise RankError(
                    f"rank {rank} of {world_size} has {name} {facts.get(name)}, rank 0 has "
                    f"{expected};",
                    f"give all ranks the same {what}",
                )


class Shard:
    """This rank's share of the rows of each batch of a loader.

    `weight` is this rank's share of the rows of the current batch, 0 to 1. Ranks without rows skip
    the batch (weight 0). Only the last batch of an epoch may have fewer rows than there are ranks.
    """

    def __init__(self, loader: Any, rank: int, world_size: int):
        """Wrap an ArrayLoader, whose generator must be in the same state on all ranks."""
        self.loader, self.rank, self.world_size, self.weight = loader, rank, world_size, 1.0
        self.dataset = loader.dataset

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self.loader)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield this rank's rows of an epoch's batches: X (m, ...) and y (m,)."""
        return self.batches()

    def batches(self, first: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield an epoch's batches from number `first` (from 0); earlier ones are not looked up."""
        self.weight = 1.0
        for indices, draws in self.loader.steps(first):
            rows = indices.tensor_split(self.world_size)[self.rank]
            self.weight = len(rows) / len(indices)
            if len(rows):
                if draws is not None:
                    draws = draws.tensor_split(self.world_size)[self.rank]
                yield self.loader.look_up(rows, draws)
