"""What a person at the terminal sees: lines on standard output and, below them, a progress bar."""

import contextlib
import errno
import os
import sys
from typing import TextIO

from tqdm import tqdm

from d2l_softmax.io import OutputError


def print_out(line: object, end: str = "\n") -> None:
    """Print a line on standard output at once.

    Raises OutputError if it can't be written, BrokenPipeError if nobody reads any more.
    """
    try:
        print(line, end=end, flush=True)
    except OSError as error:
        silence(sys.stdout)
        # Windows reports a pipe that nobody reads as an invalid argument.
        if isinstance(error, BrokenPipeError) or (
            sys.platform == "win32" and error.errno == errno.EINVAL
        ):
            raise BrokenPipeError from error
        raise OutputError(f"can't write to standard output: {error.strerror}") from error


def print_error(line: str) -> None:
    """Print a line on standard error, if that can be written."""
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def silence(stream: TextIO) -> None:
    """Let what was written to a stream vanish: Python would try again at exit, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def flush_streams() -> None:
    """Write what waits to be written; OutputError if standard output takes no more."""
    try:
        sys.stderr.flush()
    except OSError:
        silence(sys.stderr)
    print_out("", end="")


def counted(number: int, noun: str) -> str:
    """Return "1 epoch", "2 epochs"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


class Console:
    """The lines of a long work and, where standard error is a terminal, a progress bar."""

    def __init__(self, total: int, quiet: bool, speaks: bool = True, unit: str = "batches"):
        """Start a bar of so many units; with `quiet` there are neither lines nor a bar.

        Of several processes only one `speaks`: the others have no warnings either.
        """
        self.quiet, self.speaks = quiet or not speaks, speaks
        hidden = self.quiet or not sys.stderr.isatty()
        self.bar = tqdm(total=total, unit=f" {unit}", leave=False, disable=hidden)

    def __enter__(self) -> "Console":
        return self

    def __exit__(self, *exception: object) -> None:
        self.bar.close()

    def say(self, line: object) -> None:
        """Print a line above the bar, unless the command is to be quiet."""
        if not self.quiet:
            with self.bar.external_write_mode(sys.stdout):
                print_out(line)

    def warn(self, line: str) -> None:
        """Print a line on standard error, above the bar, also if the command is to be quiet."""
        if self.speaks:
            with self.bar.external_write_mode(sys.stderr):
                print_error(line)
