"""One pass of data loading, and one epoch of training: this project, peers, and lower bounds."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from benchmarks.peers import BOOK, BOOK_LOADER, EPOCHS, PASSES
from benchmarks.shared import THREADS, Peer, seconds_table, take_turns


class Timing(NamedTuple):
    """A measurement of peers that do the same `work`; the table compares them with `than`."""

    work: str
    peers: dict[str, Callable[[], Iterator]]
    than: str

    def measure(self, rounds: int) -> list[dict]:
        """Time the peers on one thread and on all cores; return their records."""
        contestants = [Peer(name, work, n) for name, work in self.peers.items() for n in THREADS]
        return take_turns(contestants, rounds)

    def table(self, records: list[dict]) -> Iterator[tuple]:
        """Yield a table of the seconds of each peer."""
        return seconds_table(self.work, self.than, records)


loading = Timing("one pass over the training data", PASSES, BOOK_LOADER)
epoch = Timing("an epoch, training and evaluation", EPOCHS, BOOK)
