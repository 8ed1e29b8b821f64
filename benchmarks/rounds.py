"""Timing by turns: each peer in a process of its own, round by round, one at a time.

Separate processes because thread pools of several libraries in one disturb each other; in turns
because these machines drift, and then the drift hits all alike.
"""

import multiprocessing
import time
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.connection import Connection

SAMPLE = 0.01  # seconds between two calls of `meanwhile`
PAUSE = 0.1  # seconds in which the threads of the peer before stop spinning


class Peer:
    """A process that makes ready once and then does its work whenever it is told to."""

    def __init__(self, make: Callable[[], Callable[[], object]]):
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, make))
        self.process.start()
        theirs.close()

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *exception) -> None:
        self.connection.close()
        self.process.join()

    def turn(self, meanwhile: Callable[[], None] | None = None) -> tuple[float, object]:
        """Let it do its work; return its seconds and what came of it.

        `meanwhile` is called now and then while it works.
        """
        time.sleep(PAUSE)
        self.connection.send(None)
        while meanwhile and not self.connection.poll(SAMPLE):
            meanwhile()
        return self.connection.recv()


def serve(connection: Connection, make: Callable[[], Callable[[], object]]) -> None:
    """Do the work each time the other end asks, until it hangs up."""
    # Spawned processes spawn in turn unless told otherwise: a book's reader's workers are forked.
    multiprocessing.set_start_method(None, force=True)
    work = make()
    while True:
        try:
            connection.recv()
        except EOFError:
            return
        start = time.perf_counter()
        result = work()
        connection.send((time.perf_counter() - start, result))


def alternate(
    peers: dict[str, Callable[[], Callable[[], object]]], repeats: int, warm_up: int = 2
) -> dict[str, list[float]]:
    """Time each peer in turn, again and again; return seconds by name, warm-up rounds left out."""
    seconds = {name: [] for name in peers}
    with ExitStack() as stack:
        running = {name: stack.enter_context(Peer(make)) for name, make in peers.items()}
        for _ in range(warm_up + repeats):
            for name, peer in running.items():
                seconds[name].append(peer.turn()[0])
    return {name: measured[warm_up:] for name, measured in seconds.items()}
