"""All commands: `python -m d2l_softmax COMMAND`, or the console script `d2l-softmax COMMAND`."""

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
    train,
)
from d2l_softmax.commands.cli import MODULE, SCRIPT, run_as_program, run_command
from d2l_softmax.models import check_not_hidden

COMMANDS = (
    data.COMMAND,
    train.COMMAND,
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
    """Import both implementations, by name; HiddenModuleError if a user's module hides one."""
    check_not_hidden("scratch", "concise")
    import concise  # not at the top: importing a user's module would run it
    import scratch

    return {"scratch": scratch, "concise": concise}


def main(argv: list[str] | None = None, prog: str = MODULE) -> int:
    """Run the command in `argv` and return its exit status; wrong usage exits with status 2."""
    return run_command(COMMANDS, load_twins, argv, prog)


def console_script() -> None:
    """Run `d2l-softmax` and exit with its status."""
    run_as_program(main, None, SCRIPT)


if __name__ == "__main__":
    run_as_program(main)
