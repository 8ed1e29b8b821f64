"""Trainings that are killed, or that meet a full disk, at any moment; each is then resumed."""

import functools
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from d2l_softmax.commands import train
from d2l_softmax.commands.train import CONFIG, HISTORY, MODEL
from d2l_softmax.io import PART
from d2l_softmax.training.checkpoint import load_checkpoint

from . import children
from .children import model_of, records_of, results

TRAINING = ["--epochs=3", "--batch-size=32", "--checkpoint-every=10", "--lr=0.01", "--quiet"]
EARLIER_SEED = 1  # of the finished training whose results are in the directory before
SETTINGS = [
    ("scratch", ["--momentum=0.9", "--lr-decay=linear"]),
    ("concise", ["--optimizer=adam", "--weight-decay=0.01", "--lr-decay=linear"]),
    ("scratch", ["--optimizer=adam"]),
    ("concise", ["--momentum=0.9"]),
]


class Undisturbed:
    """A training without a fault: its command, results, models by epoch, and file operations.

    It writes to a copy of a directory with an earlier, finished training.
    """

    def __init__(self, folder: Path, data_dir: Path, program: str, settings: list[str]):
        """Run the earlier training and, in a copy of its directory, the training itself."""
        self.folder, self.program = folder, program
        self.argv = [f"--data-dir={data_dir}", *TRAINING, *settings]
        self.earlier, log, clock = folder / "earlier", folder / "log.txt", folder / "seconds.txt"
        seed = f"--seed={EARLIER_SEED}"
        outcome = self.run(self.earlier, seed, before=children.draw_blank)
        assert outcome.status == 0, outcome.err
        whole = self.copy("whole")
        outcome = self.run(whole, before=functools.partial(record, whole, log, clock))
        assert outcome.status == 0, outcome.err
        self.operations = log.read_text(encoding="utf-8").splitlines()
        self.seconds = float(clock.read_text(encoding="utf-8"))
        self.results, self.earlier_results = results(whole), results(self.earlier)
        epochs = range(1, len(self.results[1]) + 1)
        self.models = [model_of(folder / f"epoch-{epoch}.pt") for epoch in epochs]

    def copy(self, name: str) -> Path:
        """Return a new copy of the earlier training's directory."""
        return Path(shutil.copytree(self.earlier, self.folder / name))

    def run(self, output_dir: Path, *more: str, **options) -> children.Outcome:
        """Run the command with an output directory and further arguments."""
        return children.run(
            self.program, *self.argv, f"--output-dir={output_dir}", *more, **options
        )

    def inject(self, name: str, must_die: bool = False, **options) -> str:
        """Train with a fault, given by options of children.run, and resume; return a complaint."""
        folder = self.copy(name)
        outcome = self.run(folder, **options)
        if must_die and outcome.status != -signal.SIGKILL:
            return f"was not killed: {outcome}"
        if outcome.status != -signal.SIGKILL and (complaint := outcome.complaint()):
            return complaint
        complaint = self.check_files(folder) or self.check_resume(folder)
        shutil.rmtree(folder)
        return complaint

    def check_files(self, folder: Path) -> str:
        """Return a complaint about the files after a fault, "" if they belong to one run.

        History and model may be of successive epochs; then the checkpoint has the later epoch.
        """
        checkpoint = load_checkpoint(folder / "checkpoint.pt")
        assert checkpoint, "the earlier training has one"
        newest, seed = checkpoint["config"]["options"]["seed"], None
        if (folder / CONFIG).exists():
            config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            seed = config["options"]["seed"]
        if seed == EARLIER_SEED:
            same = results(folder) == self.earlier_results
            return "" if same else "the earlier results have changed"
        if seed is None:  # the old one is removed, the new one not yet written
            earlier = newest == EARLIER_SEED
            return "no config, and the checkpoint is the earlier one" if earlier else ""
        if seed != newest:
            return "config and checkpoint are of two runs"
        epochs = [checkpoint["epoch"]] * 2
        if (folder / HISTORY).exists():
            records = records_of(folder / HISTORY)
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

    def check_resume(self, folder: Path) -> str:
        """Resume; return a complaint about the outcome or the results, "" if there is none.

        A training that ended before its first checkpoint has nothing to resume. The checkpoint
        of the earlier training is refused, because its seed differs, and the training starts over.
        """
        outcome = self.run(folder, "--resume", before=children.draw_blank)
        if outcome.status == 2 and f"the checkpoint has --seed {EARLIER_SEED}, got" in outcome.err:
            outcome = self.run(folder, before=children.draw_blank)
        if complaint := outcome.complaint(statuses=(0,)):
            return f"resumed: {complaint}"
        if results(folder) != self.results:
            return "the results are not those of an undisturbed run"
        missing = children.FILES - {path.name for path in folder.iterdir()}
        return f"without {missing}" if missing else children.unfinished_files(folder)


def record(folder: Path, log: Path, clock: Path) -> None:
    """In the child: record the model of each epoch, the seconds, and each operation on files."""
    begin, after_epoch = time.monotonic(), train.Run.after_epoch

    def after_epoch_and_keep(run, record) -> None:
        after_epoch(run, record)
        shutil.copy(folder / MODEL, log.with_name(f"epoch-{record.epoch}.pt"))
        clock.write_text(f"{time.monotonic() - begin}", encoding="utf-8")

    train.Run.after_epoch = after_epoch_and_keep
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    at_every_operation(folder, lambda what, file: os.write(descriptor, f"{what}\n".encode()))


def at_every_operation(folder: Path, call: Callable[[str, int | None], object]) -> None:
    """In the child: call a function before each operation that changes files in a folder.

    Most operations are found by Python's audit events; fsync, called between writing and renaming,
    is replaced. The arguments are the operation's name and, for fsync, the file's descriptor.
    """
    events = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"}
    fsync = os.fsync

    def hook(event: str, arguments: tuple) -> None:
        if event not in events or not str(arguments[0]).startswith(str(folder)):
            return
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return  # only reads
        name = re.sub(rf"[0-9a-f]{{8}}{PART}", "part", Path(str(arguments[0])).name)
        call(f"{event} {name}", None)

    def hooked_fsync(descriptor: int) -> None:
        call("fsync", descriptor)
        fsync(descriptor)

    sys.addaudithook(hook)
    os.fsync = hooked_fsync


def lose_half(file: int | None) -> None:
    """Truncate a file to half its size, because unsynced data may not be on the disk yet."""
    if file is not None:
        os.ftruncate(file, os.fstat(file).st_size // 2)


def kill(operation: str, file: int | None) -> None:
    """Simulate a loss of power: truncate the file, and kill this process."""
    lose_half(file)
    os.kill(os.getpid(), signal.SIGKILL)


def full(operation: str, file: int | None) -> None:
    """Simulate a full disk: truncate the file, and raise OSError."""
    lose_half(file)
    raise OSError(28, "No space left on device")


def at_operation(undisturbed: Undisturbed, number: int, fault: Callable) -> str:
    """Call `fault` before operation `number` on files; return a complaint."""
    name = f"{fault.__name__}-{number}"
    calls = 0

    def call(operation: str, file: int | None) -> None:
        nonlocal calls
        calls += 1
        if calls == number:
            fault(operation, file)

    folder = undisturbed.folder / name
    before = functools.partial(at_every_operation, folder, call)
    return undisturbed.inject(name, must_die=fault is kill, before=before)


def at_moment(undisturbed: Undisturbed, number: int) -> str:
    """Kill a training at a random moment; return a complaint."""
    moment = random.Random(number).uniform(0, 1.3 * undisturbed.seconds)
    return undisturbed.inject(f"moment-{number}", kill_after=moment)


def at_size(undisturbed: Undisturbed, number: int) -> str:
    """Limit the size of files to a random number of bytes, like a quota; return a complaint."""
    size = random.Random(number).randrange(100_000)

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return undisturbed.inject(f"size-{number}", before=limit)


def faults(folder: Path, data_dir: Path) -> Iterator[children.Fault]:
    """Yield the faults: random ones for all SETTINGS, every operation for the first two."""
    for number, (program, settings) in enumerate(SETTINGS):
        own_folder = folder / f"{number}"
        own_folder.mkdir()
        undisturbed = Undisturbed(own_folder, data_dir, program, settings)
        for moment in range(25):
            yield children.Fault(
                "kill -9 at a random moment, then --resume",
                f"{program} {settings} {moment}",
                functools.partial(at_moment, undisturbed, moment),
            )
        for place, operation in enumerate(undisturbed.operations if number < 2 else [], start=1):
            for kind, fault in (("kill -9", kill), ("disk full", full)):
                yield children.Fault(
                    f"{kind} at every file operation, then --resume",
                    f"{program} {settings} {place} {operation}",
                    functools.partial(at_operation, undisturbed, place, fault),
                )
        for size in range(10):
            yield children.Fault(
                "no file may grow beyond a size, then --resume",
                f"{program} {size}",
                functools.partial(at_size, undisturbed, size),
            )
