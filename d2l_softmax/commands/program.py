"""How a command begins and ends: its parser, its exit status, and what is said when it fails."""

import argparse
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import NamedTuple, NoReturn

import torch

from d2l_softmax.errors import UserError

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


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Help that names the defaults, but for options that are off or empty unless given."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or action.default is False or action.default == []:
            return action.help
        return super()._get_help_string(action)


def run_command(commands: tuple[Command, ...], twins: Twins, argv: list[str] | None) -> int:
    """Do the work of the command that the arguments name; return the exit status (2 exits)."""
    parser = argparse.ArgumentParser(prog="python -m d2l_softmax", allow_abbrev=False)
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
    options = parser.parse_args(argv)
    command, subparser = vars(options).pop("chosen")
    if command.complete:
        command.complete(subparser, options)
    threads = vars(options).get("threads", 1)
    return exit_status(subparser.prog, lambda: command.work(options, twins), threads)


def exit_status(prog: str, work: Callable[[], int | None], threads: int = 1) -> int:
    """Do the work; return its status, or say what went wrong and return 1 (interrupted: 130).

    torch computes on so many threads of the CPU. For small batches more than one gain a quarter at
    most on idle cores, and lose many times that beside a busy one (`benchmarks/README.md`).

    What is caught is what a person can do something about; a mistake of ours keeps its traceback.
    """
    try:
        with cpu_threads(threads):
            return work() or 0
    except KeyboardInterrupt:
        print(f"{prog}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read the output has left, as in `| head`
        return 1
    except UserError as error:
        print(f"{prog}: {error.for_command_line()}", file=sys.stderr)
        return 1


@contextmanager
def cpu_threads(number: int) -> Iterator[None]:
    """Let torch compute on so many threads meanwhile; a program that calls us keeps its own."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def run_as_program(work: Callable[[], int]) -> NoReturn:
    """Do the work and exit with its status.

    What was imported stays to the end. Not searching it for garbage again and again, nor at exit,
    makes a command a second faster: PyTorch alone is a million objects.
    """
    gc.freeze()
    status = work()
    gc.freeze()
    sys.exit(status)
