"""One epoch of data loading: this project's loader, the book's, and the lower bound."""

from collections.abc import Iterator

from benchmarks.peers import BOOK_LOADER, PASSES
from benchmarks.shared import THREADS, Peer, seconds_table, take_turns


def measure(rounds: int) -> list[dict]:
    """Time data loading on one thread and on all cores; return the records."""
    contestants = [Peer(name, work, n) for name, work in PASSES.items() for n in THREADS]
    return take_turns(contestants, rounds)


def table(records: list[dict]) -> Iterator[tuple]:
    """Yield a table of the seconds per pass over the training data."""
    return seconds_table("one pass over the training data", BOOK_LOADER, records)
