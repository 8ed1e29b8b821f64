"""A command in a child process that dies, fails, or is fed something odd; and what is wrong then.

A child is forked from a process that has PyTorch already: a fault then takes a tenth of a second.
"""

import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from matplotlib.backends import backend_agg  # noqa: F401  imported before, a figure is fast

import concise
import scratch
from d2l_softmax import __main__ as d2l_softmax
from d2l_softmax.commands import train
from d2l_softmax.commands.cli import run_as_program

PATIENCE = 120  # seconds, after which a command hangs
MOST_MEMORY = 1_500  # MB
MOST_CHARACTERS = 2_000  # of a message
SHOWN = "backslashreplace"  # as run_as_program sets it
PROGRAMS = {
    "scratch": lambda argv: train.main(scratch, "scratch", argv),
    "concise": lambda argv: train.main(concise, "concise", argv),
    "d2l_softmax": d2l_softmax.main,
}


class Fault(NamedTuple):
    """A fault to be made: its kind, what it is, and what makes it and says what went wrong."""

    kind: str
    what: str
    make: Callable[[], str]


class Outcome(NamedTuple):
    """How a command ended: its status (negative: of that signal), what it printed, what it took."""

    status: int
    out: str
    err: str
    memory: float  # MB, at its peak
    hangs: bool

    def complaint(self, statuses: tuple[int, ...] = (0, 1, 2), lines: int = 2) -> str:
        """Return what is wrong with such an end, "" if nothing is."""
        if self.hangs:
            return "hangs"
        if "Traceback" in self.err + self.out:
            return f"traceback: {self.err.strip().splitlines()[-1]}"
        if self.status not in statuses:
            return f"status {self.status}: {self.err.strip()[-200:]}"
        if self.status and not 0 < self.err.count("\n") <= lines:
            return f"a message of {self.err.count(chr(10))} lines: {self.err[:200]}"
        if len(self.err) > MOST_CHARACTERS:
            return f"a message of {len(self.err)} characters"
        if self.memory > MOST_MEMORY:
            return f"{self.memory:.0f} MB"
        return ""


def run(
    program: str,
    *arguments: object,
    fault: Callable[[], object] | None = None,
    kill_after: float | None = None,
) -> Outcome:
    """Run a command in a child, `fault` being called there before it; kill it after some time."""
    argv = [str(argument) for argument in arguments]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            become(out.fileno(), err.fileno(), program, argv, fault)
        status, usage, hangs = wait(child, kill_after)
        texts = [read(stream) for stream in (out, err)]
    return Outcome(status, *texts, usage.ru_maxrss / 1024, hangs)


def become(
    out: int, err: int, program: str, argv: list[str], fault: Callable[[], object] | None
) -> None:
    """Do what a command's own process would do, and end."""
    os.dup2(out, 1)
    os.dup2(err, 2)
    sys.stdout = open(1, "w", encoding="utf-8", errors=SHOWN, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding="utf-8", errors=SHOWN, closefd=False)  # noqa: SIM115
    status: object = 1
    try:
        if fault:
            fault()
        run_as_program(program, lambda: PROGRAMS[program](argv))
    except SystemExit as end:
        status = end.code
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(int(status or 0))


def wait(child: int, kill_after: float | None) -> tuple[int, resource.struct_rusage, bool]:
    """Wait for a child, or kill it when its time is up: its status, what it took, if it hung."""
    begin = time.monotonic()
    limit = PATIENCE if kill_after is None else kill_after
    hangs = False
    while True:
        pid, status, usage = os.wait4(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status), usage, hangs
        if time.monotonic() - begin > limit:
            os.kill(child, signal.SIGKILL)
            hangs = kill_after is None
            limit = float("inf")
        time.sleep(0.001)


def read(stream) -> str:
    """Return what was written to a stream."""
    stream.seek(0)
    return stream.read().decode(errors="replace")


def is_whole(folder: Path) -> str:
    """Return what a death left in a folder, "" if nothing."""
    left = [path.name for path in folder.iterdir() if path.name.endswith(".part")]
    return f"left {left}" if left else ""
