"""A training that is interrupted and goes on: the same numbers as if nothing had happened."""

import json
import math
import signal
import subprocess
import sys

import pytest
import torch
from conftest import TWINS

from d2l_softmax.commands import train
from d2l_softmax.commands.resume import BEGUN
from d2l_softmax.data.batches import ArrayDataset
from d2l_softmax.storage.results import load_history
from d2l_softmax.training.checkpoint import CheckpointError, load_checkpoint
from d2l_softmax.training.metrics import Accumulator, NonFiniteError
from d2l_softmax.training.resuming import ResumableEpoch

other = {"scratch": "concise", "concise": "scratch"}
every_twin = pytest.mark.parametrize("name", TWINS)
SETTINGS = {
    "sgd": ["--lr=0.01"],
    "momentum": ["--lr=0.01", "--momentum=0.9", "--weight-decay=0.01", "--lr-decay=linear"],
    "adam": ["--optimizer=adam", "--weight-decay=0.01", "--lr-decay=linear", "--validation=7"],
    "float64": ["--lr=0.01", "--dtype=float64", "--momentum=0.5"],
}
BATCHES, EPOCHS = 4, 3  # of 60 images


@pytest.fixture
def run(made_up, tmp_path, monkeypatch):
    """Return a function that runs a twin's command in a folder, without figures: its status."""
    monkeypatch.setattr(train, "write_results", lambda *arguments: None)

    def run(name, folder, *arguments):
        argv = [f"--data-dir={made_up}", f"--output-dir={tmp_path / folder}", "--device=cpu"]
        argv += [f"--epochs={EPOCHS}", "--batch-size=16", "--quiet", *arguments]
        return train.main(TWINS[name], name, argv)

    return run


@pytest.fixture
def signal_at(monkeypatch):
    """Return a function that lets a signal come when images are looked up for the nth time."""
    look_up = ArrayDataset.__getitem__

    def signal_at(place, signum=signal.SIGINT):
        calls = iter(range(1, 10_000))

        def look_up_or_interrupt(images, index):
            if next(calls) == place:
                signal.raise_signal(signum)
            return look_up(images, index)

        monkeypatch.setattr(ArrayDataset, "__getitem__", look_up_or_interrupt)

    yield signal_at
    monkeypatch.setattr(ArrayDataset, "__getitem__", look_up)


def results(folder):
    """Return what a run learned and measured, to the last bit."""
    model = torch.load(folder / "model.pt", weights_only=True)
    records = [record._replace(seconds=0) for record in load_history(folder / "history.csv")]
    return [tensor.numpy().tobytes() for tensor in model.values()], records


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@every_twin
def test_wherever_it_is_interrupted_the_end_is_the_same(name, settings, run, signal_at, tmp_path):
    assert run(name, "whole", *settings) == 0
    for place in range(1, (BATCHES + 1) * EPOCHS + 1):
        signal_at(place)
        assert run(name, f"{place}", *settings) == 130
        signal_at(0)
        assert run(name, f"{place}", *settings, "--resume") == 0
        assert results(tmp_path / f"{place}") == results(tmp_path / "whole"), place


@every_twin
def test_interrupted_again_and_again(name, run, signal_at, tmp_path):
    assert run(name, "whole") == 0
    for _ in range(20):
        signal_at(2)
        status = run(name, "again", "--resume")
        if status == 0:
            break
        assert status == 130
    assert results(tmp_path / "again") == results(tmp_path / "whole")


@every_twin
def test_a_checkpoint_every_few_batches(name, run, tmp_path, monkeypatch):
    """Whatever a process was doing when it died: the last checkpoint is enough."""
    assert run(name, "whole", "--momentum=0.9") == 0
    written = []
    save = train.Run.write_checkpoint

    def die_after_the_third(self):
        save(self)
        written.append(self.saved.place())
        if len(written) == 3:
            raise MemoryError

    monkeypatch.setattr(train.Run, "write_checkpoint", die_after_the_third)
    assert run(name, "parts", "--momentum=0.9", "--checkpoint-every=3") == 1
    assert written == [
        "in epoch 1, after batch 3",
        "after epoch 1 of 3",
        "in epoch 2, after batch 3",
    ]
    assert run(name, "parts", "--momentum=0.9", "--resume") == 0
    assert results(tmp_path / "parts") == results(tmp_path / "whole")


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@every_twin
def test_either_twin_goes_on_with_what_the_other_began(name, settings, run, signal_at, tmp_path):
    assert run(name, "whole", *settings) == 0
    for place in (2, BATCHES + 3, 2 * BATCHES + 2):
        signal_at(place)
        assert run(other[name], f"{place}", *settings) == 130
        signal_at(0)
        assert run(name, f"{place}", *settings, "--resume") == 0
        model, whole = (
            torch.load(tmp_path / folder / "model.pt", weights_only=True)
            for folder in (f"{place}", "whole")
        )
        for key in whole:
            torch.testing.assert_close(model[key], whole[key], rtol=0, atol=2e-6)
        for record, expected in zip(
            *(load_history(tmp_path / folder / "history.csv") for folder in (f"{place}", "whole")),
            strict=True,
        ):
            assert record.train_loss == pytest.approx(expected.train_loss, rel=1e-5)
            assert record.epoch == expected.epoch


@every_twin
def test_more_epochs_are_those_of_a_longer_run(name, run, tmp_path):
    assert run(name, "whole", "--epochs=5", "--optimizer=adam") == 0
    assert run(name, "longer", "--epochs=2", "--optimizer=adam") == 0
    assert run(name, "longer", "--epochs=5", "--optimizer=adam", "--resume") == 0
    assert results(tmp_path / "longer") == results(tmp_path / "whole")
    assert json.loads((tmp_path / "longer" / "config.json").read_text())["options"]["epochs"] == 5


# What is said, and how it ends


@pytest.mark.parametrize(("signum", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
@every_twin
def test_signals_end_it_after_the_batch(name, signum, status, run, signal_at, capsys, tmp_path):
    if not hasattr(signal, signum):
        pytest.skip("no such signal here")
    before = signal.getsignal(getattr(signal, signum))
    signal_at(BATCHES + 3, getattr(signal, signum))
    assert run(name, "out") == status
    assert signal.getsignal(getattr(signal, signum)) == before
    assert capsys.readouterr().err == (
        f"python -m {name}: interrupted in epoch 2, after batch 2; "
        "the same command with --resume goes on\n"
    )
    checkpoint = load_checkpoint(tmp_path / "out" / "checkpoint.pt")
    assert (len(checkpoint.history), checkpoint.progress["batch"]) == (1, 2)


def test_a_second_interrupt_ends_it_at_once(run, monkeypatch, capsys, tmp_path):
    def interrupted_twice(*arguments):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("it went on")

    monkeypatch.setattr(ArrayDataset, "__getitem__", interrupted_twice)
    assert run("scratch", "out") == 130
    assert capsys.readouterr().err == "python -m scratch: interrupted\n"
    assert not (tmp_path / "out" / "checkpoint.pt").exists()


def test_an_interrupt_before_and_after_training(run, monkeypatch, capsys):
    def interrupted(*arguments):
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError("it went on")

    monkeypatch.setattr(train, "write_results", interrupted)
    assert run("scratch", "out") == 143
    assert "interrupted when all epochs were done; the same command" in capsys.readouterr().err
    monkeypatch.setattr(train, "Training", interrupted)
    assert run("scratch", "out") == 143
    assert capsys.readouterr().err == "python -m scratch: interrupted\n"


def test_what_nohup_ignores_stays_ignored(run, signal_at):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        signal_at(2)
        assert run("scratch", "out") == 0
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("argument", "begun_with"),
    [
        ("--lr=0.5", "--lr=0.1"),
        ("--seed=1", "--seed=0"),
        ("--dtype=float64", "--dtype=float32"),
        ("--batch-size=7", "--batch-size=16"),
        ("--optimizer=adam", "--lr=0.1 --optimizer=sgd"),
        ("--recipe=best", "--momentum=0.0 --lr-decay=none"),
        ("--validation=10", "--validation=0"),
        ("--epochs=1", "--epochs=3"),
        ("--lr-decay=linear", "--lr-decay=none"),
    ],
)
def test_other_options_are_refused_by_name(run, signal_at, capsys, argument, begun_with):
    signal_at(BATCHES + 2)
    assert run("scratch", "out") == 130
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        run("scratch", "out", "--resume", argument)
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    named = error.partition("was begun with ")[2].partition(";")[0]
    assert set(named.split()) == set(begun_with.split())


def test_a_rate_that_falls_to_zero_has_its_epochs(run, capsys):
    assert run("scratch", "out", "--lr-decay=linear") == 0
    with pytest.raises(SystemExit) as caught:
        run("scratch", "out", "--lr-decay=linear", "--resume", "--epochs=9")
    assert caught.value.code == 2
    assert "was begun with --epochs=3; go on with that" in capsys.readouterr().err


def test_it_says_where_it_goes_on(run, signal_at, tmp_path, capsys, made_up):
    signal_at(3)
    argv = [f"--data-dir={made_up}", f"--output-dir={tmp_path}", "--batch-size=16", "--epochs=1"]
    assert train.main(TWINS["scratch"], "scratch", argv) == 130
    signal_at(0)
    capsys.readouterr()
    assert train.main(TWINS["scratch"], "scratch", [*argv, "--resume"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"goes on in epoch 1, after batch 3, as {tmp_path / 'checkpoint.pt'} says"


def test_what_died_before_its_first_checkpoint_starts_afresh(run, tmp_path, monkeypatch, capsys):
    """In the directory of an earlier, other training, whose checkpoint is still there."""
    assert run("scratch", "out", "--seed=1") == 0
    assert run("scratch", "whole") == 0
    begun = json.loads((tmp_path / "whole" / "config.json").read_text())["options"]
    (tmp_path / "out" / BEGUN).write_text(json.dumps(begun))
    with pytest.raises(SystemExit):
        run("scratch", "out", "--resume", "--seed=2")
    assert run("scratch", "out", "--resume") == 0
    assert results(tmp_path / "out") == results(tmp_path / "whole")
    assert not (tmp_path / "out" / BEGUN).exists()


def test_it_is_announced_from_the_start(run, tmp_path, monkeypatch):
    def look(*arguments):
        announced = json.loads((tmp_path / "out" / BEGUN).read_text())
        assert (announced["seed"], announced["lr"]) == (3, 0.1)
        raise MemoryError

    monkeypatch.setattr(train, "Training", look)
    assert run("scratch", "out", "--seed=3") == 1


def test_nothing_to_resume(run, tmp_path, capsys, made_up):
    argv = [f"--data-dir={made_up}", f"--output-dir={tmp_path / 'new'}", "--epochs=1", "--resume"]
    assert train.main(TWINS["scratch"], "scratch", argv) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[1] == f"nothing to resume in {tmp_path / 'new'}: starts afresh"


def test_what_has_all_its_epochs_is_written_again(run, tmp_path):
    assert run("scratch", "out") == 0
    before = results(tmp_path / "out")
    (tmp_path / "out" / "model.pt").unlink()
    (tmp_path / "out" / "history.csv").write_text("nonsense")
    assert run("scratch", "out", "--resume") == 0
    assert results(tmp_path / "out") == before


# The directory is that of one run


def test_an_unfinished_training_is_kept_beside_a_new_one(run, signal_at, tmp_path, capsys, made_up):
    signal_at(BATCHES + 3)
    assert run("scratch", "out") == 130
    begun = (tmp_path / "out" / "checkpoint.pt").read_bytes()
    signal_at(0)
    argv = [f"--data-dir={made_up}", f"--output-dir={tmp_path / 'out'}", "--epochs=1"]
    capsys.readouterr()
    assert train.main(TWINS["scratch"], "scratch", argv) == 0
    assert "unfinished training, in epoch 2, after batch 2; its" in capsys.readouterr().out
    assert (tmp_path / "out" / "earlier-checkpoint.pt").read_bytes() == begun


def test_a_divergence_keeps_the_last_good_checkpoint(run, tmp_path, capsys):
    arguments = ["--lr=1e30", "--weight-decay=1e7", "--checkpoint-every=1", "--batch-size=60"]
    assert run("scratch", "out", *arguments) == 1
    assert "no longer finite after epoch 2: try a smaller --lr" in capsys.readouterr().err
    checkpoint = load_checkpoint(tmp_path / "out" / "checkpoint.pt")
    assert all(tensor.isfinite().all() for tensor in checkpoint.tensors.values())


def test_files_of_a_run_bear_its_name(run, signal_at, tmp_path):
    assert run("scratch", "out") == 0
    names = [name_of(tmp_path / "out")]
    signal_at(2)
    assert run("scratch", "out") == 130
    assert name_of(tmp_path / "out") == names[0]  # still all of the run before
    signal_at(0)
    assert run("scratch", "out", "--resume") == 0
    names.append(name_of(tmp_path / "out"))
    assert names[0] != names[1]
    assert load_checkpoint(tmp_path / "out" / "checkpoint.pt").config["run"] == names[1]


def name_of(folder):
    """Return the name that config.json gives the run."""
    return json.loads((folder / "config.json").read_text())["run"]


# Checkpoints that can't be


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04"])
def test_a_damaged_checkpoint_is_refused(run, tmp_path, capsys, content):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "checkpoint.pt").write_bytes(content)
    assert run("scratch", "out", "--resume") == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "is damaged or not a checkpoint of this project; leave --resume out" in error
    assert run("scratch", "out") == 0


def test_a_checkpoint_of_another_model_is_refused(run, tmp_path, capsys):
    assert run("scratch", "out") == 0
    path = tmp_path / "out" / "checkpoint.pt"
    saved = torch.load(path, weights_only=True)
    saved["tensors"]["W"] = torch.zeros(1, 10)  # would fill all rows
    torch.save(saved, path)
    assert run("scratch", "out", "--resume") == 1
    assert "of another training: shape (1, 10), expected (784, 10)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("config", "options", "epochs"), "3"),
        (("config", "options"), []),
        (("config", "run"), 1),
        (("history", 0), [1]),
        (("history", 0, 0), "1"),
        (("history", 0, 1), "0.5"),
        (("history", 0, 4), math.nan),
        (("progress", "batch"), -1),
        (("progress", "batch"), "1"),
        (("progress", "batch"), 5),
        (("progress", "sums"), None),
        (("progress", "sums", "sums"), [1.0, "2", 3]),
        (("progress", "sums", "sums"), [1.0]),
        (("progress", "sums", "waiting"), [[1.0]]),
        (("progress", "sums", "waiting"), [[1.0, None, 2.0]]),
        (("progress", "seconds"), "now"),
        (("progress", "optimizer", "lr"), "fast"),
        (("progress", "optimizer"), {}),
    ],
)
def test_a_checkpoint_of_other_content_is_refused(run, signal_at, tmp_path, capsys, place, value):
    """With checksums that fit: somebody made it."""
    signal_at(BATCHES + 3)
    assert run("scratch", "out") == 130
    signal_at(0)
    path = tmp_path / "out" / "checkpoint.pt"
    saved = torch.load(path, weights_only=True)
    text = json.loads(saved["text"])
    part = text
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    torch.save({**saved, "text": json.dumps(text)}, path)
    capsys.readouterr()
    assert run("scratch", "out", "--resume") == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "leave --resume out to start afresh" in error


@pytest.mark.parametrize("text", ["{}", "[]", '{"config": 1, "history": [], "progress": {}}', "{"])
def test_a_checkpoint_whose_text_is_another_is_refused(run, tmp_path, text):
    assert run("scratch", "out") == 0
    path = tmp_path / "out" / "checkpoint.pt"
    saved = torch.load(path, weights_only=True)
    torch.save({**saved, "text": text}, path)
    with pytest.raises(CheckpointError, match="damaged or not a checkpoint"):
        load_checkpoint(path)


# The parts


def test_an_accumulator_goes_on_from_the_sums_of_another():
    values = torch.rand(3000, generator=torch.Generator().manual_seed(0))
    whole = Accumulator(2)
    for value in values:
        whole.add(value, 1)
    for stop in (0, 1, 1023, 1024, 1025, 2999):
        one, two = Accumulator(2), Accumulator(2)
        for value in values[:stop]:
            one.add(value, 1)
        two.load_state_dict(json.loads(json.dumps(one.state_dict())))
        for value in values[stop:]:
            two.add(value, 1)
        assert (two[0], two[1]) == (whole[0], whole[1])


def test_a_state_with_an_infinite_value_is_none():
    metric = Accumulator(1)
    metric.add(1.0)
    metric.add(torch.tensor(torch.nan))
    with pytest.raises(NonFiniteError, match="nan in step 2"):
        metric.state_dict()


def test_an_epoch_counts_a_batch_when_the_page_is_done_with_it():
    seen = []

    def train_epoch(model, train_iter, optimizer, metric):
        for batch in train_iter:
            seen.append((batch, epoch.batch))
            metric.add(batch, 0, 1)
        return metric[0], 0.0

    epoch = ResumableEpoch(train_epoch, torch.Generator())
    epoch.after_batch = lambda: seen.append(epoch.batch)
    assert epoch(None, [1.0, 2.0], None) == (3.0, 0.0)
    assert seen == [(1.0, 0), 1, (2.0, 1), 2]
    assert epoch.batch == 0  # of the next epoch


@pytest.mark.skipif(sys.platform == "win32", reason="signals of other processes")
@pytest.mark.usefixtures("real_data")
@every_twin
def test_a_process_that_is_killed_goes_on(name, tmp_path):
    command = [sys.executable, "-m", name, "--device=cpu", "--lr=0.05", "--epochs=3"]
    for folder in ("whole", "killed"):
        line = [*command, f"--output-dir={tmp_path / folder}", "--checkpoint-every=50"]
        with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
            for printed in process.stdout:
                if folder == "killed" and printed.startswith("epoch   1"):
                    process.kill()
    line = [*command, "--resume", "--quiet", f"--output-dir={tmp_path / 'killed'}"]
    subprocess.run(line, check=True)
    assert results(tmp_path / "killed") == results(tmp_path / "whole")
