"""One epoch of training with an evaluation: both twins, and the peers that do the same work."""

from collections.abc import Iterator

from benchmarks.peers import BOOK, EPOCHS
from benchmarks.shared import THREADS, Peer, compare, ratio, seconds_of, take_turns

# On one thread: a twin, what it is compared with, the largest ratio of their times wanted.
GOALS = (("scratch", "NumPy by hand", 1.25),)


def measure(rounds: int) -> list[dict]:
    """Return the records of the epochs, on one thread and on all cores."""
    contestants = [Peer(name, work, n) for name, work in EPOCHS.items() for n in THREADS]
    return take_turns(contestants, rounds)


def table(records: list[dict]) -> Iterator[tuple]:
    """Yield the seconds of each epoch."""
    return compare("an epoch, training and evaluation", BOOK, records)


def goals(records: list[dict]) -> Iterator[tuple]:
    """Yield the ratios that are wanted, and those that were measured."""
    yield "an epoch on one thread", "goal", "measured"
    for twin, other, most in GOALS:
        measured = ratio(seconds_of(records, twin, 1), seconds_of(records, other, 1))
        yield f"{twin}, to {other}", f"≤ {most:g}", measured
