"""A training that is interrupted and resumed: the same numbers as if nothing had happened."""

import argparse
import functools
import io
import itertools
import json
import operator
import re
import shlex
import shutil
import signal
import sys

import pytest
import torch
from conftest import TWINS, results

from d2l_softmax.commands import train
from d2l_softmax.data.batches import ArrayDataset, ArrayLoader
from d2l_softmax.training.checkpoint import load_checkpoint
from d2l_softmax.training.distributed import Launch
from d2l_softmax.training.fit import EpochRecord
from d2l_softmax.training.metrics import Accumulator

every_twin = pytest.mark.parametrize("name", TWINS)
SETTINGS = {
    "float64": ["--lr=0.01", "--momentum=0.9", "--weight-decay=0.01", "--dtype=float64"],
    "adam": ["--optimizer=adam", "--weight-decay=0.01", "--lr-decay=linear", "--validation=7"],
    "augment": ["--lr=0.01", "--augment=photos", "--validation=7", "--standardize=yes"],
}
BATCHES, EPOCHS = 4, 3  # of 60 images


@pytest.fixture
def run(made_up, tmp_path, monkeypatch):
    """Return a function that runs a twin's command in a folder, without figures: its status."""
    monkeypatch.setattr(train, "write_results", lambda *arguments: None)

    def run(name, folder, *arguments):
        argv = [f"--data-dir={made_up}", f"--output-dir={tmp_path / folder}", "--device=cpu"]
        argv += [f"--epochs={EPOCHS}", "--batch-size=16", *arguments]
        return train.main(TWINS[name], name, argv)

    return run


@pytest.fixture
def interrupt(run, capsys):
    """Return a function that runs a command until images are looked up for the nth time."""
    look_up = ArrayLoader.look_up

    def interrupt(*arguments, place=BATCHES + 3, signum=signal.SIGINT, status=130):
        calls = itertools.count(1)

        def look_up_or_interrupt(*batch):
            if next(calls) == place:
                signal.raise_signal(signum)
            return look_up(*batch)

        capsys.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ArrayLoader, "look_up", look_up_or_interrupt)
            assert run(*arguments) == status
        return capsys.readouterr().err

    return interrupt


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@every_twin
def test_wherever_it_is_interrupted_the_end_is_the_same(name, settings, run, interrupt, tmp_path):
    assert run(name, "whole", *settings) == 0
    for place in range(1, (BATCHES + 1) * EPOCHS + 1):
        interrupt(name, f"{place}", *settings, place=place)
        assert run(name, f"{place}", *settings, "--resume") == 0
        assert results(tmp_path / f"{place}") == results(tmp_path / "whole"), place


def test_interrupted_again_and_again(run, interrupt, tmp_path):
    assert run("scratch", "whole") == 0
    for _ in range(2 * EPOCHS):
        interrupt("scratch", "again", "--resume", place=2)
    assert run("scratch", "again", "--resume") == 0
    assert results(tmp_path / "again") == results(tmp_path / "whole")


def test_a_checkpoint_every_few_batches(run, tmp_path, monkeypatch):
    """Whatever a process was doing when it died: the last checkpoint is enough."""
    assert run("concise", "whole", "--momentum=0.9") == 0
    written = []
    save = train.Run.save_checkpoint

    def die_after_the_third(self):
        checkpoint = save(self)
        written.append((checkpoint["epoch"], checkpoint["batch"]))
        if len(written) == 3:
            raise MemoryError
        return checkpoint

    monkeypatch.setattr(train.Run, "save_checkpoint", die_after_the_third)
    assert run("concise", "parts", "--momentum=0.9", "--checkpoint-every=3") == 1
    assert written == [(0, 3), (1, 0), (1, 3)]
    assert run("concise", "parts", "--momentum=0.9", "--resume") == 0
    assert results(tmp_path / "parts") == results(tmp_path / "whole")


def test_more_epochs_are_those_of_a_longer_run(run, tmp_path, capsys):
    assert run("scratch", "whole", "--epochs=5", "--optimizer=adam") == 0
    assert run("scratch", "longer", "--epochs=2", "--optimizer=adam") == 0
    assert run("scratch", "longer", "--epochs=5", "--optimizer=adam", "--resume") == 0
    checkpoint = tmp_path / "longer" / "checkpoint.pt"
    assert f"resuming from {checkpoint}, after epoch 2 of 5\n" in capsys.readouterr().out
    assert results(tmp_path / "longer") == results(tmp_path / "whole")
    assert json.loads((tmp_path / "longer" / "config.json").read_text())["options"]["epochs"] == 5


# Signals


@pytest.mark.parametrize(
    ("name", "signum", "status"),
    [("scratch", "SIGINT", 130), ("concise", "SIGTERM", 143), ("scratch", "SIGHUP", 129)],
)
@pytest.mark.usefixtures("default_signals")
def test_signals_end_it_after_the_batch(name, signum, status, interrupt, tmp_path):
    if not hasattr(signal, signum):
        pytest.skip("no such signal here")
    number = getattr(signal, signum)
    before = signal.getsignal(number)
    (message,) = interrupt(name, "my runs", signum=number, status=status).splitlines()
    assert signal.getsignal(number) == before
    assert message.startswith(f"python -m {name}: interrupted in epoch 2 of 3, after batch 2; ")
    checkpoint = load_checkpoint(tmp_path / "my runs" / "checkpoint.pt")
    assert (checkpoint["epoch"], checkpoint["batch"]) == (1, 2)
    command = shlex.split(message.partition("resume with: ")[2])
    assert (command[:3], command[-1]) == (["python", "-m", name], "--resume")
    for _ in range(2):  # the command that resumes, and the one that config.json has
        assert train.main(TWINS[name], name, command[3:]) == 0
        config = json.loads((tmp_path / "my runs" / "config.json").read_text(encoding="utf-8"))
        assert config["command"] == shlex.join([each for each in command if each != "--resume"])
        command = shlex.split(config["command"])


@pytest.mark.parametrize(
    ("executable", "found", "typed"),
    [
        ("env/bin/python3", "env/bin/python", "python"),
        ("env/bin/python3", None, "env/bin/python3"),
        ("env/bin/python", "usr/bin/python", "env/bin/python"),
    ],
)
def test_a_command_is_printed_as_it_has_to_be_typed(
    executable, found, typed, tmp_path, monkeypatch
):
    """Without an activated environment, as after `make`, there is no `python`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(tmp_path / executable))
    monkeypatch.setattr(shutil, "which", lambda name: found and str(tmp_path / found))
    assert train.as_typed("python -m scratch --lr '1 '") == f"{typed} -m scratch --lr '1 '"


@pytest.mark.parametrize(
    ("words", "processes", "on_each_machine", "expected"),
    [
        ("python -m scratch --overwrite --lr 1", 1, 1, "python -m scratch --lr 1"),
        ("d2l-softmax train --resume", 1, 1, "d2l-softmax train"),
        ("python -m scratch", 2, 2, "torchrun --nproc-per-node=2 -m scratch"),
        ("d2l x", 6, 3, "torchrun --nnodes=2 --nproc-per-node=3 --no-python d2l x"),
    ],
)
def test_the_command_is_the_one_that_was_typed(words, processes, on_each_machine, expected):
    launch = Launch(world_size=processes, local_world_size=on_each_machine)
    options = argparse.Namespace(command=words.split())
    assert train.training_command(options, launch) == expected


def test_a_second_interrupt_ends_it_at_once(run, monkeypatch, capsys, tmp_path):
    def interrupted_twice(*arguments):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("it continued")

    monkeypatch.setattr(ArrayDataset, "__getitem__", interrupted_twice)
    assert run("scratch", "out") == 130
    assert capsys.readouterr().err == "python -m scratch: interrupted\n"
    assert not (tmp_path / "out" / "checkpoint.pt").exists()


def test_what_nohup_ignores_stays_ignored(interrupt):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        interrupt("scratch", "out", signum=signal.SIGHUP, status=0)
    finally:
        signal.signal(signal.SIGHUP, before)


# What --resume continues, and what it refuses


def test_other_options_are_refused_by_name(run, interrupt, error_line):
    interrupt("scratch", "out")
    for argument, has, got in (
        ("--lr=0.5", "--lr 0.1", "--lr 0.5"),
        ("--seed=1", "--seed 0", "--seed 1"),
        ("--dtype=float64", "--dtype float32", "--dtype float64"),
        ("--optimizer=adam", "--lr 0.1 --optimizer sgd", "--lr 0.001 --optimizer adam"),
        ("--validation=10", "--validation 0", "--validation 10"),
        ("--epochs=1", "--epochs 3", "--epochs 1; it can only be higher"),
        ("--resize=8", "--resize None", "--resize 8x8"),
    ):
        line = error_line(2, run, "scratch", "out", "--resume", argument)
        assert f"has {has}, got {got} (" in line
    assert "scratch, got concise (" in error_line(2, run, "concise", "out", "--resume")


def test_a_rate_that_falls_to_zero_has_its_epochs(run, error_line):
    arguments = ["scratch", "out", "--lr-decay=linear"]
    assert run(*arguments) == 0
    line = error_line(2, run, *arguments, "--resume", "--epochs=9")
    assert "has --epochs 3, got --epochs 9" in line


def test_what_has_all_its_epochs_is_written_again(run, tmp_path):
    assert run("scratch", "out") == 0
    before = results(tmp_path / "out")
    (tmp_path / "out" / "model.pt").unlink()
    (tmp_path / "out" / "history.csv").write_text("nonsense")
    assert run("scratch", "out", "--resume") == 0
    assert results(tmp_path / "out") == before


# The directory


def test_an_unfinished_training_is_refused_by_name(run, interrupt, error_line, tmp_path):
    interrupt("scratch", "out")
    checkpoint = (tmp_path / "out" / "checkpoint.pt").read_bytes()
    error = error_line(1, run, "scratch", "out", "--seed=5")
    assert f"{tmp_path / 'out'} has an unfinished training" in error
    assert re.search("in epoch 2 of 3, after batch 2; .* --resume, .* --overwrite", error)
    assert (tmp_path / "out" / "checkpoint.pt").read_bytes() == checkpoint
    assert run("scratch", "out", "--seed=5", "--overwrite") == 0
    assert run("scratch", "whole", "--seed=5") == 0
    assert results(tmp_path / "out") == results(tmp_path / "whole")
    error_line(2, run, "scratch", "out", "--resume", "--overwrite")


def test_a_finished_training_is_written_over_after_the_first_epoch(run, interrupt, tmp_path):
    assert run("scratch", "out") == 0
    before = results(tmp_path / "out")
    interrupt("scratch", "out", "--seed=1", place=2)
    assert results(tmp_path / "out") == before
    assert run("scratch", "out", "--seed=1", "--resume") == 0
    assert run("scratch", "whole", "--seed=1") == 0
    assert results(tmp_path / "out") == results(tmp_path / "whole")


def test_a_divergence_keeps_the_last_good_checkpoint(run, tmp_path, capsys):
    arguments = ["--lr=1e30", "--weight-decay=1e7", "--checkpoint-every=1", "--batch-size=60"]
    assert run("scratch", "out", *arguments) == 1
    assert re.search(r"after epoch 2\b.* smaller --lr", capsys.readouterr().err)
    checkpoint = load_checkpoint(tmp_path / "out" / "checkpoint.pt")
    assert all(tensor.isfinite().all() for tensor in checkpoint["model"].values())


# The checkpoint


def test_the_checkpoint_is_one_dictionary_with_standard_keys(interrupt, tmp_path):
    interrupt("scratch", "out", "--lr-decay=linear", "--momentum=0.9")
    checkpoint = torch.load(tmp_path / "out" / "checkpoint.pt", weights_only=True)
    assert list(checkpoint) == [
        *("model", "optimizer", "scheduler", "generators", "epoch", "batch", "metric"),
        *("history", "seconds", "config"),
    ]
    assert checkpoint["config"]["twin"] == "scratch"
    assert EpochRecord(**checkpoint["history"][0]).epoch == 1
    assert checkpoint["optimizer"]["lr"] == pytest.approx(0.1 * 2 / 3)
    sums = Accumulator(3)
    sums.load_state_dict(checkpoint["metric"])
    assert sums[2] == 32


def test_a_damaged_checkpoint_or_one_of_other_content_is_refused(
    run, interrupt, tmp_path, error_line
):
    interrupt("scratch", "out")
    path = tmp_path / "out" / "checkpoint.pt"
    content = path.read_bytes()
    for *place, last, value in (
        ("config", "options", "epochs", "3"),
        ("config", "twin", None),
        ("config", "checksums", [1, 2]),
        ("model", "W", torch.zeros(1, 10)),  # would fill all rows
        ("optimizer", "velocities", []),
        ("generators", "order", torch.zeros(5)),
        ("history", 0, {"epoch": 1}),
        ("batch", -1),
        ("metric", None),
    ):
        saved = torch.load(io.BytesIO(content), weights_only=True)
        functools.reduce(operator.getitem, place, saved)[last] = value
        torch.save(saved, path)
        assert "leave --resume out" in error_line(1, run, "scratch", "out", "--resume"), last
    for damaged in (b"", b"nonsense"):
        path.write_bytes(damaged)
        line = error_line(1, run, "scratch", "out", "--resume")
        assert re.search("damaged .*leave --resume out", line)
    assert run("scratch", "out") == 0  # there is nothing to resume
