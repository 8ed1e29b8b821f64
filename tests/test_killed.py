"""A training that dies, or whose disk is full, at any operation on its files; then --resume.

Death is simulated in this process: before operation N, and before every later one, an error is
raised that no code catches, so that nothing is cleaned up. A disk that is full raises OSError once.
"""

import functools
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import types

import numpy as np
import pytest
from conftest import LESSON, TWINS, first_quick, load_history, results, train_on

from d2l_softmax.commands import train
from d2l_softmax.training.checkpoint import load_checkpoint

ARGUMENTS = ["--epochs=2", "--batch-size=20", "--checkpoint-every=2", "--lr=0.01", "--quiet"]
SETTINGS = {
    "scratch": ["--momentum=0.9", "--lr-decay=linear"],
    "concise": ["--optimizer=adam", "--weight-decay=0.01", "--lr-decay=linear"],
}
EARLIER_SEED = 1  # of a finished training in the same directory
OPERATIONS = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir"}  # audit events
watched = types.SimpleNamespace(folder=None, before=None)


class Killed(BaseException):
    """The process is dead."""


@functools.cache  # an audit hook can't be removed
def add_hook():
    """Call `watched.before` before each operation that changes files in `watched.folder`."""

    def hook(event, arguments):
        if not watched.folder or event not in OPERATIONS:
            return
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return  # only reads
        if str(arguments[0]).startswith(watched.folder) and not arguments[0].endswith(".lock"):
            watched.before()

    sys.addaudithook(hook)


@pytest.fixture
def run(made_up, tmp_path, monkeypatch):
    """Return a function that runs a twin's command in a folder, without figures: its status."""
    monkeypatch.setattr(train, "write_results", lambda *arguments: None)

    def run(name, folder, *more):
        argv = [f"--data-dir={made_up}", f"--output-dir={tmp_path / folder}", "--device=cpu"]
        return train.main(TWINS[name], name, [*argv, *ARGUMENTS, *SETTINGS[name], *more])

    return run


def run_until(number, run, folder, fault):
    """Run a command with a fault at operation `number`; return the status, and how many it had."""
    count = itertools.count(1)

    def before(file=None):
        now = next(count)
        if now == number and file is not None:  # not all that was written is on the disk yet
            os.ftruncate(file, os.fstat(file).st_size // 2)
        if now >= number and fault == "kill -9":
            raise Killed
        if now == number:
            raise OSError(28, "No space left on device")

    add_hook()
    watched.folder, watched.before = str(folder), before
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", before)
        try:
            status = run()
        except Killed:
            status = -9
        finally:
            watched.folder = None
    return status, next(count) - 1


def assert_of_one_run(folder, earlier, whole, models):
    """Check that the files belong to the earlier run, or to the new run with its checkpoint.

    History and model may be of successive epochs; then the checkpoint has the later one.
    """
    checkpoint, config = load_checkpoint(folder / "checkpoint.pt"), folder / "config.json"
    newest = checkpoint["config"]["options"]["seed"]
    if not config.exists():  # the old one is removed, the new one is not yet written
        assert newest != EARLIER_SEED
        return
    if json.loads(config.read_text(encoding="utf-8"))["options"]["seed"] == EARLIER_SEED:
        assert results(folder) == earlier
        return
    assert newest != EARLIER_SEED
    epochs = []
    if (folder / "history.csv").exists():
        records = [record._replace(seconds=0) for record in load_history(folder / "history.csv")]
        assert records == whole[1][: len(records)]
        epochs.append(len(records))
    if (folder / "model.pt").exists():
        epochs.append(1 + models.index((folder / "model.pt").read_bytes()))
    assert {checkpoint["epoch"] - epoch for epoch in epochs} <= {0, 1}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", first_quick(["kill -9", "disk full"]))
@pytest.mark.parametrize("name", first_quick(TWINS))
def test_a_fault_at_any_operation_on_files(name, fault, run, tmp_path, monkeypatch, capsys):
    assert run(name, "earlier", f"--seed={EARLIER_SEED}") == 0
    after_epoch, models = train.Run.after_epoch, []

    def after_epoch_and_keep(self, record):
        after_epoch(self, record)
        models.append((tmp_path / "whole" / "model.pt").read_bytes())

    with monkeypatch.context() as patch:
        patch.setattr(train.Run, "after_epoch", after_epoch_and_keep)
        assert run(name, "whole") == 0
    earlier, whole = results(tmp_path / "earlier"), results(tmp_path / "whole")
    for number in itertools.count(1):
        folder = shutil.copytree(tmp_path / "earlier", tmp_path / f"{number}")
        faulty = functools.partial(run, name, folder.name)
        status, operations = run_until(number, faulty, folder, fault)
        if operations < number:  # there was no fault
            assert (status, results(folder)) == (0, whole)
            break
        assert status in ((-9,) if fault == "kill -9" else (0, 1))  # 0: tempfile tries again
        assert_of_one_run(folder, earlier, whole, models)
        if fault == "disk full":
            assert not list(folder.glob(".*.part"))
        capsys.readouterr()
        try:
            status = run(name, folder.name, "--resume")
        except SystemExit as end:
            status = end.code
        if status:  # nothing to resume: the checkpoint is the earlier one
            message = f"the checkpoint has --seed {EARLIER_SEED}, got"
            assert (status, message in capsys.readouterr().err) == (2, True)
            assert run(name, folder.name) == 0
        assert results(folder) == whole, number
        assert not list(folder.glob(".*.part"))
        shutil.rmtree(folder)
    assert number > 50


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", TWINS)
def test_killed_again_and_again(name, tmp_path, monkeypatch):
    """A process of its own gets SIGKILL at random moments, most of them while it writes files."""
    monkeypatch.setattr(train, "write_results", lambda *arguments: None)
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", X=rng.integers(0, 256, (60, 4, 4), np.uint8), y=[0, 1, 2] * 20)
    more = ["--epochs=100", "--batch-size=16", "--lr=0.01", "--checkpoint-every=1", "--device=cpu"]
    more += ["--momentum=0.9"] if name == "scratch" else ["--optimizer=adam"]
    assert train_on(tmp_path / "data.npz", tmp_path / "whole", *more, "--quiet", twin=name) == 0
    argv = [f"--dataset={tmp_path / 'data.npz'}", f"--output-dir={tmp_path / 'out'}", *more]
    chance, statuses = random.Random(0), []
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-m", name, *argv, "--resume"],
            cwd=LESSON.parents[1],
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        with process:
            epochs = (line for line in process.stdout if line.startswith("epoch"))
            next(itertools.islice(epochs, chance.randrange(15), None), None)
            try:
                process.wait(chance.uniform(0, 0.02))
            except subprocess.TimeoutExpired:
                process.kill()
        statuses.append(process.returncode)
    assert -signal.SIGKILL in statuses
    assert train_on(tmp_path / "data.npz", tmp_path / "out", *more, "--resume", twin=name) == 0
    assert results(tmp_path / "out") == results(tmp_path / "whole")
    assert not list((tmp_path / "out").glob(".*.part"))
