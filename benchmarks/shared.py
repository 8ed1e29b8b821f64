"""What the measures share: peers that take turns, and the cells of tables.

Each peer works in a process of its own, because the thread pools of several libraries disturb each
other. They take turns, because machines slow down for minutes, and then all peers slow down alike.
"""

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import NamedTuple
from unittest import mock

from d2l_softmax.commands.console import counted

CORES = os.cpu_count() or 1
THREADS = sorted({1, CORES})
SHORTEST_TURN = 0.5  # seconds; shorter work is repeated and its mean time taken
PAUSE = 0.1  # seconds in which the threads of the peer before stop spinning
START = 0.5  # seconds until all busy processes are at work


class Peer(NamedTuple):
    """What is timed: its name, its work, a generator function (see peers.py), and its threads."""

    name: str
    work: Callable[[], Iterator]
    threads: int = CORES


def start_process(peer: Peer) -> ProcessPoolExecutor:
    """Return a process in which the peer is prepared, to submit `take_turn` to."""
    process = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    # The number of threads of OpenMP, OpenBLAS and MKL, and of XLA.
    limits = dict.fromkeys(("OMP_NUM_THREADS", "NPROC"), str(peer.threads))
    with mock.patch.dict(os.environ, limits):
        process.submit(set_up, peer.work).result()  # waits: none prepares while another is timed
    return process


def set_up(peer_work: Callable[[], Iterator]) -> None:
    """Set up a peer's work, in its process."""
    global work
    # A spawned process would spawn the workers of a DataLoader; the book's reader forks them.
    multiprocessing.set_start_method(None, force=True)
    work = peer_work()
    next(work)


def take_turn() -> float:
    """Do the prepared work, in the peer's process; return its mean seconds."""
    time.sleep(PAUSE)
    begin = time.perf_counter()
    for times, _ in enumerate(work, 1):
        seconds = time.perf_counter() - begin
        if seconds >= SHORTEST_TURN:
            return seconds / times


@contextmanager
def busy_processes(number: int) -> Iterator[None]:
    """Run this number of processes that only count."""
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
    """Let each peer take a turn in each round, beside each number of busy processes.

    Return a record of each "peer", with its "threads", for each number of "busy" processes: the
    "seconds" of each turn. Rounds of warm-up, with no busy process, don't count.
    """
    peers, busy = tuple(peers), tuple(busy)
    records = {
        (peer, number): {
            "peer": peer.name,
            "threads": peer.threads,
            "busy": number,
            "seconds": [],
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
                with busy_processes(number):
                    for peer, process in processes.items():
                        seconds = process.submit(take_turn).result()
                        records[peer, number]["seconds"].append(seconds)
    return list(records.values())


def median_and_range(values: list[float], digits: int, unit: str = "") -> tuple[str, str]:
    """Return two cells: the median; minimum and maximum."""
    middle, least, most = median(values), min(values), max(values)
    return f"{middle:.{digits}f}{unit}", f"{least:.{digits}f} to {most:.{digits}f}{unit}"


def ratio(one: list[float], other: list[float]) -> str:
    """Return a cell: the ratio of the medians; minimum and maximum of the rounds' ratios."""
    value, rounds = median(one) / median(other), [a / b for a, b in zip(one, other, strict=True)]
    digits = 2 if value < 10 else 0
    _, extremes = median_and_range(rounds, digits)
    return f"{value:.{digits}f} ({extremes})"


def seconds_of(records: list[dict], name: str, threads: int | None = None, busy: int = 0) -> list:
    """Return a peer's seconds beside this number of busy processes; by default the best threads.

    Empty if the peer was not measured.
    """
    found = [
        each["seconds"]
        for each in records
        if each["peer"] == name and each["busy"] == busy and threads in (None, each["threads"])
    ]
    return min(found, key=median, default=[])


def seconds_table(title: str, than: str, records: list[dict]) -> Iterator[tuple]:
    """Yield each peer's seconds by threads, and how many times faster it is than one of them."""
    threads = sorted({each["threads"] for each in records})
    heads = [
        f"{counted(n, 'thread')}, {what}" for n in threads for what in ("median", "min to max")
    ]
    yield title, *heads, f"times faster than {than}"
    for name in dict.fromkeys(each["peer"] for each in records):
        cells = [median_and_range(seconds_of(records, name, n), 3, " s") for n in threads]
        faster = median(seconds_of(records, than)) / median(seconds_of(records, name))
        yield name, *(cell for pair in cells for cell in pair), f"{faster:.1f}"
