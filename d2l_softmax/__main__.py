"""The command `python -m d2l_softmax COMMAND`: the commands that need both twins or neither."""

import concise
import scratch
from d2l_softmax.commands import (
    compare,
    data,
    demo,
    evaluate,
    export,
    figures,
    learning_curve,
    losses,
    predict,
    sweep,
)
from d2l_softmax.commands.cli import run_as_program, run_command

TWINS = {"scratch": scratch, "concise": concise}
COMMANDS = (
    data.COMMAND,
    compare.COMMAND,
    evaluate.COMMAND,
    figures.COMMAND,
    predict.COMMAND,
    losses.COMMAND,
    demo.COMMAND,
    sweep.COMMAND,
    learning_curve.COMMAND,
    export.COMMAND,
)


def main(argv: list[str] | None = None) -> int:
    """Run the command that the arguments name and return its status (wrong usage exits with 2)."""
    return run_command(COMMANDS, TWINS, argv)


if __name__ == "__main__":
    run_as_program("d2l_softmax", main)
