"""The command `python -m d2l_softmax COMMAND`: the commands that need both twins or neither."""

from types import ModuleType

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
from d2l_softmax.models import check_not_hidden

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


def load_twins() -> dict[str, ModuleType]:
    """Return both twins by name; HiddenModuleError if a user's own module has the name of one."""
    check_not_hidden("scratch", "concise")
    import concise  # not at the top: importing a user's module would run it
    import scratch

    return {"scratch": scratch, "concise": concise}


def main(argv: list[str] | None = None) -> int:
    """Run the command that the arguments name and return its status (wrong usage exits with 2)."""
    return run_command(COMMANDS, load_twins, argv)


if __name__ == "__main__":
    run_as_program("d2l_softmax", main)
