"""What a command needs before PyTorch is imported, which takes more than a second.

The twins' packages import this first: `python -m scratch` imports the package `scratch` before its
own `__main__`. In any other program it does nothing.
"""

import contextlib
import io
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import NamedTuple, NoReturn

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

PROGRAMS = ("scratch", "concise", "d2l_softmax")
# What ends a command: Ctrl-C, `kill`, a terminal that is closed.
SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Place(NamedTuple):
    """Where a process stands among those that torchrun started: ranks count from 0."""

    rank: int = 0
    size: int = 1
    rank_on_machine: int = 0
    size_on_machine: int = 1


TORCHRUN_SAYS = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")  # the fields of a Place
# Asks the others whether this process is the first to speak; training/processes.py sets it.
ask_others: Callable[[], bool] | None = None


def place_of_process() -> Place:
    """Return what torchrun says of this process; a process that it didn't start is alone."""
    try:
        place = Place(*(int(os.environ[name]) for name in TORCHRUN_SAYS))
    except (KeyError, ValueError):
        return Place()
    return place if place.size > 1 else Place()


def speaks() -> bool:
    """Tell whether this process may say how the command ended: one of several does."""
    if ask_others:
        return ask_others()
    return place_of_process().size == 1 or is_first_on_machine()


def is_first_on_machine() -> bool:
    """Tell whether no process here has spoken, before they have met.

    The first makes a folder among those that torchrun makes for this start of the processes.
    """
    folders = os.path.dirname(os.path.dirname(os.environ.get("TORCHELASTIC_ERROR_FILE", "")))
    try:
        os.mkdir(os.path.join(folders, "spoken") if folders else "")
    except FileExistsError:
        return False
    except OSError:  # no such folders: another torchrun
        return place_of_process().rank_on_machine == 0
    return True


def interrupted(signum: int, where: str) -> str:
    """Return how a signal ended the command, in words; `where` says where the work stands."""
    from_torchrun = signum == signal.SIGTERM and place_of_process().size > 1
    by = " by torchrun (has another process ended?)" if from_torchrun else ""
    return f"interrupted{by} {where}".strip()


def prepare() -> None:
    """Make streams usable; until the command itself begins, let a signal end it in one line."""
    open_closed_streams()
    os.environ["MPLBACKEND"] = "agg"  # commands draw to files, and a wrong name would end them
    for signum in SIGNALS:
        if signal.getsignal(signum) is not signal.SIG_IGN:  # nohup and the like stay in force
            signal.signal(signum, leave)
    sys.excepthook = say_what_failed
    if resource:
        try_memory(resource.getrlimit(resource.RLIMIT_AS)[0])


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


def try_memory(limit: int) -> None:
    """Where memory is limited (`ulimit -v`), let a child try whether PyTorch can be imported.

    If it can't, C++ may end the process before Python hears of it.
    """
    if limit == resource.RLIM_INFINITY:
        return
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        with contextlib.suppress(Exception):  # the parent will see it, too
            import torch  # noqa: F401
        os._exit(0)
    if os.WIFSIGNALED(os.waitpid(child, 0)[1]):
        write_error(
            f"python -m {PROGRAM}: {limit // 1_000_000:,} MB of memory, as ulimit -v allows, are "
            "not enough to import PyTorch"
        )
        os._exit(1)


def leave(signum: int, frame: FrameType | None, where: str = "") -> NoReturn:
    """End the program at once: half imported, a library can crash, or take no notice."""
    with contextlib.suppress(ValueError):  # another thread than the main one
        for other in SIGNALS:  # none comes between the right to speak and the line
            signal.signal(other, signal.SIG_IGN)
    if speaks():
        write_error(f"python -m {PROGRAM}: {interrupted(signum, where)}")
    os._exit(128 + signum)


def say_what_failed(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Say in one line that a library can't be imported: memory or a file of its own is missing."""
    if isinstance(error, (ImportError, MemoryError, OSError, SystemError)):
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
