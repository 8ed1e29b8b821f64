"""Timing in turns: each peer in a process of its own, round after round, one peer at a time.

In processes of their own because the thread pools of several libraries disturb each other; in
turns because these machines slow down for minutes, and then all peers slow down alike.
"""

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import NamedTuple
from unittest import mock

CORES = os.cpu_count() or 1
THREADS = sorted({1, CORES})
SHORTEST_TURN = 0.5  # seconds; shorter work is repeated and its mean time taken
PAUSE = 0.1  # seconds in which the threads of the peer before stop spinning
START = 0.5  # seconds until all busy neighbours are at work


class Peer(NamedTuple):
    """What is timed: its name, its work, a generator function (see peers.py), and its threads."""

    name: str
    work: Callable[[], Iterator]
    threads: int = CORES


def start_process(peer: Peer) -> ProcessPoolExecutor:
    """Return a process in which the peer is prepared, to submit `take_turn` to."""
    process = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    # What OpenMP, OpenBLAS and MKL, and what XLA take for the number of threads.
    limits = dict.fromkeys(("OMP_NUM_THREADS", "NPROC"), str(peer.threads))
    with mock.patch.dict(os.environ, limits):
        process.submit(prepare, peer.work).result()  # waits: none prepares while another is timed
    return process


def prepare(peer_work: Callable[[], Iterator]) -> None:
    """Prepare a peer's work, in its own process."""
    global work
    # A spawned process would spawn the workers of a DataLoader; the book's reader forks them.
    multiprocessing.set_start_method(None, force=True)
    work = peer_work()
    next(work)


def take_turn() -> tuple[float, object]:
    """Do the prepared work, in the peer's process; return mean seconds and the last result."""
    time.sleep(PAUSE)
    begin = time.perf_counter()
    for times, result in enumerate(work, 1):
        seconds = time.perf_counter() - begin
        if seconds >= SHORTEST_TURN:
            return seconds / times, result


@contextmanager
def neighbours(number: int) -> Iterator[None]:
    """Keep so many other processes busy meanwhile."""
    line = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(line) for _ in range(number)]
    time.sleep(START if number else 0)
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def take_turns(
    peers: Iterable[Peer], rounds: int, warm_up: int = 2, busy: Iterable[int] = (0,)
) -> list[dict]:
    """Let each peer take a turn in each round, beside each number of busy neighbours.

    Return a record of each "peer", with its "threads", beside each number of "busy" ones: the
    "seconds" of each turn and what came of it, the "results". Rounds of warm-up, in which the
    neighbours are quiet, don't count.
    """
    peers, busy = tuple(peers), tuple(busy)
    records = {
        (peer, number): {
            "peer": peer.name,
            "threads": peer.threads,
            "busy": number,
            "seconds": [],
            "results": [],
        }
        for number in busy
        for peer in peers
    }
    with ExitStack() as stack:
        processes = {peer: stack.enter_context(start_process(peer)) for peer in peers}
        for _ in range(warm_up):
            for process in processes.values():
                process.submit(take_turn).result()
        for _ in range(rounds):
            for number in busy:
                with neighbours(number):
                    for peer, process in processes.items():
                        seconds, result = process.submit(take_turn).result()
                        records[peer, number]["seconds"].append(seconds)
                        records[peer, number]["results"].append(result)
    return list(records.values())


def without_results(records: list[dict]) -> list[dict]:
    """Return the records without what came of the turns, where that is known already."""
    return [{key: each for key, each in record.items() if key != "results"} for record in records]
