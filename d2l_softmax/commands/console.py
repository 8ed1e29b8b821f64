"""Print lines on standard output and standard error, with a progress bar below them."""

import contextlib
import sys

from tqdm import tqdm

from d2l_softmax.io import escape_controls


def print_out(line: object) -> None:
    """Print lines on standard output, with control characters escaped, and flush it."""
    print("\n".join(map(escape_controls, str(line).split("\n"))), flush=True)


def print_error(line: str) -> None:
    """Print one line on standard error, control characters escaped; ignore failures."""
    with contextlib.suppress(OSError):
        print(escape_controls(line), file=sys.stderr, flush=True)


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
