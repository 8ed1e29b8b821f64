"""Shared by the measurements: timing peers in turns, and formatting table cells.

Each peer runs in its own process, because the thread pools of different libraries disturb each
other. The peers take turns: if the machine slows down for minutes, it affects all of them.
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
SHORTEST_TURN = 0.5  # seconds; shorter work is repeated, and the mean is recorded
PAUSE = 0.1  # seconds, until the threads of the previous peer stop spinning
START = 0.5  # seconds, until all busy processes are running


class Peer(NamedTuple):
    """An implementation to time: its name, its generator function (see peers.py), its threads."""

    name: str
    work: Callable[[], Iterator]
    threads: int = CORES


def start_process(peer: Peer) -> ProcessPoolExecutor:
    """Start a process and set up a peer in it; each `take_turn` submitted to it is a timing."""
    process = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    # The number of threads of OpenMP, OpenBLAS and MKL, and of XLA.
    limits = dict.fromkeys(("OMP_NUM_THREADS", "NPROC"), str(peer.threads))
    with mock.patch.dict(os.environ, limits):
        process.submit(set_up, peer.work).result()  # or set-up would disturb timings
    return process


def set_up(peer_work: Callable[[], Iterator]) -> None:
    """Run a peer up to its first yield, in its process."""
    global work
    # A spawned process would spawn the workers of a DataLoader; the book's readers fork them.
    multiprocessing.set_start_method(None, force=True)
    work = peer_work()
    next(work)


def take_turn() -> float:
    """Time the work of the peer in this process; return the mean seconds of its repetitions."""
    time.sleep(PAUSE)
    begin = time.perf_counter()
    for times, _ in enumerate(work, 1):
        seconds = time.perf_counter() - begin
        if seconds >= SHORTEST_TURN:
            return seconds / times


@contextmanager
def busy_processes(number: int) -> Iterator[None]:
    """Run processes in endless loops, which keep this number of cores busy."""
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
    """Time each peer once per round and number of busy processes; return the records.

    There is a record for each peer and each number of busy processes, with keys "peer", "threads",
    "busy", and "seconds", a list with a value for each round. Warm-up rounds, which have no busy
    processes, are not recorded.
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
    """Return two cells: the median, and minimum to maximum."""
    middle, least, most = median(values), min(values), max(values)
    return f"{middle:.{digits}f}{unit}", f"{least:.{digits}f} to {most:.{digits}f}{unit}"


def ratio(one: list[float], other: list[float]) -> str:
    """Return a cell: the ratio of medians (minimum to maximum of the ratios by round)."""
    value, rounds = median(one) / median(other), [a / b for a, b in zip(one, other, strict=True)]
    digits = 2 if value < 10 else 0
    _, extremes = median_and_range(rounds, digits)
    return f"{value:.{digits}f} ({extremes})"


def seconds_of(records: list[dict], name: str, threads: int | None = None, busy: int = 0) -> list:
    """Return a peer's seconds from the records, or an empty list if it was not measured.

    `threads` defaults to the number of threads with the smallest median.
    """
    found = [
        each["seconds"]
        for each in records
        if each["peer"] == name and each["busy"] == busy and threads in (None, each["threads"])
    ]
    return min(found, key=median, default=[])


def seconds_table(title: str, than: str, records: list[dict]) -> Iterator[tuple]:
    """Yield a table of each peer's seconds by threads, and its speed-up over the peer `than`."""
    threads = sorted({each["threads"] for each in records})
    heads = [
        f"{counted(n, 'thread')}, {what}" for n in threads for what in ("median", "min to max")
    ]
    yield title, *heads, f"times faster than {than}"
    for name in dict.fromkeys(each["peer"] for each in records):
        cells = [median_and_range(seconds_of(records, name, n), 3, " s") for n in threads]
        faster = median(seconds_of(records, than)) / median(seconds_of(records, name))
        yield name, *(cell for pair in cells for cell in pair), f"{faster:.1f}"
