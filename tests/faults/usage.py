"""Wrong usage: random command lines with valid, odd and impossible values."""

import functools
import random
from collections.abc import Iterator
from pathlib import Path

from . import children

NUMBER = 500
ODD = ["", " ", "--", "-", "x", "-1", "0", "1e400", "nan", "inf", "0x10", "1_0", "\uff19", "1,5"]
ODD += ["99999999999999999999", "%s", "{lr}", "$HOME", "~nosuchuser"]
ODD += ["🎽", "a\nb", "\udcff", "None"]
REAL = ["0.01", "1e-3", "0.5"]
TRAINING = {
    "--epochs": ["1", "2"],
    "--batch-size": ["1", "32", "800", "5000"],
    "--lr": [*REAL, "1e30", "1e-300"],
    "--optimizer": ["sgd", "adam"],
    "--momentum": ["0", "0.9", "0.999999"],
    "--weight-decay": ["0", "1e-4", "1e38"],
    "--lr-decay": ["none", "linear"],
    "--validation": ["0", "10", "799"],
    "--seed": ["0", "5", "2147483647"],
    "--device": ["auto", "cpu", "cuda", "mps"],
    "--threads": ["1"],
    "--dtype": ["float32", "float64"],
    "--quiet": [None],
}
ONE_TWIN = {"--resume": [None], "--overwrite": [None], "--checkpoint-every": ["1", "1000"]}
WRONG = {
    "--epoch": ["1", "2", "3"],
    "--learning-rate": REAL,
    "--help": [None],
    "--gpu": [None],
}


def options_of_commands(folder: Path, good: Path, file: Path, data_dir: Path) -> dict[str, dict]:
    """Return the options of each command and values for them; "" is a positional argument."""
    data = {"--data-dir": [data_dir, folder / "new data", file, "/proc/nowhere"]}
    output = {"--output-dir": [good, folder / "new" / "deep", f"{file}/x", "/dev/null/x"]}
    output["--output-dir"] += [folder / ("long" * 100), folder / "{lr} \udcff 图"]
    model = [good / "model.pt", good, file, folder / "no model.pt", good / "checkpoint.pt"]
    model += ["/dev/zero", "/dev/null"]
    predict = {
        "": [good / "templates.png", file, folder, "/dev/zero", ""],
        "--index": ["0", "199", "9999"],
        "--model": model,
        "--invert": ["auto", "yes", "no"],
        "--json": [None],
    }
    return {
        "scratch": {**TRAINING, **ONE_TWIN, **data, **output},
        "concise": {**TRAINING, **ONE_TWIN, **data, **output},
        "compare": {**TRAINING, **data, **output},
        "data": data,
        "evaluate": {"": model, "--json": [None], **data},
        "figures": {"": model, **data, **output},
        "losses": {"--delta": REAL, **output},
        "predict": {**predict, **data, **output},
    }


def command_line(
    options_of: dict[str, dict], valid: dict[str, list[str]], chance: random.Random
) -> tuple[str, list[str]]:
    """Return a random program and arguments; first `valid` ones, which later ones override."""
    command = chance.choice(["scratch", "concise"] * 3 + [*options_of][2:])
    options = options_of[command] | (WRONG if chance.random() < 0.1 else {})
    argv = list(valid.get(command, []))
    for option in chance.sample(sorted(options), chance.randint(0, min(6, len(options)))):
        value = chance.choice(options[option])
        if value is not None and chance.random() < 0.2:
            value = chance.choice(ODD)
        if value is None:
            argv.append(option)
        elif option and chance.random() < 0.7:
            argv.append(f"{option}={value}")
        else:
            argv += [*([option] if option else []), str(value)]
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
    valid = {command: [data] for command in ("data", "evaluate", "figures", "predict")}
    valid |= {command: [data, *short] for command in ("scratch", "concise", "compare")}
    options_of = options_of_commands(folder, good, file, data_dir)
    for seed in range(NUMBER):
        program, argv = command_line(options_of, valid, random.Random(seed))
        what = f"{program} {argv}".encode(errors="backslashreplace").decode()
        inject = functools.partial(run_line, file, program, argv)
        yield children.Fault("command lines", what, inject)
