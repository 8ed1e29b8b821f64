"""Wrong usage: random command lines with valid, odd and impossible values."""

import argparse
import functools
import random
from collections.abc import Iterator
from pathlib import Path

from d2l_softmax.__main__ import COMMANDS
from d2l_softmax.commands.cli import Command

from . import children

NUMBER = 500
ODD = ["", " ", "-", "x", "-1", "0", "1e400", "nan", "inf", "0x10", "1_0", "\uff19", "1,5"]
ODD += ["99999999999999999999", "%s", "{lr}", "$HOME", "~nosuchuser"]
ODD += ["🎽", "a\nb", "\udcff", "None"]
REAL = ["0.01", "1e-3", "0.5"]
VALUES = {  # of arguments without choices
    "epochs": ["1", "2"],
    "batch_size": ["1", "32", "800", "5000"],
    "lr": [*REAL, "1e30", "1e-300"],
    "momentum": ["0", "0.9", "0.999999"],
    "weight_decay": ["0", "1e-4", "1e38"],
    "validation": ["0", "10", "799"],
    "seed": ["0", "5", "2147483647"],
    "threads": ["1"],
    "resize": ["7", "28x28"],
    "checkpoint_every": ["1", "1000"],
    "delta": REAL,
    "index": ["0", "199", "9999"],
}
WRONG = {"--epoch": ["1", "2", "3"], "--learning-rate": REAL, "--help": [None], "--gpu": [None]}
TOO_SLOW = ("sweep", "learning-curve")


def paths(folder: Path, good: Path, file: Path, data_dir: Path) -> dict[str, list]:
    """Return values of arguments that are paths."""
    model = [good / "model.pt", good, file, folder / "no model.pt", good / "checkpoint.pt"]
    outputs = [good, folder / "new" / "deep", f"{file}/x", "/dev/null/x"]
    return {
        "data_dir": [data_dir, folder / "new data", file, "/proc/nowhere"],
        "dataset": [good, folder / "no data", file, "/dev/zero"],
        "model": [*model, "/dev/zero", "/dev/null"],
        "paths": [good / "templates.png", file, folder, "/dev/zero", ""],
        "output": [folder / "model.safetensors", file, "/dev/null/x.onnx"],
        "output_dir": [*outputs, folder / ("long" * 100), folder / "{lr} \udcff 图"],
    }


def arguments_of(command: Command, values: dict[str, list]) -> dict[str, list]:
    """Return a command's arguments and values for them; None is the value of a flag."""
    parser = argparse.ArgumentParser(add_help=False)
    command.add_options(parser)
    return {
        (action.option_strings or [action.dest])[0]: [None]
        if action.nargs == 0
        else list(action.choices or values[action.dest])
        for action in parser._actions
    }


def command_line(
    options_of: dict[str, dict[str, list]], valid: dict[str, list[str]], chance: random.Random
) -> tuple[str, list[str]]:
    """Return a random program and arguments; first `valid` ones, which later ones override."""
    command = chance.choice([*options_of, *["scratch", "concise"] * 2])
    options = options_of[command] | (WRONG if chance.random() < 0.1 else {})
    argv = list(valid[command])
    for option in chance.sample(sorted(options), chance.randint(0, min(6, len(options)))):
        value = chance.choice(options[option])
        if value is not None and chance.random() < 0.2:
            value = chance.choice(ODD)
        if value is None:
            argv.append(option)
        elif not option.startswith("-"):
            argv.append(str(value))
        elif chance.random() < 0.7:
            argv.append(f"{option}={value}")
        else:
            argv += [option, str(value)]
    if command in ("scratch", "concise"):
        return command, argv
    return "d2l_softmax", [chance.choice(ODD) if chance.random() < 0.05 else command, *argv]


def run_line(file: Path, program: str, argv: list[str]) -> str:
    """Run a command line; return a complaint, also if it changed `file`, which is no output."""
    outcome = children.run(program, *argv, before=children.draw_nothing)
    if file.read_text(encoding="utf-8") != "mine":
        file.write_text("mine", encoding="utf-8")
        return "a file was written over that is no output"
    lines = 9 if "could not be fetched" in outcome.err else 2  # a line for each source
    if "predict" in argv:  # a line for each picture that can't be read
        lines = max(lines, len(argv))
    return outcome.complaint(lines=lines)


def faults(folder: Path, data_dir: Path) -> Iterator[children.Fault]:
    """Yield the faults."""
    file, good = folder / "a file", folder / "good"
    file.write_text("mine", encoding="utf-8")
    data, short = f"--data-dir={data_dir}", [f"--output-dir={good}", "--epochs=1"]
    outcome = children.run("scratch", data, *short, "--quiet")
    assert outcome.status == 0, outcome.err
    values = VALUES | paths(folder, good, file, data_dir)
    options_of = {
        command.name: arguments_of(command, values)
        for command in COMMANDS
        if command.name not in TOO_SLOW
    }
    for twin in ("scratch", "concise"):
        options_of[twin] = {k: v for k, v in options_of["train"].items() if k != "--impl"}
    valid = {
        name: [data] * ("--data-dir" in arguments) + short * ("--epochs" in arguments)
        for name, arguments in options_of.items()
    }
    for seed in range(NUMBER):
        program, argv = command_line(options_of, valid, random.Random(seed))
        what = f"{program} {argv}".encode(errors="backslashreplace").decode()
        inject = functools.partial(run_line, file, program, argv)
        yield children.Fault("command lines", what, inject)
