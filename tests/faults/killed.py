"""Trainings that are killed, or whose disk is full, at any moment; each then goes on."""

import functools
import json
import os
import random
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from matplotlib.figure import Figure

from d2l_softmax.commands import train
from d2l_softmax.commands.train import CONFIG, HISTORY, MODEL
from d2l_softmax.storage.results import load_history
from d2l_softmax.training.checkpoint import load_checkpoint

from . import children

FILES = {
    *("checkpoint.pt", "config.json", "history.csv", "model.pt", "model.json", ".lock"),
    *("report.html", "scores.csv"),
    *("curves.png", "confusion.png", "mistakes.png", "predictions.png", "reliability.png"),
    "templates.png",
}
TRAINING = ["--epochs=3", "--batch-size=32", "--checkpoint-every=10", "--lr=0.01", "--quiet"]
EARLIER = 1  # the seed of the training that was there before
SETTINGS = [
    ("scratch", ["--momentum=0.9", "--lr-decay=linear"]),
    ("concise", ["--optimizer=adam", "--weight-decay=0.01", "--lr-decay=linear"]),
    ("scratch", ["--optimizer=adam"]),
    ("concise", ["--momentum=0.9"]),
]


class Undisturbed:
    """A training that nothing happened to: its command, its results, its model in each epoch."""

    def __init__(self, folder: Path, data_dir: Path, program: str, settings: list[str]):
        """Run an earlier training to the end, and in a copy of its directory this one."""
        self.folder, self.program = folder, program
        self.argv = [f"--data-dir={data_dir}", *TRAINING, *settings]
        self.earlier = folder / "earlier"
        output = f"--output-dir={self.earlier}"
        children.run(program, *self.argv, f"--seed={EARLIER}", output, fault=draw_blank)
        whole = self.copy("whole")
        self.operations: list[str] = []
        log = folder / "operations.txt"
        outcome = self.run(whole, fault=functools.partial(keep_models, folder, log))
        assert outcome.status == 0, outcome.err
        self.operations = log.read_text(encoding="utf-8").splitlines()
        self.seconds = float((folder / "seconds.txt").read_text(encoding="utf-8"))
        self.results = results(whole)
        self.models = [
            model_of(folder / f"epoch-{epoch}.pt") for epoch in range(1, len(self.results[1]) + 1)
        ]
        self.of_earlier = results(self.earlier)

    def copy(self, name: str) -> Path:
        """Return a new copy of the directory that the earlier training left."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.earlier, folder)
        return folder

    def run(self, output_dir: Path, *more: str, **options) -> children.Outcome:
        """Run the command with another output directory."""
        return children.run(
            self.program, *self.argv, f"--output-dir={output_dir}", *more, **options
        )

    def state_of(self, folder: Path) -> str:
        """Return what is wrong with the files after a death, "" if they are those of one run.

        History and model may be an epoch apart: the checkpoint then has the later of both.
        """
        checkpoint = load_checkpoint(folder / "checkpoint.pt")
        assert checkpoint, "there was one before"
        seed, newest = seed_of(folder / CONFIG), checkpoint["config"]["options"]["seed"]
        if seed == EARLIER:
            return "" if results(folder) == self.of_earlier else "the earlier results have changed"
        if seed is None:  # one is taken away, the other not yet there
            return "no config, and the checkpoint is the earlier one" if newest == EARLIER else ""
        if seed != newest:
            return "config and checkpoint are of two runs"
        epochs = [checkpoint["epoch"]] * 2
        if (folder / HISTORY).exists():
            records = records_of(folder)
            epochs[0] = len(records)
            if records != self.results[1][: len(records)]:
                return "a history of another run"
        if (folder / MODEL).exists():
            model = model_of(folder / MODEL)
            if model not in self.models:
                return "a model of another run"
            epochs[1] = self.models.index(model) + 1
        behind = {checkpoint["epoch"] - epoch for epoch in epochs}
        return "" if behind <= {0, 1} else f"history and model of epochs {epochs}"

    def goes_on(self, folder: Path) -> str:
        """Resume; return what is wrong with that and with its results, "" if nothing is.

        What died before its first checkpoint has nothing to resume. The training there is then the
        earlier one, with another seed: that is refused by name, and this one is begun.
        """
        outcome = self.run(folder, "--resume", fault=draw_blank)
        if outcome.status == 2 and f"the checkpoint has --seed {EARLIER}, got" in outcome.err:
            outcome = self.run(folder, fault=draw_blank)
        if complaint := outcome.complaint(statuses=(0,)):
            return f"resumed: {complaint}"
        if results(folder) != self.results:
            return "the results are not those of an undisturbed run"
        missing = FILES - {path.name for path in folder.iterdir()}
        return f"without {missing}" if missing else children.is_whole(folder)


def draw_blank() -> None:
    """In the child: write figures with nothing in them, which takes a tenth of the time.

    Where nothing goes wrong any more, that they are there is all that is asked of them.
    """
    Figure.draw = lambda figure, renderer: None


def results(folder: Path) -> tuple[list[bytes], list]:
    """Return what a run learned and measured, to the last bit."""
    return model_of(folder / MODEL), records_of(folder)


def seed_of(config: Path) -> int | None:
    """Return the seed that a config.json has, None if there is none."""
    try:
        return json.loads(config.read_text(encoding="utf-8"))["options"]["seed"]
    except FileNotFoundError:
        return None


def model_of(path: Path) -> list[bytes]:
    """Return the numbers of a model, as bytes."""
    return [tensor.numpy().tobytes() for tensor in torch.load(path, weights_only=True).values()]


def records_of(folder: Path) -> list:
    """Return the records of a history, seconds aside."""
    return [record._replace(seconds=0) for record in load_history(folder / HISTORY)]


def keep_models(folder: Path, log: Path) -> None:
    """In the child: keep the model of each epoch, and note every operation on files."""
    import time

    begin = time.monotonic()
    after_epoch = train.Run.after_epoch

    def write_and_keep(run, record) -> None:
        after_epoch(run, record)
        shutil.copy(run.output_dir / MODEL, folder / f"epoch-{record.epoch}.pt")
        seconds = f"{time.monotonic() - begin}"
        (folder / "seconds.txt").write_text(seconds, encoding="utf-8")

    train.Run.after_epoch = write_and_keep
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    at_every_operation(folder / "whole", lambda what: os.write(descriptor, f"{what}\n".encode()))


def at_every_operation(folder: Path, call) -> None:
    """In the child: call something before each operation that changes files in a folder.

    Python's own audit events name most of them; fsync is what is between writing and renaming.
    """
    events = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"}
    fsync = os.fsync

    def hook(event: str, arguments: tuple) -> None:
        if event in events and str(arguments[0]).startswith(str(folder)):
            reads = event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR)
            if not reads:
                name = re.sub(r"[0-9a-f]{8}\.part", "part", Path(str(arguments[0])).name)
                call(f"{event} {name}")

    def hooked_fsync(descriptor: int) -> None:
        call("fsync")
        fsync(descriptor)

    sys.addaudithook(hook)
    os.fsync = hooked_fsync


def at_nth(number: int, what):
    """Return a function that does something when it is called for the nth time."""
    calls = 0

    def call(operation: str) -> None:
        nonlocal calls
        calls += 1
        if calls == number:
            what()

    return call


def die() -> None:
    """End this process as a loss of power would."""
    os.kill(os.getpid(), signal.SIGKILL)


def full() -> None:
    """Fail as a full disk does."""
    raise OSError(28, "No space left on device")


def killed_at_operation(undisturbed: Undisturbed, number: int) -> str:
    """Kill a training before its nth operation on files; return what is wrong then."""
    folder = undisturbed.copy(f"killed-{number}")
    fault = functools.partial(at_every_operation, folder, at_nth(number, die))
    outcome = undisturbed.run(folder, fault=fault)
    if outcome.status != -signal.SIGKILL:
        return f"was not killed: {outcome}"
    complaint = undisturbed.state_of(folder) or undisturbed.goes_on(folder)
    shutil.rmtree(folder)
    return complaint


def killed_at_moment(undisturbed: Undisturbed, number: int) -> str:
    """Kill a training at a random moment; return what is wrong then."""
    folder = undisturbed.copy(f"moment-{number}")
    moment = random.Random(number).uniform(0, 1.3 * undisturbed.seconds)
    undisturbed.run(folder, kill_after=moment)
    complaint = undisturbed.state_of(folder) or undisturbed.goes_on(folder)
    shutil.rmtree(folder)
    return complaint


def disk_full_at_operation(undisturbed: Undisturbed, number: int) -> str:
    """Let the nth operation on files fail for want of space; return what is wrong then."""
    folder = undisturbed.copy(f"full-{number}")
    fault = functools.partial(at_every_operation, folder, at_nth(number, full))
    outcome = undisturbed.run(folder, fault=fault)
    complaint = outcome.complaint() or undisturbed.state_of(folder) or undisturbed.goes_on(folder)
    shutil.rmtree(folder)
    return complaint


def disk_full_at_size(undisturbed: Undisturbed, number: int) -> str:
    """Let no file grow beyond a size, as a quota does; return what is wrong then."""
    import resource

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    size = random.Random(number).randrange(100_000)
    folder = undisturbed.copy(f"size-{number}")
    outcome = undisturbed.run(folder, fault=limit)
    complaint = outcome.complaint() or undisturbed.state_of(folder) or undisturbed.goes_on(folder)
    shutil.rmtree(folder)
    return complaint


def faults(folder: Path, data_dir: Path) -> Iterator[children.Fault]:
    """Yield the faults."""
    for number, (program, settings) in enumerate(SETTINGS):  # each twin twice
        undisturbed = Undisturbed(folder / f"{number}", data_dir, program, settings)
        for moment in range(25):
            yield children.Fault(
                "kill -9 at a random moment, then --resume",
                f"{program} {settings} {moment}",
                functools.partial(killed_at_moment, undisturbed, moment),
            )
        for place, operation in enumerate(undisturbed.operations if number < 2 else [], start=1):
            what = f"{program} {settings} {place} {operation}"
            yield children.Fault(
                "kill -9 at every file operation, then --resume",
                what,
                functools.partial(killed_at_operation, undisturbed, place),
            )
            yield children.Fault(
                "disk full at every file operation, then --resume",
                what,
                functools.partial(disk_full_at_operation, undisturbed, place),
            )
        for size in range(10):
            yield children.Fault(
                "no file may grow beyond a size, then --resume",
                f"{program} {size}",
                functools.partial(disk_full_at_size, undisturbed, size),
            )
