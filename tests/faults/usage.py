"""Command lines that a person could type, and some that nobody would."""

import functools
import random
from collections.abc import Iterator
from pathlib import Path

from . import children
from .damaged import draw_nothing

NUMBER = 500
ODD = ["", " ", "--", "-", "x", "-1", "0", "1e400", "nan", "inf", "0x10", "1_0", "\uff19", "1,5"]
ODD += [
    "99999999999999999999",
    "%s",
    "{lr}",
    "$HOME",
    "~nosuchuser",
    "🎽",
    "a\nb",
    "\udcff",
    "None",
]
WHOLE = ["1", "2", "3"]
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
ONCE_MORE = {"--resume": [None], "--overwrite": [None], "--checkpoint-every": ["1", "1000"]}
WRONG = {"--epoch": WHOLE, "--learning-rate": REAL, "--help": [None], "--gpu": [None]}


class Places:
    """Paths that options may name: good ones, and ones that can't be."""

    def __init__(self, folder: Path, data_dir: Path):
        """Make them, with a model and pictures."""
        file = folder / "a file"
        folder.mkdir(parents=True)
        file.write_text("mine", encoding="utf-8")
        self.folder, self.file, self.data_dir = folder, file, data_dir
        good = folder / "good"
        outcome = children.run(
            "scratch", "--epochs=1", f"--data-dir={data_dir}", f"--output-dir={good}", "--quiet"
        )
        assert outcome.status == 0, outcome.err
        self.data = [str(data_dir), str(folder / "new data"), str(file), "/proc/nowhere"]
        self.output = [str(good), str(folder / "new" / "deep"), f"{file}/x", "/dev/null/x"]
        self.output += [str(folder / ("long" * 100)), str(folder / "{lr} \udcff 图")]
        self.model = [str(good / "model.pt"), str(good), str(file), str(folder / "no model.pt")]
        self.model += [str(good / "checkpoint.pt"), "/dev/zero", "/dev/null"]
        self.picture = [str(good / "templates.png"), str(file), str(folder), "/dev/zero", ""]

    def options_of(self, command: str) -> dict[str, list]:
        """Return the options of a command with values that it may take."""
        data, output = {"--data-dir": self.data}, {"--output-dir": self.output}
        return {
            "scratch": {**TRAINING, **ONCE_MORE, **data, **output},
            "concise": {**TRAINING, **ONCE_MORE, **data, **output},
            "compare": {**TRAINING, **data, **output},
            "data": data,
            "evaluate": {"": self.model, "--json": [None], **data},
            "figures": {"": self.model, **data, **output},
            "losses": {"--delta": REAL, **output},
            "predict": {
                "": self.picture,
                "--index": ["0", "199", "9999"],
                "--model": self.model,
                "--invert": ["auto", "yes", "no"],
                "--json": [None],
                **data,
                **output,
            },
        }[command]


def command_line(places: Places, chance: random.Random) -> tuple[str, list[str]]:
    """Return a program and its arguments."""
    commands = ["compare", "data", "evaluate", "figures", "losses", "predict"]
    command = chance.choice(["scratch", "concise"] * 3 + commands)
    options = places.options_of(command) | (WRONG if chance.random() < 0.1 else {})
    chosen = chance.sample(sorted(options), chance.randint(0, min(6, len(options))))
    argv = []
    for option in chosen:
        value = chance.choice(options[option])
        if value is not None and chance.random() < 0.2:
            value = chance.choice(ODD)
        argv += [option] if value is None else joined(option, value, chance)
    if command in ("scratch", "concise"):
        return command, after_what_is_needed(places, argv)
    if chance.random() < 0.05:
        command = chance.choice(ODD)
    needed = after_what_is_needed(places, argv) if command == "compare" else argv
    if command in ("data", "evaluate", "figures", "predict"):
        needed = [f"--data-dir={places.data_dir}", *argv]
    return "d2l_softmax", [command, *needed]


def joined(option: str, value: str, chance: random.Random) -> list[str]:
    """Return an option and its value, as one argument or as two."""
    if not option:
        return [value]
    return [f"{option}={value}"] if chance.random() < 0.7 else [option, value]


def after_what_is_needed(places: Places, argv: list[str]) -> list[str]:
    """Return arguments with the small data and one epoch before them; what comes later holds."""
    return [
        f"--data-dir={places.data_dir}",
        f"--output-dir={places.output[0]}",
        "--epochs=1",
        *argv,
    ]


def typed(places: Places, program: str, argv: list[str]) -> str:
    """Run a command line; return what is wrong then."""
    outcome = children.run(program, *argv, fault=draw_nothing)
    lines = 9 if "could not be fetched" in outcome.err else 2  # a line for each source
    if places.file.read_text(encoding="utf-8") != "mine":
        places.file.write_text("mine", encoding="utf-8")
        return "a file was written over that is no output"
    if "predict" in argv:  # a line for each picture that can't be used
        lines = max(lines, len(argv))
    return outcome.complaint(lines=lines)


def faults(folder: Path, data_dir: Path) -> Iterator[children.Fault]:
    """Yield the faults."""
    places = Places(folder, data_dir)
    for seed in range(NUMBER):
        program, argv = command_line(places, random.Random(seed))
        what = f"{program} {argv}".encode(errors="backslashreplace").decode()
        make = functools.partial(typed, places, program, argv)
        yield children.Fault("command lines", what, make)
