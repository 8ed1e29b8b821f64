"""Run a command in a child process, and check its exit status, messages and memory.

A child is forked from a process that has imported PyTorch, so that it starts in a tenth of a
second.
"""

import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from matplotlib.backends import backend_agg  # noqa: F401  imported once, before forking
from matplotlib.figure import Figure
from tqdm import tqdm

import concise
import scratch
from d2l_softmax import __main__ as d2l_softmax
from d2l_softmax.commands import train
from d2l_softmax.commands.cli import run_as_program
from d2l_softmax.commands.train import HISTORY, MODEL
from d2l_softmax.io import PART
from d2l_softmax.training.history import load_history

PATIENCE = 120  # seconds, after which a command is considered hanging
MOST_MEMORY = 1_500  # MB
SHOWN = "backslashreplace"  # as run_as_program sets it
PROGRAMS = {
    "scratch": lambda argv: train.main(scratch, "scratch", argv),
    "concise": lambda argv: train.main(concise, "concise", argv),
    "d2l_softmax": d2l_softmax.main,
}
FILES = {  # of a completed run
    *("checkpoint.pt", "config.json", "history.csv", "model.pt", "model.json", ".lock"),
    *("report.html", "scores.csv"),
    *("curves.png", "confusion.png", "mistakes.png", "predictions.png", "reliability.png"),
    "templates.png",
}


SPECIAL_FILES: dict[str, Callable[[Path], object]] = {  # functions that make them, by name
    "a pipe": os.mkfifo,
    "/dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "a folder": Path.mkdir,
    "a link to itself": lambda path: path.symlink_to(path),
}


def sparse(size: int) -> Callable[[Path], object]:
    """Return a function that makes a file of zeros that takes no space."""
    return lambda path: (path.touch(), os.truncate(path, size))


class Fault(NamedTuple):
    """A fault: its kind, a description, and a function that injects it and returns a complaint."""

    kind: str
    what: str
    inject: Callable[[], str]


class Outcome(NamedTuple):
    """The end of a command: exit status (negative: signal number), output, peak memory in MB."""

    status: int
    out: str
    err: str
    memory: float = 0
    hangs: bool = False

    def complaint(self, statuses: tuple[int, ...] = (0, 1, 2), lines: int = 2) -> str:
        """Return a complaint about status, messages, memory or a program that was run, or ""."""
        if self.hangs:
            return "hangs"
        if "Traceback" in self.err + self.out:
            return f"traceback: {self.err.strip().splitlines()[-1]}"
        if self.status not in statuses:
            return f"status {self.status}: {self.err.strip()[-200:]}"
        if self.status and not 0 < self.err.count("\n") <= lines:
            return f"a message of {self.err.count(chr(10))} lines: {self.err[:200]}"
        if self.memory > MOST_MEMORY:
            return f"{self.memory:.0f} MB"
        return "a program was run" if Path("harmed").exists() else ""  # by a hostile file


class Child:
    """A process that runs a command; its output goes to temporary files."""

    def __init__(self, program: str, *arguments: object, before: Callable | None = None):
        """Fork; the child calls `before`, then runs the command."""
        self.streams = [tempfile.TemporaryFile() for _ in range(2)]  # noqa: SIM115  closed in wait
        self.begin = time.monotonic()
        self.pid = os.fork()
        if not self.pid:
            become(program, [str(argument) for argument in arguments], before, *self.streams)

    def wait(self, kill_after: float | None = None) -> Outcome:
        """Wait for the process, or kill it after `kill_after` seconds; return its Outcome."""
        hangs, limit = False, PATIENCE if kill_after is None else kill_after
        while True:
            ended, status, usage = os.wait4(self.pid, os.WNOHANG)
            if ended:
                break
            if time.monotonic() - self.begin > limit:
                os.kill(self.pid, signal.SIGKILL)
                hangs, limit = kill_after is None, float("inf")
            time.sleep(0.001)
        texts = []
        for stream in self.streams:
            with stream:
                stream.seek(0)
                texts.append(stream.read().decode(errors="replace"))
        return Outcome(os.waitstatus_to_exitcode(status), *texts, usage.ru_maxrss / 1024, hangs)


def run(
    program: str,
    *arguments: object,
    before: Callable[[], object] | None = None,
    kill_after: float | None = None,
) -> Outcome:
    """Run a command in a child process; return its Outcome."""
    return Child(program, *arguments, before=before).wait(kill_after)


def become(program: str, argv: list[str], before: Callable | None, out, err) -> None:
    """In the child: run the command like a process of its own, and exit with its status."""
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    sys.stdout = open(1, "w", encoding="utf-8", errors=SHOWN, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding="utf-8", errors=SHOWN, closefd=False)  # noqa: SIM115
    # tqdm's own lock is shared by forks: a child that is killed with it would block all others
    tqdm.set_lock(threading.RLock())
    status: object = 1
    try:
        if before:
            before()
        run_as_program(f"python -m {program}", lambda: PROGRAMS[program](argv))
    except SystemExit as end:
        status = end.code
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(int(status or 0))


def draw_nothing() -> None:
    """In the child: skip figures and report."""
    train.write_results = lambda *arguments: None


def draw_blank() -> None:
    """In the child: write empty figures, which is ten times faster."""
    Figure.draw = lambda figure, renderer: None


def results(folder: Path) -> tuple[list[bytes], list]:
    """Return the exact model and history of a run, without the seconds, for comparisons."""
    return model_of(folder / MODEL), records_of(folder / HISTORY)


def model_of(path: Path) -> list[bytes]:
    """Return the parameters of a model file as bytes."""
    return [tensor.numpy().tobytes() for tensor in torch.load(path, weights_only=True).values()]


def records_of(path: Path) -> list:
    """Return the records of a history file, without the seconds."""
    return [record._replace(seconds=0) for record in load_history(path)]


def unfinished_files(folder: Path) -> str:
    """Return a complaint about unfinished files in a folder, "" if there are none."""
    left = [path.name for path in folder.iterdir() if path.name.endswith(PART)]
    return f"left {left}" if left else ""
