"""What a command needs before PyTorch is imported, which takes more than a second.

The twins' packages import this first: `python -m scratch` imports the package `scratch` before its
own `__main__`. In any other program it does nothing.
"""

import contextlib
import io
import os
import signal
import sys
from types import FrameType, TracebackType
from typing import NoReturn

PROGRAMS = ("scratch", "concise", "d2l_softmax")
# What ends a command: Ctrl-C, `kill`, a terminal that is closed.
SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


def prepare() -> None:
    """Make streams usable; until the command itself begins, let a signal end it in one line."""
    open_closed_streams()
    for signum in SIGNALS:
        if signal.getsignal(signum) is not signal.SIG_IGN:  # nohup and the like stay in force
            signal.signal(signum, leave)
    sys.excepthook = say_what_failed


def open_closed_streams() -> None:
    """Let what is written to closed streams vanish, and no character be unprintable.

    Without that, the first file that is opened would take the place of a closed stream.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r+", encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def leave(signum: int, frame: FrameType | None) -> NoReturn:
    """End the program at once: half imported, PyTorch can't be trusted to clean up."""
    write_error(f"python -m {PROGRAM}: interrupted")
    os._exit(128 + signum)


def say_what_failed(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Say in one line that a library can't be imported: memory or a file of its own is missing."""
    if isinstance(error, (ImportError, MemoryError, OSError)):
        first_line = (str(error) or kind.__name__).splitlines()[0]
        write_error(f"python -m {PROGRAM}: a library can't be loaded: {first_line}")
    else:
        sys.__excepthook__(kind, error, traceback)


def name_of_program() -> str | None:
    """Return which of our programs this process is, if it is one and is only being imported."""
    if sys.argv[:1] != ["-m"]:  # what `python -m` puts there until the program is found
        return None
    following = dict(zip(sys.orig_argv, sys.orig_argv[1:], strict=False))
    return following.get("-m") if following.get("-m") in PROGRAMS else None


def write_error(line: str) -> None:
    """Write a line to standard error, whatever state it is in."""
    with contextlib.suppress(OSError):
        os.write(2, f"{line}\n".encode(errors="backslashreplace"))


PROGRAM = name_of_program()
if PROGRAM:
    prepare()
