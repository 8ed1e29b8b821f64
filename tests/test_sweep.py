"""sweep and learning-curve: correct results, resumed tables, parallel trainings, figures."""

import argparse
import contextlib
import io
import itertools
import math
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from conftest import TWINS, load_parameters, read_rows

import scratch
from d2l_softmax import __main__ as d2l_main
from d2l_softmax.commands import experiments, sweep
from d2l_softmax.commands.sweep import sort_scores, within_one_standard_error
from d2l_softmax.data.custom import load_data
from d2l_softmax.figures.sweep import Score, draw_learning_curve, draw_sweep, summarize_curve
from d2l_softmax.io import locked
from d2l_softmax.training.evaluation import evaluate

ROOT = Path(__file__).parents[1]
GRID = ["--lr", "0.01", "0.1", "--batch-size", "8", "32", "--seeds=2", "--epochs=3"]
HELD_OUT = 30
VALID = f"--validation={HELD_OUT}"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return a directory of 120 + 20 examples of three classes.

    The test examples are all NaN: a command that reads them fails.
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
    """Return the same training data with finite test data, for the twins' own commands."""
    folder = tmp_path_factory.mktemp("tested")
    for path in data.iterdir():
        np.save(folder / path.name, np.nan_to_num(np.load(path)))
    return folder


@pytest.fixture
def run(data, tmp_path, capsys):
    """Return a function that runs a command here: its status, output, errors and table."""

    def run(command, *arguments, jobs=1):
        argv = [command, f"--jobs={jobs}", f"--dataset={data}", f"--output-dir={tmp_path}"]
        status = d2l_main.main([*argv, *map(str, arguments)])
        rows = read_table(tmp_path / f"{command}.csv") if status != 1 else []
        return status, *capsys.readouterr(), rows

    return run


def read_table(path):
    """Return the rows of a table, without the times."""
    return [{k: v for k, v in row.items() if k != "seconds"} for row in read_rows(path)]


@pytest.fixture(scope="module")
def swept(data, tmp_path_factory):
    """Return the table of a sweep of eight trainings, and what it printed."""
    folder, out = tmp_path_factory.mktemp("swept"), io.StringIO()
    argv = ["--jobs=1", f"--dataset={data}", f"--output-dir={folder}", VALID]
    with contextlib.redirect_stdout(out):
        assert d2l_main.main(["sweep", *GRID, *argv]) == 0
    return folder / "sweep.csv", out.getvalue().splitlines()


@pytest.fixture
def trained(monkeypatch):
    """Return a list that gets the options of each training in this process."""
    done, train = [], experiments.train

    def recording(twin, loaders, options):
        done.append(options)
        return train(twin, loaders, options)

    monkeypatch.setattr(experiments, "train", recording)
    return done


# Results


@pytest.mark.parametrize("name", TWINS)
def test_a_row_equals_a_training_with_the_twins_command(name, run, tested, tmp_path, train):
    settings = ["--lr=0.1", "--batch-size=8", "--epochs=4", "--seed=3", "--momentum=0.5", VALID]
    *_, (row,) = run("sweep", *settings, f"--impl={name}", "--seeds=1")

    history, _ = train(name, *settings, f"--dataset={tested}")
    accuracies = [record.valid_acc for record in history]
    assert float(row["valid_acc"]) == accuracies[-1]
    assert int(row["best_epoch"]) == accuracies.index(max(accuracies)) + 1
    model = TWINS[name].SoftmaxRegression(6, 3)
    load_parameters(tmp_path / f"run-{name}" / "model.pt", model)
    train_iter, _, valid_iter = load_data(tested, 8, validation=HELD_OUT)
    assert float(row["valid_loss"]) == pytest.approx(evaluate(model, valid_iter).loss, rel=1e-6)
    assert float(row["train_acc"]) == evaluate(model, train_iter).accuracy
    assert (row["validation"], row["images"]) == (str(HELD_OUT), str(120 - HELD_OUT))


def test_the_grid_is_ranked_and_the_command_retrains_the_best(swept, tested, train):
    table, lines = swept
    rows = read_table(table)
    trained = [(row["lr"], row["batch_size"], row["seed"]) for row in rows]
    assert trained == [*itertools.product(("0.01", "0.1"), ("8", "32"), "01")]
    assert {row["state"] for row in rows} == {"finished"}
    assert len({row["valid_loss"] for row in rows}) == 8
    pairs = zip(rows[::2], rows[1::2], strict=True)
    means = {
        (a["lr"], a["batch_size"]): (float(a["valid_acc"]) + float(b["valid_acc"])) / 2
        for a, b in pairs
    }
    first = next(i for i, line in enumerate(lines) if "mean ± standard deviation" in line)
    assert lines[first].startswith(f"accuracy on {HELD_OUT} held-out examples")
    printed = [float(line.split()[0]) for line in lines[first + 1 : first + 5]]
    assert printed == pytest.approx(sorted(means.values(), reverse=True), abs=5e-5)

    lr, batch_size = max(means, key=means.get)
    command = shlex.split(lines[-1])
    assert command[:7] == ["python", "-m", "scratch", "--lr", lr, "--batch-size", batch_size]
    history, _ = train("scratch", *command[3:], f"--dataset={tested}")
    best = rows[trained.index((lr, batch_size, "0"))]
    assert history[-1].valid_acc == float(best["valid_acc"])


def test_only_examples_held_out_of_the_training_data_can_be_trained_on(tested, tmp_path, run):
    split = tmp_path / "data"
    split.mkdir()
    for path in tested.iterdir():
        for name in {path.name, path.name.replace("test", "valid")}:
            (split / name).write_bytes(path.read_bytes())
    for dataset, is_hinted in {split: False, tested: True}.items():
        settings = ["--lr=0.1", "--epochs=1", "--seeds=1", VALID, f"--dataset={dataset}"]
        status, out, *_ = run("sweep", *settings)
        assert (status, "without --validation" in out) == (0, is_hinted)


@pytest.mark.parametrize("optimizers", [("adam", "sgd"), ("sgd", "adam")])
def test_settings_are_chosen_for_each_training_and_the_command_has_them(
    optimizers, run, tested, train
):
    settings = ["--optimizer", *optimizers, "--epochs=5", "--seeds=1", "--seed=4", VALID]
    _, out, _, rows = run("sweep", *settings)
    assert out.splitlines()[-1].count("--seed 4") == 1
    rates = {row["optimizer"]: float(row["lr"]) for row in rows}
    assert rates["adam"] == 0.001
    assert rates["sgd"] > 0.1  # chosen from the data
    best = max(rows, key=lambda row: float(row["valid_acc"]))
    history, _ = train("scratch", *shlex.split(out.splitlines()[-1])[3:], f"--dataset={tested}")
    assert len(history) == 5
    assert history[-1].valid_acc == float(best["valid_acc"])


@pytest.mark.parametrize(
    ("arguments", "varied", "number"),
    [
        ([], ["lr", "batch_size"], 9),
        (["--epochs=2"], ["lr", "batch_size"], 9),
        (["--epochs", "2", "3"], ["epochs"], 2),
        (["--momentum=0.9"], ["momentum"], 1),
    ],
)
def test_the_default_grid_is_used_unless_a_setting_is_given(arguments, varied, number):
    parser = argparse.ArgumentParser()
    sweep.add_options(parser)
    options = parser.parse_args(arguments)
    sweep.complete(parser, options)
    assert (options.varied, len(options.trainings)) == (varied, 3 * number)


def test_a_training_that_diverges_is_a_row(run, tmp_path):
    arguments = ["--weight-decay=10", "--seeds=1", "--epochs=2"]
    status, out, err, (diverged, finished) = run("sweep", "--lr", "1e38", "0.1", *arguments)
    assert (status, err) == (0, "")
    assert (diverged["state"], finished["state"]) == ("diverged", "finished")
    assert finished["validation"] == "20"  # a sixth
    assert math.isnan(float(diverged["valid_acc"]))
    assert "lr 1e+38, seed 0   diverged" in out
    assert "--lr 0.1 " in out.splitlines()[-1]
    assert (tmp_path / "sweep.png").exists()

    status, _, err, _ = run("sweep", "--lr=1e38", *arguments)
    assert status == 1
    assert re.fullmatch(".*diverged.*smaller --lr.*\n", err)


# Tables that are resumed


def test_rows_of_the_table_are_not_trained_again(swept, run, tmp_path, trained):
    lines = swept[0].read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "sweep.csv").write_text("".join(lines[:3] + lines[5:]), encoding="utf-8")
    _, out, _, rows = run("sweep", *GRID, VALID)
    assert [(o.lr, o.batch_size, o.seed) for o in trained] == [(0.01, 32, 0), (0.01, 32, 1)]
    assert rows == read_table(swept[0])
    assert f"skipped 6 trainings with rows in {tmp_path / 'sweep.csv'}" in out
    assert out.splitlines()[-6:] == swept[1][-6:]
    run("sweep", *GRID, VALID)
    assert len(trained) == 2


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_the_rows_so_far(signum, run, trained, monkeypatch):
    train = experiments.train

    def interrupt_the_third(twin, loaders, options):
        if len(trained) == 2:
            signal.raise_signal(signum)
        return train(twin, loaders, options)

    monkeypatch.setattr(experiments, "train", interrupt_the_third)
    status, _, err, rows = run("sweep", *GRID)
    assert (status, len(rows)) == (128 + signum, 2)
    assert re.fullmatch("python -m d2l_softmax sweep: interrupted after 2 of 8 .*\n", err)


@pytest.mark.parametrize(
    "other", ["--epochs=1", "--validation=20", "--dtype=float64", "--impl=concise"]
)
def test_rows_of_other_settings_are_kept_and_ignored(other, swept, run, tmp_path, trained):
    (tmp_path / "sweep.csv").write_bytes(swept[0].read_bytes())
    _, out, _, rows = run("sweep", *GRID, "--seeds=1", VALID, other)
    assert len(trained) == 4
    assert len(rows) == 12
    assert rows[4:] == read_table(swept[0])
    assert "ignored 8 rows of other settings or data" in out


def test_other_data_of_the_same_name_are_other_data(data, run, tmp_path, trained):
    copy = tmp_path / data.name
    copy.mkdir()
    for path in data.iterdir():
        array = np.load(path)
        np.save(copy / path.name, -array if path.name == "train_images.npy" else array)
    for folder in (data, copy, data, copy):
        run("sweep", "--lr=0.1", "--epochs=1", "--seeds=1", f"--dataset={folder}")
    assert len(trained) == 2


@pytest.mark.parametrize("first", [b"", b"a,b\n1,2\n", b"\xff"], ids=["", "columns", "no UTF-8"])
def test_a_damaged_table_is_refused_and_kept(first, swept, run, tmp_path):
    content = first + swept[0].read_bytes() if first else b""
    (tmp_path / "sweep.csv").write_bytes(content)
    status, _, err, _ = run("sweep", *GRID)
    assert status == 1
    assert re.fullmatch(".*sweep.csv.*another directory with --output-dir\n", err)
    assert (tmp_path / "sweep.csv").read_bytes() == content


# Worker processes


def workers_of(pid):
    """Return the child processes that have loaded PyTorch, on Linux."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split():
        with contextlib.suppress(OSError):
            if "libtorch" in Path(f"/proc/{child}/maps").read_text("utf-8"):
                found.append(int(child))
    return found


def kill_worker(pid, signum):
    os.kill(workers_of(pid)[0], signum)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize(
    ("send", "signum", "status", "message"),
    [
        (os.kill, signal.SIGINT, 130, "interrupted after 0 of 4 trainings"),
        (os.kill, signal.SIGTERM, 143, "interrupted after 0 of 4 trainings"),
        (os.kill, signal.SIGKILL, -9, None),
        (kill_worker, signal.SIGKILL, 1, "error: a worker process died"),
    ],
)
def test_no_process_is_left(send, signum, status, message, data, tmp_path, request):
    command = [sys.executable, "-m", "d2l_softmax", "sweep", "--epochs", "90000000", "100000000"]
    command += ["--jobs=2", "--seeds=2", f"--dataset={data}", f"--output-dir={tmp_path}"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, **pipes, start_new_session=True, cwd=ROOT)
    request.addfinalizer(process.kill)
    process.stdout.readline()
    while len(workers_of(process.pid)) < 2:
        time.sleep(0.02)
    send(process.pid, signum)
    _, err = process.communicate(timeout=30)  # waits for all processes that inherited the streams
    assert process.returncode == status
    if message:
        assert re.fullmatch(f"python -m d2l_softmax sweep: {message}.*\n", err)


def test_parallel_trainings_give_the_same_table(swept, run):
    _, out, err, rows = run("sweep", *GRID, VALID, jobs=2)
    assert (rows, err) == (read_table(swept[0]), "")
    assert "2 in parallel" in out


# Usage


@pytest.mark.parametrize(
    ("status", "arguments", "message"),
    [
        (2, "sweep --validation=0", "--validation: '0'"),
        (2, "sweep --optimizer sgd adam --momentum=0.9", "--momentum: .*--optimizer sgd"),
        (2, "sweep --jobs=0", "--jobs: '0'"),
        (2, "sweep --sizes=10", "--sizes=10"),
        (1, "sweep --validation=120", "--validation from 0 to 119"),
        (1, "learning-curve --sizes 10 91 --validation=30", "90 .* 91; .*--sizes"),
    ],
)
def test_wrong_usage_is_one_line(status, arguments, message, data, tmp_path, error_line):
    argv = [*arguments.split(), f"--dataset={data}", f"--output-dir={tmp_path}"]
    assert re.search(message, error_line(status, d2l_main.main, argv))


def test_two_sweeps_do_not_share_a_directory(run, tmp_path):
    with locked(tmp_path):
        status, _, err, _ = run("sweep", *GRID)
    assert status == 1
    assert re.fullmatch(f".*another training is writing to {tmp_path}; .*\n", err)


# Learning curves


def test_a_learning_curve_trains_as_a_sweep_does_and_on_subsets(swept, run, tmp_path, trained):
    arguments = ["--lr=0.1", "--batch-size=8", "--seeds=2", "--epochs=3", VALID, "--sizes"]
    status, out, err, rows = run("learning-curve", *arguments, "90", "9", "30")
    assert (status, err) == (0, "")
    assert [row["images"] for row in rows] == ["9", "9", "30", "30", "90", "90"]
    assert (tmp_path / "learning-curve.png").exists()
    assert rows[4:] == read_table(swept[0])[4:6]
    few, _, many = (sum(float(row["train_acc"]) for row in rows[i : i + 2]) for i in (0, 2, 4))
    assert few > many  # nine examples are memorized
    assert "90 examples: training accuracy" in out
    run("learning-curve", *arguments, "9", "30", "90")
    assert len(trained) == 6


def test_default_sizes_end_with_all_images(run):
    arguments = ["--epochs=1", "--seeds=1", "--validation=10", "--quiet"]
    *printed, rows = run("learning-curve", *arguments)
    assert printed == [0, "", ""]
    assert [row["images"] for row in rows] == ["10", "30", "110"]  # 100 is too close to 110


def test_all_sizes_take_equal_steps_on_nested_subsets(run, monkeypatch):
    epochs, train_epoch = [], scratch.train_epoch

    def recording(model, batches, optimizer, metric):
        epochs.append(list(batches))
        return train_epoch(model, epochs[-1], optimizer, metric)

    monkeypatch.setattr(scratch, "train_epoch", recording)
    arguments = ["--epochs=1", "--seeds=2", "--batch-size=8", VALID]
    run("learning-curve", *arguments, "--sizes", "9", "30", "90")
    assert [[len(y) for _, y in batches] for batches in epochs] == [[8] * 11 + [2]] * 6
    orders = [[tuple(x) for X, _ in batches for x in X.tolist()] for batches in epochs]
    for seed in (0, 1):
        nine, thirty, ninety = map(Counter, orders[seed::2])
        assert (set(nine.values()), set(thirty.values())) == ({10}, {3})  # equally often
        assert (len(nine), len(thirty), len(ninety)) == (9, 30, 90)
        assert set(nine) < set(thirty) < set(ninety)
    assert set(orders[0]) != set(orders[1])  # a subset for each seed
    assert orders[0][:9] != orders[0][9:18]  # shuffled each time


# Scores and figures


@pytest.mark.parametrize(
    ("after", "second"),
    [
        # gains of 0.05, 0.06 and 0.07 for two doublings: 0.03 ± 0.005 / √3 each
        ((0.55, 0.56, 0.57), r"\+0\.0300 ± 0\.0029 \(standard error\) .*; more examples"),
        ((0.55, 0.50, 0.45), r"\+0\.0000 ± 0\.0144 \(standard error\) .*; no measurable gain"),
        ((0.499999, 0.499999), r"\+0\.0000 ± 0\.0000 .*; no measurable gain"),  # not -0.0000
        ((0.75,), r"\+0\.1250 .*\(one seed\)"),
        # the first seed diverged
        ((math.nan, 0.70, 0.70), r"\+0\.1000 ± 0\.0000 .*; more examples"),
    ],
)
def test_the_summary_of_a_learning_curve(after, second):
    n = len(after)
    train = {10: [1.0] * n, 100: [0.9] * n, 400: [0.8, 0.9, 0.8][:n]}
    valid = {10: [0.1] * n, 100: [0.9 if math.isnan(a) else 0.5 for a in after], 400: after}
    first_line, second_line = summarize_curve(train, valid).splitlines()
    assert re.fullmatch(rf"400 .* 0\.8\d0, .* {np.nanmedian(after):.3f}", first_line)
    assert re.match(f"from 100 .*: {second}", second_line)
    assert "\n" not in summarize_curve({10: [1.0]}, {10: [0.5]})
    nan = {10: [1.0, math.nan], 100: [math.nan, 1.0]}  # no seed has both sizes
    assert "\n" not in summarize_curve(nan, nan)


def test_a_learning_curve_has_medians_and_bands():
    nan = math.nan
    train = {10: [1.0, 0.8, 0.9, nan], 100: [0.8, nan, nan, nan]}
    valid = {10: [0.4, 0.6, 0.6, nan], 100: [0.7, nan, nan, nan]}
    (axes,) = draw_learning_curve(train, valid).axes
    lines = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]
    assert lines == [([10, 100], [0.9, 0.8]), ([10, 100], [0.6, 0.7])]
    band = axes.collections[1].get_paths()[0].vertices
    assert (band[band[:, 0] == 10][:, 1].min(), band[:, 1].max()) == (0.4, 0.7)
    assert axes.get_xscale() == "log"
    assert axes.get_legend().get_title().get_text().endswith("maximum of 3 seeds")


def test_mean_std_and_ranking_by_hand():
    score = Score((0.1,), (0.5, 0.7, 0.9))
    assert score.mean == pytest.approx(0.7)
    assert score.std == pytest.approx(0.2)  # √((0.2² + 0² + 0.2²) / 2)
    assert str(score) == "0.7000 ± 0.2000"
    assert str(Score((), (0.5,))) == "0.5000"
    scores = [Score((i,), a) for i, a in enumerate([(0.9, math.nan), (0.6, 0.8), (0.75, 0.75)])]
    assert str(scores[0]) == "diverged"
    assert [score.setting for score in sort_scores(scores)] == [(2,), (1,), (0,)]
    tied = [Score((n,), (0.5, 0.5), loss) for n, loss in enumerate((0.3, 0.2))]
    assert [score.setting for score in sort_scores(tied)] == [(1,), (0,)]
    best = scores[2]
    assert within_one_standard_error(scores[1], best)  # 0.05 below, error 0.14 / √2 = 0.1
    assert not within_one_standard_error(Score((), (0.66, 0.70)), best)  # 0.07 below, 0.03 / √2
    assert not within_one_standard_error(scores[0], best)


def test_each_setting_has_its_cell():
    scores = [
        Score((lr, size), (lr + size / 10_000,) * 2 if (lr, size) != (0.5, 64) else (0.1, math.nan))
        for lr in (0.5, 0.1)
        for size in (256, 64)
    ]
    figure = draw_sweep(["lr", "batch_size"], scores, 10)
    assert figure.get_suptitle().startswith("accuracy on 10 held-out training examples\nmean ± ")
    axes, *_ = figure.axes
    columns = [label.get_text() for label in axes.get_xticklabels()]
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert (rows, columns) == (["0.1", "0.5"], ["64", "256"])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("batch size", "learning rate")
    assert {text.get_position(): text.get_text() for text in axes.texts} == {
        (0, 0): "0.1064\n± 0.0000",
        (1, 0): "0.1256\n± 0.0000",
        (0, 1): "diverged",
        (1, 1): "0.5256\n± 0.0000",
    }
    (frame,) = axes.patches
    assert frame.get_bbox().bounds == (0.5, 0.5, 1, 1)
    assert axes.images[0].get_clim() == pytest.approx((0.4256, 0.5256))  # not the data's range


def test_each_combination_of_further_settings_has_a_map():
    scores = [
        Score((lr, m, "sgd", epochs), (lr + m / 100 + epochs / 1000,))
        for lr, m, epochs in itertools.product((0.1, 0.2), (0.0, 0.9), (10, 20))
    ]
    figure = draw_sweep(["lr", "momentum", "optimizer", "epochs"], sort_scores(scores), 10)
    maps = [axes for axes in figure.axes if axes.images]
    titles = [axes.get_title() for axes in maps]
    assert titles == ["optimizer sgd, epochs 10", "optimizer sgd, epochs 20"]
    assert maps[0].texts[3].get_text() == "0.2190"
    first, second = figure.get_suptitle().split("\n")
    assert first == "accuracy on 10 held-out training examples"
    assert second == "one seed; the best is framed"
    assert [len(axes.patches) for axes in maps] == [0, 1]


def test_one_hyperparameter_is_a_line():
    scores = [Score((0.1,), (0.5, 0.7)), Score((0.01,), (0.4, 0.4)), Score((0.5,), (math.nan, 0.5))]
    (axes,) = draw_sweep(["lr"], scores, 10).axes
    line, _, (bars,) = axes.containers[0]
    assert list(line.get_xdata()) == [0, 1, 2]
    assert list(line.get_ydata()) == pytest.approx([0.4, 0.6, math.nan], nan_ok=True)
    lowest, highest = bars.get_segments()[1][:, 1]
    assert highest - lowest == pytest.approx(2 * scores[0].std)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.01", "0.1", "0.5"]
    assert [(text.get_text(), text.get_position()[0]) for text in axes.texts] == [("diverged", 2)]
    assert axes.collections[-1].get_offsets().tolist() == [[1, 0.6]]  # the best is framed
