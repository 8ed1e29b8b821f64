"""Signals that end a command: at once, or, of a training, after the batch."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from d2l_softmax.training.distributed import get_launch

# Ctrl-C, `kill`, a terminal that is closed
SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Interrupted(KeyboardInterrupt):
    """A signal ended the work; the command's status is 128 and the signal's number.

    A KeyboardInterrupt, so that nobody takes it for an error. The message says how far it came.
    """

    def __init__(self, signum: int, message: str = ""):
        super().__init__(message)
        self.signum = signum


def interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    """Handle a signal: end the work at once."""
    raise Interrupted(signum)


class StopRequest:
    """A handler that notes a signal in `signum`, for a loop to read; a second Ctrl-C ends it there.

    Under torchrun a second one is only noted, too: it sends on what a terminal has sent to all.
    """

    signum: int | None = None

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        if signum == signal.SIGINT and get_launch().world_size == 1:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self.signum = signum


@contextmanager
def handled_by(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Handle the signals in this context. What is ignored, as under nohup, stays ignored.

    Python lets only the main thread handle signals; elsewhere nothing is changed.
    """
    handlers = {signum: signal.getsignal(signum) for signum in SIGNALS}
    ours = {s: before for s, before in handlers.items() if before not in (signal.SIG_IGN, None)}
    if threading.current_thread() is not threading.main_thread():
        ours = {}
    for signum in ours:
        signal.signal(signum, handler)
    try:
        yield
    finally:
        for signum, before in ours.items():
            signal.signal(signum, before)
