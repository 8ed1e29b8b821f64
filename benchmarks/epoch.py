"""One epoch of training with an evaluation: both twins, and their peers."""

from collections.abc import Iterator

from benchmarks.peers import BOOK, EPOCHS
from benchmarks.shared import THREADS, Peer, seconds_table, take_turns


def measure(rounds: int) -> list[dict]:
    """Time the epochs on one thread and on all cores; return their records."""
    contestants = [Peer(name, work, n) for name, work in EPOCHS.items() for n in THREADS]
    return take_turns(contestants, rounds)


def table(records: list[dict]) -> Iterator[tuple]:
    """Yield a table of the seconds per epoch."""
    return seconds_table("an epoch, training and evaluation", BOOK, records)
