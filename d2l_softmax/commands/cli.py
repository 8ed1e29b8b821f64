"""Parse the command line and run a command, with its signals, CPU threads and exit status."""

import argparse
import difflib
import gc
import io
import os
import platform
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType, ModuleType
from typing import NamedTuple, NoReturn

import torch

from d2l_softmax import __version__
from d2l_softmax.commands.console import print_error
from d2l_softmax.errors import UserError
from d2l_softmax.io import escape_controls
from d2l_softmax.training.distributed import RankError, get_launch, is_main

Twins = dict[str, ModuleType]
Handler = Callable[[int, FrameType | None], object]
Complete = Callable[[argparse.ArgumentParser, argparse.Namespace], argparse.Namespace | None]
# From Ctrl-C, `kill` and a closed terminal; Windows has no SIGHUP.
SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
# The two ways to start the commands
MODULE = "python -m d2l_softmax"
SCRIPT = "d2l-softmax"


class Command(NamedTuple):
    """A command of `python -m d2l_softmax`.

    `work(options, twins)` runs the command and returns the exit status; None means 0. `twins` has
    both implementations by name. The first paragraph of the docstring of `work` is the description
    in --help. `complete(parser, options)` fills in options that depend on others. It returns the
    options, or None if it changed them in place, and exits with status 2 if they contradict each
    other.
    """

    name: str
    summary: str
    add_options: Callable[[argparse.ArgumentParser], None]
    work: Callable[[argparse.Namespace, Twins], int | None]
    complete: Complete | None = None


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that prints errors in one line, under torchrun on rank 0 only."""

    def error(self, message: str) -> NoReturn:
        """Print the error and exit with status 2."""
        line = f"{self.prog}: error: {escape_controls(message)} (see --help)\n"
        self.exit(2, line if is_main() else None)

    def parse_known_args(self, args=None, namespace=None):
        """Parse arguments; for an unknown one, print the closest option and exit with status 2."""
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            known = re.findall(r"--[\w-]+", self.format_usage())
            given = [each.split("=")[0] for each in unknown if each.startswith("-")]
            hints = dict.fromkeys(filter(None, (did_you_mean(each, known) for each in given)))
            self.error("; ".join([f"unrecognized arguments: {' '.join(unknown)}", *hints]))
        return options, unknown


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """Return "did you mean NAME?" with the known name closest to `name`, "" if none is close."""
    return "".join(f"did you mean {each}?" for each in difflib.get_close_matches(name, known, n=1))


def add_version(parser: argparse.ArgumentParser) -> None:
    """Add the option --version."""
    versions = f"torch {torch.__version__}, Python {platform.python_version()}"
    parser.add_argument(
        "--version",
        action="version",
        version=f"d2l_softmax {__version__} ({versions})",
        help="print the versions of d2l_softmax, torch and Python",
    )


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """A formatter of --help that shows defaults, except None, False and empty lists."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or action.default is False or action.default == []:
            return action.help
        return super()._get_help_string(action)


def run_command(
    commands: tuple[Command, ...],
    load_twins: Callable[[], Twins],
    argv: list[str] | None,
    prog: str = MODULE,
) -> int:
    """Run the command in `argv` and return its exit status; wrong usage exits with status 2.

    `prog` is the program as the user started it. `options.prog` is `prog` with the command's name,
    and `options.command` lists the words of the whole command line.
    """
    argv = sys.argv[1:] if argv is None else argv
    parser = Parser(prog=prog, allow_abbrev=False)
    add_version(parser)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in commands:
        subparser = subparsers.add_parser(
            command.name,
            help=command.summary,
            description=(command.work.__doc__ or command.summary).split("\n\n")[0],
            formatter_class=HelpFormatter,
            allow_abbrev=False,
        )
        command.add_options(subparser)
        subparser.set_defaults(chosen=(command, subparser), prog=subparser.prog)
    name = next((each for each in argv if not each.startswith("-")), None)
    names = [command.name for command in commands]
    if name and name not in subparsers.choices:
        hint = did_you_mean(name, names) or f"expected one of {', '.join(names)}"
        parser.error(f"unknown command {name!r}; {hint}")
    options = parser.parse_args(argv)
    command, subparser = vars(options).pop("chosen")
    options.command = [*prog.split(), *argv]
    if command.complete:
        options = command.complete(subparser, options) or options
    # For small batches a second thread saves at most a quarter of the time on idle cores. Under CPU
    # contention it costs several times more (benchmarks/README.md).
    torch.set_num_threads(vars(options).get("threads", 1))
    return exit_status(subparser.prog, lambda: command.work(options, load_twins()))


def run_as_program(main: Callable[..., int], *arguments: object) -> NoReturn:
    """Run main(*arguments) as a program, such as `python -m scratch`, and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None without a console
            stream.reconfigure(errors="backslashreplace")  # a console may lack characters
    os.environ["MPLBACKEND"] = "agg"  # draw to files only; the user's backend may not exist
    # PyTorch creates a million objects: excluding them from garbage collection saves a second.
    gc.freeze()
    try:
        status = main(*arguments)
    except SystemExit as end:  # from the parser: --help or wrong usage
        status = int(end.code or 0)
    gc.freeze()
    sys.exit(status)


def exit_status(prog: str, work: Callable[[], int | None]) -> int:
    """Run `work` and return its status; print a UserError or out-of-memory error and return 1.

    After a signal the status is 128 plus its number: 130 for Ctrl-C, 143 for `kill`. Any other
    error is a bug and keeps its traceback.
    """
    try:
        with signals_handled_by(interrupt):
            return work() or 0
    except KeyboardInterrupt as error:
        if is_main():
            print_error(f"{prog}: interrupted {error}".rstrip())
        return 128 + (error.signum if isinstance(error, Interrupted) else signal.SIGINT)
    except BrokenPipeError:  # the reader of standard output has exited, as in `| head`
        # Python flushes standard output at exit, which would raise the error again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except UserError as error:
        message = error.for_command_line()
        if is_main():
            print_error(f"{prog}: error: {message}")
        elif not isinstance(error, RankError):
            print_error(f"{prog}: error: rank {get_launch().rank}: {message}")
        return 1
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        print_error(f"{prog}: error: out of memory; for training, try a smaller --batch-size")
        return 1


def is_out_of_memory(error: Exception) -> bool:
    """Return True if an error means that the machine or the device is out of memory."""
    signs = ("can't allocate memory", "not enough memory", "out of memory")
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in signs)


# Signals


class Interrupted(KeyboardInterrupt):
    """A signal ended the command; the message has the progress so far."""

    def __init__(self, signum: int, message: str = ""):
        super().__init__(message)
        self.signum = signum


def interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    """Handle a signal by raising Interrupted, which ends the command immediately."""
    raise Interrupted(signum)


class StopRequest:
    """A signal handler that stores the signal in `signum`, for a loop to check.

    A second Ctrl-C ends the command immediately, except under torchrun. There each rank gets a
    single Ctrl-C twice, from the terminal and from torchrun.
    """

    signum: int | None = None

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        """Store the signal."""
        if signum == signal.SIGINT and get_launch().world_size == 1:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self.signum = signum


@contextmanager
def signals_handled_by(handler: Handler) -> Iterator[None]:
    """Handle SIGNALS with `handler` in this context, except ignored ones (nohup).

    Does nothing outside the main thread, where Python allows no signal handlers.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {signum: signal.getsignal(signum) for signum in SIGNALS}
    changed = [signum for signum, old in before.items() if old not in (signal.SIG_IGN, None)]
    for signum in changed:
        signal.signal(signum, handler)
    try:
        yield
    finally:
        for signum in changed:
            signal.signal(signum, before[signum])
