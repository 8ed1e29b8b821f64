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
SHORTEST_TURN = 0.5  # seconds; shorter work is repeated and its mean time taken
PAUSE = 0.1  # seconds in which the threads of the peer before stop spinning


class Peer:
    """A process that makes ready once and then does its work whenever it is told to."""

    def __init__(self, make: Callable[[], Callable[[], object]]):
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, make))
        self.process.start()
        theirs.close()
        self.connection.recv()  # ready: nobody makes ready while another is timed

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *exception) -> None:
        self.connection.close()
        self.process.join()

    def turn(self, meanwhile: Callable[[], None] | None = None) -> tuple[float, object]:
        """Let it do its work; return its (mean) seconds and what came of it last.

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
    connection.send("ready")
    while True:
        try:
            connection.recv()
        except EOFError:
            return
        start, times = time.perf_counter(), 0
        while times == 0 or time.perf_counter() - start < SHORTEST_TURN:
            result = work()
            times += 1
        connection.send(((time.perf_counter() - start) / times, result))


def alternate(
    peers: dict[str, Callable[[], Callable[[], object]]], repeats: int, warm_up: int = 2
) -> dict[str, list[float]]:
    """Time each peer in turn, again and again; return seconds by name, warm-up rounds left out."""
    turns = in_turns(peers, warm_up + repeats)
    return {name: [seconds for seconds, _ in each[warm_up:]] for name, each in turns.items()}


def in_turns(
    peers: dict[str, Callable[[], Callable[[], object]]], rounds: int
) -> dict[str, list[tuple[float, object]]]:
    """Let each peer work in turn, round by round; return (seconds, result) of its turns by name."""
    turns = {name: [] for name in peers}
    with ExitStack() as stack:
        running = {name: stack.enter_context(Peer(make)) for name, make in peers.items()}
        for _ in range(rounds):
            for name, peer in running.items():
                turns[name].append(peer.turn())
    return turns
