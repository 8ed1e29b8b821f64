"""sweep and learning-curve: the right numbers, whole tables, and nothing trained twice."""

import argparse
import contextlib
import csv
import io
import itertools
import math
import os
import shlex
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TWINS

from d2l_softmax import __main__ as d2l_main
from d2l_softmax.commands import sweep, workers
from d2l_softmax.commands.trainer import RepeatingLoader, Trainer, some_of
from d2l_softmax.data.batches import ArrayDataset, ArrayLoader
from d2l_softmax.data.custom import load_data
from d2l_softmax.figures.learning_curve import draw_learning_curve, summarize_gap
from d2l_softmax.figures.sweep import draw_sweep
from d2l_softmax.io import exclusive_lock
from d2l_softmax.models import load_parameters
from d2l_softmax.training.evaluation import evaluate
from d2l_softmax.training.selection import Score, best_first

GRID = ["--lr", "0.01", "0.1", "--batch-size", "8", "32", "--seeds=2", "--epochs=3"]
HELD_OUT = 30


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return a directory of 120 + 20 examples of three classes; those for testing are all NaN.

    Whoever looks at the test examples is told that they are not finite, and ends.
    """
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for split, n in (("train", 120), ("test", 20)):
        labels = np.arange(n) % 3
        features = rng.normal(size=(n, 6)) + 1.2 * np.eye(3, 6)[labels]
        np.save(folder / f"{split}_labels.npy", labels)
        np.save(folder / f"{split}_images.npy", features if split == "train" else features * np.nan)
    return folder


@pytest.fixture(scope="module")
def tested(data, tmp_path_factory):
    """Return the same training data with test data that can be looked at."""
    folder = tmp_path_factory.mktemp("tested")
    for path in data.iterdir():
        np.save(folder / path.name, np.nan_to_num(np.load(path)))
    return folder


def run(command, *arguments, jobs=1):
    """Run a command in this process; return its status and what it printed."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = d2l_main.main([command, f"--jobs={jobs}", *map(str, arguments)])
    return status, out.getvalue(), err.getvalue()


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def without_seconds(rows):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


@pytest.fixture(scope="module")
def swept(data, tmp_path_factory):
    """Return the directory of a sweep of eight trainings, and what it printed."""
    out = tmp_path_factory.mktemp("swept")
    where = [f"--dataset={data}", f"--output-dir={out}", f"--validation={HELD_OUT}"]
    status, printed, errors = run("sweep", *GRID, *where)
    assert (status, errors) == (0, "")
    return out, printed


@pytest.fixture
def counted(monkeypatch):
    """Return a list that gets the options of every training that is done in this process."""
    done = []
    train = Trainer.__call__
    monkeypatch.setattr(
        Trainer, "__call__", lambda s, options: done.append(options) or train(s, options)
    )
    return done


# What is measured


@pytest.mark.parametrize("name", TWINS)
def test_a_training_is_that_of_the_twins_own_command(name, data, tested, tmp_path, train):
    settings = ["--lr=0.1", "--batch-size=8", "--epochs=4", "--seed=3", "--momentum=0.5"]
    where = [f"--dataset={data}", f"--validation={HELD_OUT}"]
    own = [f"--twin={name}", "--seeds=1", f"--output-dir={tmp_path}"]
    assert run("sweep", *settings, *where, *own)[0] == 0
    (row,) = rows_of(tmp_path / "sweep.csv")

    history, _ = train(name, *settings, f"--dataset={tested}", f"--validation={HELD_OUT}")
    accuracies = [record.valid_acc for record in history]
    assert float(row["valid_acc"]) == accuracies[-1]
    assert int(row["best_epoch"]) == accuracies.index(max(accuracies)) + 1

    model = TWINS[name].SoftmaxRegression(6, 3)
    load_parameters(tmp_path / f"run-{name}" / "model.pt", model)
    train_iter, _, valid_iter = load_data(tested, 8, validation=HELD_OUT)
    assert float(row["valid_loss"]) == pytest.approx(evaluate(model, valid_iter).loss, rel=1e-6)
    assert float(row["train_acc"]) == evaluate(model, train_iter).accuracy
    assert (row["validation"], row["images"]) == (str(HELD_OUT), str(120 - HELD_OUT))


def test_every_combination_is_trained_from_every_seed(swept):
    rows = rows_of(swept[0] / "sweep.csv")
    found = [(row["lr"], row["batch_size"], row["seed"]) for row in rows]
    assert found == [(a, b, c) for a in ("0.01", "0.1") for b in ("8", "32") for c in "01"]
    assert {row["state"] for row in rows} == {"finished"}
    assert len({row["valid_loss"] for row in rows}) == 8


def test_the_command_of_the_best_gives_its_number(swept, tested, train):
    out, printed = swept
    means = {}
    for row in rows_of(out / "sweep.csv"):
        setting = (row["lr"], row["batch_size"])
        means[setting] = means.get(setting, 0) + float(row["valid_acc"]) / 2
    lr, batch_size = max(means, key=means.get)

    command = shlex.split(printed.splitlines()[-1])
    assert command[:3] == ["python", "-m", "scratch"]
    assert command[3:7] == ["--lr", lr, "--batch-size", batch_size]
    history, _ = train("scratch", *command[3:], f"--dataset={tested}")
    rows = rows_of(out / "sweep.csv")
    (row,) = (r for r in rows if (r["lr"], r["batch_size"], r["seed"]) == (lr, batch_size, "0"))
    assert history[-1].valid_acc == float(row["valid_acc"])


def test_settings_are_ranked_by_their_means(swept):
    _, printed = swept
    lines = printed.splitlines()
    first = next(i for i, line in enumerate(lines) if "mean ± standard deviation" in line)
    assert lines[first].startswith(f"accuracy on {HELD_OUT} held-out images")
    means = [float(line.split()[0]) for line in lines[first + 1 : first + 5]]
    assert means == sorted(means, reverse=True)


def test_adam_keeps_its_own_rate_and_the_command_says_so(data, tmp_path):
    where = [f"--dataset={data}", f"--output-dir={tmp_path}"]
    arguments = ["--optimizer", "adam", "--epochs=1", "--seeds=1", "--seed=4", *where]
    _, printed, _ = run("sweep", *arguments)
    (row,) = rows_of(tmp_path / "sweep.csv")
    assert (row["optimizer"], row["lr"], row["validation"]) == ("adam", "0.001", "20")
    words = printed.splitlines()[-1].split()
    pairs = set(itertools.pairwise(words))
    assert {("--optimizer", "adam"), ("--lr", "0.001"), ("--seed", "4")} <= pairs


@pytest.mark.parametrize(
    ("given", "varied"),
    [
        ([], ["lr", "batch_size"]),
        (["--epochs=2"], ["lr", "batch_size"]),
        (["--epochs", "2", "3"], ["epochs"]),
        (["--momentum=0.9"], []),
    ],
)
def test_the_grid_is_the_usual_one_unless_something_is_looked_for(given, varied):
    parser = argparse.ArgumentParser()
    sweep.add_options(parser)
    options = parser.parse_args(given)
    sweep.complete(parser, options)
    assert options.varied == varied
    assert len(options.trainings) == 3 * {0: 1, 1: 2, 2: 9}[len(varied)]


def test_a_training_that_diverges_is_a_row(data, tmp_path, train):
    where = [f"--dataset={data}", f"--output-dir={tmp_path}", "--seeds=1", "--epochs=2"]
    status, printed, errors = run("sweep", "--lr", "1e38", "0.1", "--weight-decay=10", *where)
    assert (status, errors) == (0, "")
    diverged, finished = rows_of(tmp_path / "sweep.csv")
    assert (diverged["state"], finished["state"]) == ("diverged", "finished")
    assert math.isnan(float(diverged["valid_acc"]))
    assert "lr 1e+38, seed 0   diverged" in printed
    assert "--lr 0.1 " in printed.splitlines()[-1]
    assert (tmp_path / "sweep.png").exists()

    status, _, errors = run("sweep", "--lr=1e38", "--weight-decay=10", *where)
    assert (status, errors.count("\n")) == (1, 1)
    assert "diverged from some seed: try a smaller --lr" in errors


# What goes on


def test_what_the_table_has_is_not_trained_again(swept, data, tmp_path, counted):
    text = (swept[0] / "sweep.csv").read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    (tmp_path / "sweep.csv").write_text("".join(lines[:3] + lines[5:]), encoding="utf-8")
    where = [f"--dataset={data}", f"--output-dir={tmp_path}", f"--validation={HELD_OUT}"]
    status, printed, _ = run("sweep", *GRID, *where)
    assert status == 0
    assert [(o.lr, o.batch_size, o.seed) for o in counted] == [(0.01, 32, 0), (0.01, 32, 1)]
    assert without_seconds(rows_of(tmp_path / "sweep.csv")) == without_seconds(
        rows_of(swept[0] / "sweep.csv")
    )
    assert f"6 trainings more, from {tmp_path / 'sweep.csv'}" in printed
    assert printed.splitlines()[-6:] == swept[1].splitlines()[-6:]

    run("sweep", *GRID, *where)
    assert len(counted) == 2


def test_an_interrupted_sweep_says_how_far_it_came(data, tmp_path, counted, monkeypatch):
    train = Trainer.__call__

    def interrupt_the_third(trainer, options):
        if len(counted) == 2:
            signal.raise_signal(signal.SIGINT)
        return train(trainer, options)

    monkeypatch.setattr(Trainer, "__call__", interrupt_the_third)
    where = [f"--dataset={data}", f"--output-dir={tmp_path}", f"--validation={HELD_OUT}"]
    status, _, errors = run("sweep", *GRID, *where)
    assert (status, errors) == (
        130,
        "python -m d2l_softmax sweep: interrupted when 2 of 8 trainings were done; the same "
        "command goes on\n",
    )
    assert len(rows_of(tmp_path / "sweep.csv")) == 2


@pytest.mark.parametrize(
    "other", ["--epochs=1", "--validation=20", "--dtype=float64", "--twin=concise"]
)
def test_other_settings_are_kept_and_do_not_count(other, swept, data, tmp_path, counted):
    text = (swept[0] / "sweep.csv").read_text(encoding="utf-8")
    (tmp_path / "sweep.csv").write_text(text, encoding="utf-8")
    where = [f"--dataset={data}", f"--output-dir={tmp_path}", f"--validation={HELD_OUT}"]
    _, printed, _ = run("sweep", *GRID[:6], "--epochs=3", "--seeds=1", *where, other)
    assert len(counted) == 4
    rows = rows_of(tmp_path / "sweep.csv")
    assert len(rows) == 12
    assert rows[4:] == rows_of(swept[0] / "sweep.csv")
    assert "8 there, of other settings or data, stay and do not count" in printed


def test_other_data_of_the_same_name_are_other_data(data, tmp_path, counted):
    where = ["--lr=0.1", "--epochs=1", "--seeds=1", f"--output-dir={tmp_path / 'out'}"]
    copy = tmp_path / data.name
    copy.mkdir()
    for path in data.iterdir():
        array = np.load(path)
        np.save(copy / path.name, -array if path.name == "train_images.npy" else array)
    for folder in (data, copy, data, copy):
        run("sweep", f"--dataset={folder}", *where)
    assert len(counted) == 2


@pytest.mark.parametrize(
    "content", ["", "a,b\n1,2\n", "one row less", "no number", b"\xff", b"\x00"], ids=str
)
def test_a_table_that_is_none_is_left_alone(content, swept, data, tmp_path):
    text = (swept[0] / "sweep.csv").read_text(encoding="utf-8")
    if content == "one row less":
        content = text[: text.rindex(",")]
    elif content == "no number":
        content = text.replace("finished,0", "finished,x")
    content = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "sweep.csv").write_bytes(content)
    status, _, errors = run("sweep", *GRID, f"--dataset={data}", f"--output-dir={tmp_path}")
    assert (status, errors.count("\n")) == (1, 1)
    assert "choose another directory with --output-dir" in errors
    assert (tmp_path / "sweep.csv").read_bytes() == content


def test_two_sweeps_do_not_share_a_directory(data, tmp_path):
    with exclusive_lock(tmp_path):
        status, _, errors = run("sweep", *GRID, f"--dataset={data}", f"--output-dir={tmp_path}")
    assert (status, errors.count("\n")) == (1, 1)


# Several processes


def start(data, out, seeds):
    """Start a sweep, two trainings at once: a short and an endless one from each seed."""
    command = [sys.executable, "-m", "d2l_softmax", "sweep", "--epochs", "5", "100000000"]
    command += [f"--seeds={seeds}", f"--dataset={data}", f"--output-dir={out}", "--jobs=2"]
    root = Path(__file__).parents[1]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **pipes, start_new_session=True, cwd=root)


def children_of(pid):
    """Return the processes that a process has started, as Linux counts them."""
    return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()]


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def imports_torch(pid):
    with contextlib.suppress(OSError):
        return "libtorch" in Path(f"/proc/{pid}/maps").read_text("utf-8")
    return False


def takes_no_notice_of_ctrl_c(pid):
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    masks = [int(line.split()[1], 16) for line in lines if line.startswith(("SigBlk", "SigIgn"))]
    return any(mask >> (signal.SIGINT - 1) & 1 for mask in masks)


def wait_until_ended(pids):
    deadline = time.monotonic() + 60
    while any(map(is_running, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_what_was_ended_goes_on_to_the_same_table(data, tmp_path):
    """Ctrl-C while processes start, which it reaches too; kill -9; then one process does it all."""
    out = tmp_path / "out"
    interrupted = start(data, out, seeds=2)
    interrupted.stdout.readline()
    children = []
    while sum(map(imports_torch, children)) < 2:
        children = children_of(interrupted.pid)
    assert all(map(takes_no_notice_of_ctrl_c, children))
    os.killpg(interrupted.pid, signal.SIGINT)
    _, errors = interrupted.communicate(timeout=60)
    assert interrupted.returncode == 130
    assert errors == (
        "python -m d2l_softmax sweep: interrupted when 0 of 4 trainings were done; the same "
        "command goes on\n"
    )

    killed = start(data, out, seeds=2)
    for _ in ("what is to be done", "the first training"):
        killed.stdout.readline()
    children += children_of(killed.pid)
    killed.kill()
    killed.communicate(timeout=60)
    assert 1 <= len(rows_of(out / "sweep.csv")) <= 2
    assert len(children) == 6  # twice two that train, and one that Python has for them
    wait_until_ended(children)

    settings = ["--lr=0.1", "--epochs=5", "--seeds=3", f"--dataset={data}"]
    assert run("sweep", *settings, f"--output-dir={out}")[0] == 0
    assert run("sweep", *settings, f"--output-dir={tmp_path / 'undisturbed'}")[0] == 0
    tables = (rows_of(folder / "sweep.csv") for folder in (out, tmp_path / "undisturbed"))
    disturbed, undisturbed = map(without_seconds, tables)
    assert len(undisturbed) == 3
    assert disturbed == undisturbed
    assert {path.name for path in out.iterdir()} == {".lock", "sweep.csv", "sweep.png"}


def test_a_worker_that_is_ended_from_outside_is_one_line(data, tmp_path, monkeypatch):
    class Broken:
        def __init__(self, *arguments):
            pass

        def submit(self, *arguments):
            future = Future()
            future.set_exception(BrokenProcessPool("terminated abruptly"))
            return future

        def shutdown(self):
            pass

    monkeypatch.setattr(workers, "ProcessPoolExecutor", Broken)
    where = [f"--dataset={data}", f"--output-dir={tmp_path}"]
    status, _, errors = run("sweep", *GRID, *where, jobs=2)
    assert (status, errors.count("\n")) == (1, 1)
    assert "try fewer --jobs" in errors


# Usage


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--validation=0"], "argument --validation: '0' is not a whole number"),
        (["--validation=60000"], "argument --validation: '60000'"),
        (["--lr", "0.1", "high"], "argument --lr: 'high' is not"),
        (["--lr"], "argument --lr: expected at least one argument"),
        (["--optimizer", "sgd", "adam", "--momentum=0.9"], "--momentum: goes with --optimizer sgd"),
        (["--jobs=0"], "argument --jobs: '0'"),
        (["--seeds=0"], "argument --seeds: '0'"),
        (["--sizes=10"], "unrecognized arguments: --sizes=10"),
    ],
)
def test_wrong_usage_is_one_line(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as exit:
        d2l_main.main(["sweep", *arguments])
    assert exit.value.code == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1


def test_more_held_out_than_there_are_is_one_line(data, tmp_path):
    where = [f"--dataset={data}", f"--output-dir={tmp_path}"]
    status, _, errors = run("sweep", "--validation=120", *where)
    assert (status, errors.count("\n")) == (1, 1)
    assert "choose --validation from 0 to 119" in errors


def test_without_settings_the_grid_is_that_of_the_help(data, tmp_path):
    where = [f"--dataset={data}", f"--output-dir={tmp_path}", "--seeds=1", "--quiet"]
    assert run("sweep", *where) == (0, "", "")
    found = [(float(row["lr"]), row["batch_size"]) for row in rows_of(tmp_path / "sweep.csv")]
    assert found == [(lr, b) for lr in (0.01, 0.1, 1.0) for b in ("64", "256", "1024")]


# Learning curves


def test_all_images_are_learned_from_as_elsewhere_and_few_are_some_of_more(
    swept, data, tmp_path, counted
):
    where = [f"--dataset={data}", f"--output-dir={tmp_path}", f"--validation={HELD_OUT}"]
    settings = ["--lr=0.1", "--batch-size=8", "--seeds=2", "--epochs=3"]
    status, printed, errors = run("learning-curve", *settings, *where, "--sizes", "90", "9", "30")
    assert (status, errors) == (0, "")
    rows = rows_of(tmp_path / "learning-curve.csv")
    assert [row["images"] for row in rows] == ["9", "9", "30", "30", "90", "90"]
    assert (tmp_path / "learning-curve.png").exists()
    elsewhere = rows_of(swept[0] / "sweep.csv")[4:6]
    assert without_seconds(rows[4:]) == without_seconds(elsewhere)
    accuracies = [sorted(float(row["train_acc"]) for row in rows[i : i + 2]) for i in (0, 4)]
    assert sum(accuracies[0]) > sum(accuracies[1])  # nine are learned by heart
    assert "9 images: accuracy" in printed

    run("learning-curve", *settings, *where, "--sizes", "9", "30", "90")
    assert len(counted) == 6


def test_sizes_by_themselves_end_with_all(data, tmp_path):
    where = [f"--dataset={data}", f"--output-dir={tmp_path}", "--epochs=1", "--seeds=1"]
    assert run("learning-curve", *where, "--validation=10")[0] == 0
    rows = rows_of(tmp_path / "learning-curve.csv")
    assert [row["images"] for row in rows] == ["100", "110"]


def test_more_images_than_there_are_is_one_line(data, tmp_path):
    where = [f"--dataset={data}", f"--output-dir={tmp_path}", f"--validation={HELD_OUT}"]
    status, _, errors = run("learning-curve", "--sizes", "10", "91", *where)
    assert (status, errors.count("\n")) == (1, 1)
    assert "there are 90 images to train on, 91 were asked for; choose smaller --sizes" in errors


def numbered(n):
    """Return a data set of n examples, each of which is its own number."""
    return ArrayDataset(torch.arange(n).double().unsqueeze(1), torch.zeros(n).long(), ["only"])


def drawn(loader):
    """Return the numbers in a pass, batch by batch."""
    return [X.flatten().int().tolist() for X, _ in loader]


def test_few_examples_are_repeated_equally_often():
    some = some_of(numbered(20), 3, seed=0)
    loader = RepeatingLoader(some, 4, length=14, generator=torch.Generator().manual_seed(0))
    batches = drawn(loader)
    assert [len(batch) for batch in batches] == [4, 4, 4, 2]
    assert len(loader) == 4
    order = [*itertools.chain(*batches)]
    rounds = [sorted(order[i : i + 3]) for i in range(0, 12, 3)]
    assert rounds == [rounds[0]] * 4
    assert len(set(rounds[0])) == 3
    assert order[:6] != order[6:12]


def test_a_pass_over_all_is_an_ordinary_pass():
    loaders = [
        RepeatingLoader(numbered(10), 4, length=10, generator=torch.Generator().manual_seed(1)),
        ArrayLoader(numbered(10), 4, shuffle=True, generator=torch.Generator().manual_seed(1)),
    ]
    for _ in range(2):
        ours, theirs = map(drawn, loaders)
        assert ours == theirs


def test_fewer_examples_are_some_of_the_same_and_those_of_a_seed():
    whole = numbered(50)
    whole.rows = torch.arange(0, 50, 2)
    found = {
        (n, seed): set(some_of(whole, n, seed).rows.tolist())
        for n in (5, 10, 25)
        for seed in (0, 1)
    }
    for seed in (0, 1):
        assert found[5, seed] < found[10, seed] < found[25, seed] == set(range(0, 50, 2))
    assert found[10, 0] != found[10, 1]


@pytest.mark.parametrize(
    ("valid", "advice"), [(0.74, "should help"), (0.76, "would change little")]
)
def test_what_a_learning_curve_says(valid, advice):
    train = {10: [1.0, 0.9, 1.0], 1000: [0.8, 0.8, 0.2]}
    lines = summarize_gap(train, {10: [0.5, 0.5, 0.6], 1000: [valid, valid, 0.9]}).splitlines()
    assert lines[0] == "10 images: accuracy 1.000 on these, 0.500 on others"
    assert lines[1].startswith(f"1,000 images: a gap of {0.8 - valid:.3f}")
    assert lines[1].endswith(advice)


def test_a_learning_curve_has_medians_and_bands():
    train, valid = {10: [1.0, 0.8, 0.9], 100: [0.8]}, {10: [0.4, 0.6, 0.6], 100: [0.7]}
    (axes,) = draw_learning_curve(train, valid).axes
    lines = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]
    assert lines == [([10, 100], [0.9, 0.8]), ([10, 100], [0.6, 0.7])]
    band = axes.collections[1].get_paths()[0].vertices
    assert (band[band[:, 0] == 10][:, 1].min(), band[:, 1].max()) == (0.4, 0.7)
    assert axes.get_xscale() == "log"


# Choosing, and its figure


def test_mean_and_spread_by_hand():
    score = Score((0.1,), (0.5, 0.7, 0.9))
    assert score.mean == pytest.approx(0.7)
    assert score.spread == pytest.approx(0.2)  # ((0.2² + 0² + 0.2²) / 2)½
    assert str(score) == "0.7000 ± 0.2000"
    assert str(Score((), (0.5,))) == "0.5000"
    assert str(Score((), (0.5, math.nan))) == "diverged"


def test_the_best_comes_first_and_what_diverged_last():
    scores = [Score((i,), a) for i, a in enumerate([(0.9, math.nan), (0.6, 0.8), (0.75, 0.75)])]
    assert [score.setting for score in best_first(scores)] == [(2,), (1,), (0,)]
    assert scores[1].within_one_standard_error(scores[2])  # 0.05 below, an error of 0.14 / 2½ = 0.1
    assert not Score((), (0.66, 0.70)).within_one_standard_error(scores[2])  # 0.07 below, 0.03 / 2½
    assert not Score((), (0.60, 0.61)).within_one_standard_error(scores[2])
    assert not scores[0].within_one_standard_error(scores[2])


def test_each_setting_has_its_place_on_the_map():
    scores = [
        Score((lr, size), (lr + size / 10_000,) * 2 if (lr, size) != (0.5, 64) else (0.1, math.nan))
        for lr in (0.5, 0.1)
        for size in (256, 64)
    ]
    axes, *_ = draw_sweep(["lr", "batch_size"], scores, 10).axes
    columns = [label.get_text() for label in axes.get_xticklabels()]
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert (rows, columns) == (["0.1", "0.5"], ["64", "256"])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("batch size", "learning rate")
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written == {
        (0, 0): "0.1064\n± 0.0000",
        (1, 0): "0.1256\n± 0.0000",
        (0, 1): "diverged",
        (1, 1): "0.5256\n± 0.0000",
    }
    (frame,) = axes.patches
    assert frame.get_bbox().bounds == (0.5, 0.5, 1, 1)
    assert axes.images[0].get_array().shape == (2, 2)


def test_each_combination_of_further_settings_has_a_map():
    names = ["lr", "momentum", "optimizer", "epochs"]
    scores = [
        Score((lr, m, "sgd", epochs), (lr + m / 100 + epochs / 1000,))
        for lr in (0.1, 0.2)
        for m in (0.0, 0.9)
        for epochs in (10, 20)
    ]
    figure = draw_sweep(names, scores, 10)
    maps = [axes for axes in figure.axes if axes.images]
    titles = [axes.get_title() for axes in maps]
    assert titles == ["optimizer sgd, epochs 10", "optimizer sgd, epochs 20"]
    assert maps[0].texts[3].get_text() == "0.2190"
    assert [len(axes.patches) for axes in maps] == [0, 1]


@pytest.mark.parametrize("accuracies", [(0.5, 0.6), (math.nan, 0.5)])
def test_one_setting_can_be_drawn(accuracies):
    (axes, _) = draw_sweep([], [Score((), accuracies)], 10).axes
    assert len(axes.texts) == 1
