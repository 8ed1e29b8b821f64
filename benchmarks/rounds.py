"""Timing in turns: each peer in a process of its own, round after round, one peer at a time.

In processes of their own because the thread pools of several libraries disturb each other; in
turns because these machines slow down for minutes, and then all peers slow down alike.
"""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack

SHORTEST_TURN = 0.5  # seconds; shorter work is repeated and its mean time taken
PAUSE = 0.1  # seconds in which the threads of the peer before stop spinning
Peer = Callable[[], Iterator]  # see peers.py


def start_process(peer: Peer) -> ProcessPoolExecutor:
    """Return a process in which the peer is prepared, to submit `take_turn` to."""
    process = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    process.submit(prepare, peer).result()  # waits: none prepares while another is timed
    return process


def prepare(peer: Peer) -> None:
    """Prepare the peer, in its own process."""
    global work
    # A spawned process would spawn the workers of a DataLoader; the book's reader forks them.
    multiprocessing.set_start_method(None, force=True)
    work = peer()
    next(work)


def take_turn() -> tuple[float, object]:
    """Do the prepared work, in the peer's process; return mean seconds and the last result."""
    time.sleep(PAUSE)
    begin = time.perf_counter()
    for times, result in enumerate(work, 1):
        seconds = time.perf_counter() - begin
        if seconds >= SHORTEST_TURN:
            return seconds / times, result


def take_turns(peers: dict[str, Peer], rounds: int, warm_up=2, results=False) -> dict[str, list]:
    """Let each peer take a turn in each round, after rounds of warm-up that don't count.

    Return by name the seconds of each turn, or with `results` what the work yielded last in it.
    """
    turns = {name: [] for name in peers}
    with ExitStack() as stack:
        processes = {name: stack.enter_context(start_process(peer)) for name, peer in peers.items()}
        for _ in range(warm_up + rounds):
            for name, process in processes.items():
                seconds, result = process.submit(take_turn).result()
                turns[name].append(result if results else seconds)
    return {name: each[warm_up:] for name, each in turns.items()}
