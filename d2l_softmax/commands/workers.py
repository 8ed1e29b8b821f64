"""Trainings side by side, in processes of their own; none of them outlives the command."""

import argparse
import functools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import torch

from d2l_softmax.commands.cli import SIGNALS
from d2l_softmax.commands.trainer import Trainer
from d2l_softmax.errors import UserError
from d2l_softmax.storage.table import Result

make_trainer: Callable[[], Trainer]  # in a process that `begin` has made ready


class WorkerDiedError(UserError):
    """A process that trained was ended from outside."""


def cores() -> int:
    """Return on how many cores this process may run."""
    if hasattr(os, "sched_getaffinity"):  # on Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def train_all(
    trainer: Trainer, asked_for: Sequence[argparse.Namespace], jobs: int
) -> Generator[tuple[argparse.Namespace, Result], None, None]:
    """Yield options and result of each training as soon as it has ended, so many at once.

    A single one at once is done here: no process has to be started. Close the iterator to end all.
    Raises what a training raises, and WorkerDiedError.
    """
    if jobs == 1:
        yield from ((options, trainer(options)) for options in asked_for)
        return
    with processes(jobs, trainer.twin.__name__, trainer.options) as executor:
        with signals_held_back():
            futures = {executor.submit(train_here, options): options for options in asked_for}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise WorkerDiedError(
                "a process that trained was ended (was there not enough memory?); the same command "
                "goes on;",
                "try fewer {jobs}",
            ) from error


@contextmanager
def processes(number: int, *arguments: Any) -> Generator[ProcessPoolExecutor, None, None]:
    """Offer so many processes, which are ended at once when the work here ends or is left."""
    others = multiprocessing.active_children()
    context = multiprocessing.get_context("spawn")  # torch can't be trusted after a fork
    executor = ProcessPoolExecutor(number, context, begin, arguments)
    try:
        yield executor
    finally:
        for process in multiprocessing.active_children():
            if process not in others:
                process.kill()  # they take no notice of what asks them to end
        executor.shutdown()


@contextmanager
def signals_held_back() -> Generator[None, None, None]:
    """Let signals wait meanwhile; processes that are started meanwhile never get them.

    Ctrl-C reaches all processes of a terminal, but only the first is to say so.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows; there `begin` does what it can
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin(twin: str, options: argparse.Namespace) -> None:
    """Make a new process ready to train; it reads the data before its first training."""
    global make_trainer
    for signum in SIGNALS:
        signal.signal(signum, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()
    torch.set_num_threads(options.threads)
    make_trainer = functools.cache(lambda: Trainer(import_module(twin), options))


def end_with_parent() -> None:
    """End this process as soon as the one that started it has ended, by whatever signal."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)


def train_here(options: argparse.Namespace) -> Result:
    """Train in this process."""
    return make_trainer()(options)
