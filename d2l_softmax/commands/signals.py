"""Signals that end a command: at once, or as soon as a training can be left."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from d2l_softmax.startup import PROGRAM, SIGNALS, leave


class Interrupted(KeyboardInterrupt):
    """A signal ended the work, here or there; the command's status is 128 and the signal's number.

    A KeyboardInterrupt, so that nobody takes it for an error.
    """

    def __init__(self, signum: int, where: str = ""):
        """Remember the signal, and say where the work stands and how to go on with it."""
        super().__init__(where)
        self.status = 128 + signum


def interrupt(signum: int, frame: FrameType | None, where: str = "") -> NoReturn:
    """End the work at once; `where` says where it stands and how to go on with it."""
    if PROGRAM and is_importing(frame):
        leave(signum, frame, where)
    raise Interrupted(signum, where)


def is_importing(frame: FrameType | None) -> bool:
    """Tell whether a module is being imported; C++ in it can swallow what a handler raises."""
    while frame:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


class Postponed:
    """A handler that notes the first signal and lets the work go on; the second ends it at once."""

    def __init__(self) -> None:
        self.signum: int | None = None

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        if self.signum is not None:
            interrupt(signum, frame)
        self.signum = signum

    def raise_if_any(self, where: str) -> None:
        """Raise Interrupted, which says where the work stands, if a signal has come."""
        if self.signum is not None:
            raise Interrupted(self.signum, where)


@contextmanager
def handled_by(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Let a handler have the signals meanwhile. What is ignored, as under nohup, stays ignored.

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
