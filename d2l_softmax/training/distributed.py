"""Several processes that train as one: what `torchrun --nproc-per-node=N -m scratch` starts.

Each has the whole model and, of each batch, a share of the rows. What they have to say to each
other goes through torch.distributed, or, before all have met, through torchrun's store.
"""

import itertools
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, distributed

from d2l_softmax import startup
from d2l_softmax.errors import UserError
from d2l_softmax.training.metrics import count_all_correct

GRACE = 5  # seconds that the main thread has to handle a signal


class LostProcessError(UserError, RuntimeError):
    """Another process of the training can't be reached any more; the message says how to go on."""


class UnequalProcessesError(UserError, ValueError):
    """Processes were given other options or data than the first; the message names them."""


class Group:
    """The processes of a training: this one's `rank`, from 0, and how many there are.

    `where` says where the last checkpoint stands, and how to go on from it.
    """

    def __init__(self, rank: int = 0, size: int = 1, store: Any = None):
        """Keep what is given; the store is torchrun's, and a process alone has none."""
        self.rank, self.size, self.store = rank, size, store
        self.where: Callable[[], str] = lambda: "the training had not begun"

    @property
    def is_first(self) -> bool:
        """Tell whether this is the process that prints and writes."""
        return self.rank == 0

    def is_first_to_speak(self) -> bool:
        """Tell whether no other process has said how the command ended; from now on, one has."""
        try:
            return self.store.add("spoken", 1) == 1
        except RuntimeError:  # the store is gone, and maybe the others
            return True

    def compare(self, what: str, facts: dict[str, Any]) -> None:
        """Wait for all; raise UnequalProcessesError if their facts are not those of the first."""
        if self.size == 1:
            return
        self.store.set(f"{what} of {self.rank}", json.dumps(facts))
        for rank in range(self.size):
            theirs = json.loads(self.read(f"{what} of {rank}"))
            if rank == 0:
                expected = theirs
            for name in expected:
                if theirs.get(name) != expected[name]:
                    raise UnequalProcessesError(
                        f"process {rank} of {self.size} has {name} {theirs.get(name)}, process 0 "
                        f"has {expected[name]};",
                        f"give all processes the same {what}",
                    )

    def read(self, key: str) -> bytes:
        """Return what a process writes to the store, once it has; signals can end the wait."""
        while not self.store.check([key]):
            time.sleep(0.01)
        return self.store.get(key)

    def from_first(self, work: Callable[[], Any]) -> Any:
        """Let the first process do some work, and return its result in all of them."""
        result = [work() if self.is_first else None]
        if self.size > 1:
            distributed.broadcast_object_list(result, src=0)
        return result[0]

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.size > 1:
            totals(0.0)

    def sums_of_all(self, state: dict[str, Any]) -> dict[str, Any]:
        """Return the state of an accumulator that had added what all processes' have added."""
        if self.size == 1:
            return state
        columns = zip(state["sums"], *state["waiting"], strict=True)
        additions = state["additions"] + len(state["waiting"])
        return {"sums": totals(*map(sum, columns)), "waiting": [], "additions": additions}

    def part_of_sums(self, state: dict[str, Any] | None) -> dict[str, Any] | None:
        """Return the state of which `sums_of_all`, of as many equal ones, would make this one."""
        if self.size == 1 or state is None:
            return state
        return {
            "sums": [number / self.size for number in state["sums"]],
            "waiting": [[number / self.size for number in row] for row in state["waiting"]],
            "additions": state["additions"],
        }


ALONE = Group()


class Share:
    """A loader's batches, of which this process looks up its share of the rows.

    `weight` is the part of the batch's rows that it has, 0 to 1. A batch may be smaller than the
    number of processes: who has no row of it gets no batch, and then `weight` is 0. Only the last
    batch of a pass may be so small.
    """

    def __init__(self, loader: Any, group: Group):
        """Wrap an ArrayLoader; all processes must draw the same order from equal generators."""
        self.loader, self.group, self.weight = loader, group, 1.0

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self.loader)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield a pass over this process's share: X (m, ...) and y (m,), where m may vary by 1."""
        return self.batches()

    def batches(self, first: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield a pass from the batch `first` (from 0) on; those before are not looked up."""
        self.weight = 1.0
        for indices in itertools.islice(self.loader.indices(), first, None):
            rows = indices.tensor_split(self.group.size)[self.group.rank]
            self.weight = len(rows) / len(indices)
            if len(rows):
                yield self.loader.dataset[rows]


def totals(*numbers: float) -> list[float]:
    """Return the sums of the numbers over all processes, in double precision."""
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    sums = torch.tensor(numbers, dtype=torch.float64, device=device)
    distributed.all_reduce(sums)
    return sums.tolist()


def evaluate_accuracy(net: Callable[[Tensor], Tensor], share: Share) -> float:
    """Return the share of correct predictions over all processes' rows, 0 to 1."""
    correct, examples = totals(*count_all_correct(net, share))
    return correct / examples


@contextmanager
def joined(device: str, options: dict[str, Any]) -> Iterator[Group]:
    """Meet the processes that torchrun started, and be one of their group meanwhile.

    Raises UnequalProcessesError if they have other options, LostProcessError when one is gone.
    """
    place = startup.place_of_process()
    if place.size == 1:
        yield ALONE
        return
    group = Group(place.rank, place.size)
    try:
        meet(group, place.rank_on_machine, device, options)
        yield group
    except RuntimeError as error:
        if isinstance(error, UserError) or not is_broken_connection(error):
            raise
        raise LostProcessError(
            f"another of the {group.size} processes ended, or can't be reached; {group.where()}"
        ) from error
    distributed.destroy_process_group()  # not after an error: it might wait for the others


def meet(group: Group, rank_on_machine: int, device: str, options: dict[str, Any]) -> None:
    """Find the others through torchrun's store, compare options, and connect."""
    store, _, _ = next(distributed.rendezvous("env://"))
    group.store = distributed.PrefixStore(f"start {times_restarted()}", store)
    startup.ask_others = group.is_first_to_speak
    end_when_stuck(group)
    group.compare("options", options)
    if device == "cuda":
        torch.cuda.set_device(rank_on_machine)
    distributed.init_process_group(
        "nccl" if device == "cuda" else "gloo",
        store=group.store,
        rank=group.rank,
        world_size=group.size,
    )


def end_when_stuck(group: Group) -> None:
    """Let a signal end this process also where its main thread waits for another, in C++.

    Python's handlers run in the main thread alone, and not before it is back from there. A process
    that gets one of our signals is to end in any case.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def end() -> None:
        signum = os.read(reading, 1)[0]
        time.sleep(GRACE)
        startup.leave(signum, None, f"while it waited for another process; {group.where()}")

    threading.Thread(target=end, daemon=True).start()


def is_broken_connection(error: RuntimeError) -> bool:
    """Tell whether torch.distributed could not reach a process."""
    return isinstance(error, distributed.DistError) or "gloo" in str(error)


def restarts_are_left() -> bool:
    """Tell whether torchrun will start the processes again if one dies."""
    return times_restarted() < int(os.environ.get("TORCHELASTIC_MAX_RESTARTS", 0))


def times_restarted() -> int:
    """Return how often torchrun started the processes again because one had died."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0))
