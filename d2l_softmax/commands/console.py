"""Print lines on standard output and standard error, with a progress bar below them."""

import contextlib
import errno
import io
import os
import sys
from typing import TextIO

from tqdm import tqdm

from d2l_softmax.io import OutputError, escape_controls


def print_out(line: object, end: str = "\n") -> None:
    """Print lines on standard output, with control characters escaped, and flush it.

    Raises BrokenPipeError if the reader has exited, OutputError if writing fails otherwise.
    """
    try:
        lines = "\n".join(map(escape_controls, str(line).split("\n")))
        print(lines, end=end, flush=True)
    except OSError as error:
        discard(sys.stdout)
        # Windows reports a pipe without a reader as an invalid argument.
        if isinstance(error, BrokenPipeError) or (
            sys.platform == "win32" and error.errno == errno.EINVAL
        ):
            raise BrokenPipeError from error
        raise OutputError(f"can't write to standard output: {error.strerror}") from error


def print_error(line: str) -> None:
    """Print one line on standard error, control characters escaped; ignore failures."""
    with contextlib.suppress(OSError):
        print(escape_controls(line), file=sys.stderr, flush=True)


def discard(stream: TextIO) -> None:
    """Redirect a broken stream to the null device, so that Python's flush at exit succeeds."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def flush_streams() -> None:
    """Flush standard error and standard output; OutputError if the latter fails."""
    try:
        sys.stderr.flush()
    except OSError:
        discard(sys.stderr)
    print_out("", end="")


def open_closed_streams() -> None:
    """Open the null device for each closed standard stream, and escape unencodable characters.

    Otherwise the next file to be opened would get the descriptor of a closed stream. Printed text
    would then be written to that file.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r+", encoding="utf-8"))  # noqa: SIM115
        if name != "stdin" and isinstance(stream := getattr(sys, name), io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def counted(number: int, noun: str) -> str:
    """Return a number and its noun, such as "1 epoch" or "2 epochs"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


class Console:
    """A progress bar, if standard error is a terminal, and lines printed above it."""

    def __init__(self, total: int, quiet: bool, is_main: bool = True, unit: str = "batches"):
        """Start a bar of `total` units; `quiet` hides the bar and all lines except warnings.

        Without `is_main`, on ranks other than 0, warnings are hidden, too.
        """
        self.quiet, self.is_main = quiet or not is_main, is_main
        hidden = self.quiet or not sys.stderr.isatty()
        self.bar = tqdm(total=total, unit=f" {unit}", leave=False, disable=hidden)

    def __enter__(self) -> "Console":
        return self

    def __exit__(self, *exception: object) -> None:
        self.bar.close()

    def print(self, line: object) -> None:
        """Print a line on standard output, above the bar."""
        if not self.quiet:
            with self.bar.external_write_mode(sys.stdout):
                print_out(line)

    def warn(self, line: str) -> None:
        """Print a line on standard error, above the bar."""
        if self.is_main:
            with self.bar.external_write_mode(sys.stderr):
                print_error(line)
