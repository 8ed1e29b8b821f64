"""How a command begins and ends: its parser, its exit status, and what is said when it fails."""

import argparse
import gc
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import NamedTuple, NoReturn

import torch

from d2l_softmax.commands.console import flush_streams, print_error
from d2l_softmax.commands.signals import Interrupted, handled_by, interrupt
from d2l_softmax.errors import UserError
from d2l_softmax.training.distributed import RankError, get_launch, is_main

Twins = dict[str, ModuleType]


class Command(NamedTuple):
    """A command of `python -m d2l_softmax`: its name, its options and its work.

    `work` takes the options and both twins, by name; it returns the exit status, or None for 0.
    Its docstring describes the command. `complete`, if any, fills in options that depend on others,
    and ends the program where they contradict each other.
    """

    name: str
    summary: str
    add_options: Callable[[argparse.ArgumentParser], None]
    work: Callable[[argparse.Namespace, Twins], int | None]
    complete: Callable[[argparse.ArgumentParser, argparse.Namespace], None] | None = None


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, and that knows what to say of `--option=--`."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and exit with status 2."""
        self.exit(2, f"{self.prog}: {message} (--help lists the options)\n" if is_main() else None)

    def print_help(self, file=None):
        """Print the help, once where there are several processes."""
        if is_main():
            super().print_help(file)

    def parse_known_args(self, args=None, namespace=None):
        """Parse arguments; exit with status 2 where Python's parser would raise a TypeError."""
        args = sys.argv[1:] if args is None else list(args)
        for argument in args:
            if argument.startswith("--") and argument.endswith("=--"):
                self.error(f"argument {argument[:-3]}: expected one argument")
        return super().parse_known_args(args, namespace)


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Help that names the defaults, but for options that are off or empty unless given."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or action.default is False or action.default == []:
            return action.help
        return super()._get_help_string(action)


def run_command(commands: tuple[Command, ...], twins: Twins, argv: list[str] | None) -> int:
    """Do the work of the command that the arguments name; return the exit status (2 exits)."""
    parser = Parser(prog="python -m d2l_softmax", allow_abbrev=False)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in commands:
        subparser = subparsers.add_parser(
            command.name,
            help=command.summary,
            description=(command.work.__doc__ or command.summary).split("\n\n")[0],
            formatter_class=HelpFormatter,
            allow_abbrev=False,
        )
        command.add_options(subparser)
        subparser.set_defaults(chosen=(command, subparser))
    if (processes := get_launch().world_size) > 1:
        parser.error(f"works in one process, and torchrun started {processes}")
    options = parser.parse_args(argv)
    command, subparser = vars(options).pop("chosen")
    if command.complete:
        command.complete(subparser, options)

    def work() -> int | None:
        with cpu_threads(vars(options).get("threads", 1)):
            return command.work(options, twins)

    return exit_status(subparser.prog, work)


def exit_status(prog: str, work: Callable[[], int | None]) -> int:
    """Do the work and return its status; after an error print it and return 1.

    After a signal the status is 128 and its number: 130 for Ctrl-C, 143 for `kill`. Caught are
    errors that a user can do something about; a mistake of ours keeps its traceback.
    """
    try:
        with handled_by(interrupt):
            return work() or 0
    except KeyboardInterrupt as error:
        signum = error.signum if isinstance(error, Interrupted) else signal.SIGINT
        if is_main():
            print_error(f"{prog}: interrupted {error}".rstrip())
        return 128 + signum
    except BrokenPipeError:  # whoever read the output has left, as in `| head`
        return 1
    except UserError as error:
        if is_main():
            print_error(f"{prog}: {error.for_command_line()}")
        elif not isinstance(error, RankError):
            print_error(f"{prog}: rank {get_launch().rank}: {error.for_command_line()}")
        return 1
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        print_error(f"{prog}: there is not enough memory; for training, try a smaller --batch-size")
        return 1


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether there was not enough memory, of the machine or of the device."""
    signs = ("can't allocate memory", "not enough memory", "out of memory")
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in signs)


@contextmanager
def cpu_threads(number: int) -> Iterator[None]:
    """Let torch compute on so many threads meanwhile; a program that calls us keeps its own.

    For small batches more than one gain a quarter at most on idle cores, and lose many times that
    beside a busy one (`benchmarks/README.md`).
    """
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def run_as_program(name: str, work: Callable[[], int]) -> NoReturn:
    """Do the work of `python -m NAME` and exit with its status.

    What was imported stays to the end. Not searching it for garbage again and again, nor at exit,
    makes a command a second faster: PyTorch alone is a million objects.
    """
    open_closed_streams()
    os.environ["MPLBACKEND"] = "agg"  # commands draw to files, and a wrong name would end them
    gc.freeze()
    try:
        status = work()
    except SystemExit as end:  # of the parser: help, or wrong usage
        status = int(end.code or 0)
    gc.freeze()
    sys.exit(status or exit_status(f"python -m {name}", flush_streams))


def open_closed_streams() -> None:
    """Open the null device as each closed stream: a file of ours would take its place.

    What the encoding of a terminal lacks, such as a path, is printed with backslashes.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r+", encoding="utf-8"))  # noqa: SIM115
        if name != "stdin" and isinstance(stream := getattr(sys, name), io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
