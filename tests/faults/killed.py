"""Trainings that are killed, or whose disk is full, at any moment; each is then resumed."""

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
from d2l_softmax.training.checkpoint import load_checkpoint

from . import children
from .children import model_of, records_of, results

TRAINING = ["--epochs=3", "--batch-size=32", "--checkpoint-every=10", "--lr=0.01", "--quiet"]
EARLIER_SEED = 1  # of the finished training that the directory has
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
        """Train the earlier one and, in a copy of its directory, this one."""
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
        """Run the command with another output directory."""
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
        """Return what is wrong with the files after a fault, "" if they are those of one run.

        History and model may be an epoch apart: the checkpoint then has the later of both.
        """
        checkpoint = load_checkpoint(folder / "checkpoint.pt")
        assert checkpoint, "there was one before"
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
        """Resume; return what is wrong with that or with the results, "" if nothing.

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
    """In the child: keep the model of each epoch, the seconds, and every operation on files."""
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

    Python's audit events name most of them; fsync is called between writing and renaming. Arguments
    are the operation's name and, before fsync, the descriptor of the file.
    """
    events = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"}
    fsync = os.fsync

    def hook(event: str, arguments: tuple) -> None:
        if event not in events or not str(arguments[0]).startswith(str(folder)):
            return
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return  # only reads
        name = re.sub(r"[0-9a-f]{8}\.part", "part", Path(str(arguments[0])).name)
        call(f"{event} {name}", None)

    def hooked_fsync(descriptor: int) -> None:
        call("fsync", descriptor)
        fsync(descriptor)

    sys.addaudithook(hook)
    os.fsync = hooked_fsync


def lose_half(file: int | None) -> None:
    """Remove half of what was written to a file but not synced: a disk need not have it yet."""
    if file is not None:
        os.ftruncate(file, os.fstat(file).st_size // 2)


def kill(operation: str, file: int | None) -> None:
    """End this process as a loss of power would."""
    lose_half(file)
    os.kill(os.getpid(), signal.SIGKILL)


def full(operation: str, file: int | None) -> None:
    """Fail as a full disk does."""
    lose_half(file)
    raise OSError(28, "No space left on device")


def at_operation(undisturbed: Undisturbed, number: int, fault: Callable) -> str:
    """Let a fault happen before the nth operation on files; return a complaint."""
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
    """Let no file grow beyond a random size, as a quota does; return a complaint."""
    size = random.Random(number).randrange(100_000)

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return undisturbed.inject(f"size-{number}", before=limit)


def faults(folder: Path, data_dir: Path) -> Iterator[children.Fault]:
    """Yield the faults: each twin twice, at every operation once."""
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
