"""The command `compare`: its table and files, tolerances, and results that diverge."""

import json
import types

import pytest
import torch
from conftest import TWINS

import scratch
from d2l_softmax import __main__ as d2l_main
from d2l_softmax.commands.compare import table_head, table_row
from d2l_softmax.figures.comparison import draw_comparison
from d2l_softmax.training.agreement import TOLERANCES, Difference, count_disagreements
from d2l_softmax.training.fit import EpochRecord

OPTIONS = ["--device=cpu", "--batch-size=16", "--lr=0.01"]


@pytest.fixture
def compare(made_up, tmp_path):
    """Return a function that runs the command on made-up data: status and comparison.json."""

    def compare(*arguments):
        out = tmp_path / "out"
        argv = ["compare", f"--data-dir={made_up}", f"--output-dir={out}", *OPTIONS, *arguments]
        status = d2l_main.main(argv)
        return status, json.loads((out / "comparison.json").read_text())

    return compare


@pytest.mark.parametrize(("dtype", "limit"), [("float32", 1e-5), ("float64", 1e-12)])
@pytest.mark.usefixtures("real_data")
def test_default_run(tmp_path, capsys, dtype, limit):
    argv = ["compare", "--device=cpu", f"--dtype={dtype}", f"--output-dir={tmp_path}"]
    assert d2l_main.main(argv) == 0
    written = json.loads((tmp_path / "comparison.json").read_text())
    assert [epoch["epoch"] for epoch in written["epochs"]] == list(range(1, 11))
    assert max(written["largest_difference"][name] for name in "Wb") <= limit
    assert written["first_epoch_beyond_tolerance"] is None
    differ = written["test_predictions_that_differ"]
    if dtype == "float64":
        assert differ == 0
    _, head, *rows, last, _ = capsys.readouterr().out.splitlines()
    assert head == table_head([*TWINS])
    for row, epoch in zip(rows, written["epochs"], strict=True):
        number, loss, *_, weights = row.split()
        assert (number, loss) == (str(epoch["epoch"]), f"{epoch['scratch']['train_loss']:.6f},")
        assert weights == f"{epoch['difference']['W']:.1e}"
    assert last == f"predictions that differ: {differ} of 10,000"


def test_files(compare, tmp_path):
    status, written = compare("--epochs=2", "--optimizer=adam", "--lr-decay=linear", "--quiet")
    assert status == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"comparison.json", "comparison.png", "report.html"}
    assert written["options"]["optimizer"] == "adam"
    assert written["versions"]["torch"]
    assert written["machine"]
    assert written["test_images"] == 20
    first = written["epochs"][0]
    ours, theirs = first["scratch"], first["concise"]
    assert first["difference"]["train_loss"] == abs(ours["train_loss"] - theirs["train_loss"])
    assert written["largest_difference"]["W"] == max(
        epoch["difference"]["W"] for epoch in written["epochs"]
    )


def test_the_first_epoch_with_different_results_is_named(compare, monkeypatch, capsys, tmp_path):
    """One twin takes a wrong step after the second epoch."""
    epochs = []

    def wrong_train_epoch(model, *arguments):
        result = scratch.train_epoch(model, *arguments)
        epochs.append(result)
        if len(epochs) == 2:
            model.b[0] += 0.01
        return result

    wrong = types.SimpleNamespace(**vars(scratch) | {"train_epoch": wrong_train_epoch})
    twins = {"scratch": wrong, "concise": TWINS["concise"]}
    monkeypatch.setattr(d2l_main, "load_twins", lambda: twins)
    status, written = compare("--epochs=3", "--quiet")
    assert status == 1
    assert written["first_epoch_beyond_tolerance"] == 2
    *_, error = capsys.readouterr().err.splitlines()  # above it warnings: images are random
    assert "error: results diverge in epoch 2: train_loss " in error
    assert "b 1.0e-02; expected at most loss 1.0e-05" in error
    assert error.endswith("try a smaller --lr")
    assert "Results diverge in epoch 2" in (tmp_path / "out" / "report.html").read_text()


def test_a_difference_has_no_sign_whichever_twin_is_ahead():
    models = [
        types.SimpleNamespace(W=torch.tensor([[1.0, 2.0]]), b=torch.tensor([0.5])),
        types.SimpleNamespace(W=torch.tensor([[1.5, 0.0]]), b=torch.tensor([0.25])),
    ]
    records = [EpochRecord(1, 0.75, 0.5, 0.25, 0.5, 1.0), EpochRecord(1, 1.0, 0.875, 1.0, 2.0, 2.0)]
    expected = Difference(
        train_loss=0.25, train_acc=0.375, test_acc=0.75, test_loss=1.5, W=2.0, b=0.25
    )
    for order in (1, -1):
        assert Difference.between(tuple(records[::order]), tuple(models[::order])) == expected


def test_differences_of_any_size_are_drawn():
    histories = {name: [EpochRecord(1, 0.5, 0.6, 0.7, 0.8, 1.0)] for name in TWINS}
    difference = Difference(1e-20, 0.0, 0.0, 1e30, W=1e20, b=0.0)
    draw_comparison(histories, [difference], "float32").draw_without_rendering()


def test_predictions_that_differ_are_counted():
    one, other = torch.tensor([0, 1, 2, 3, 4]), torch.tensor([0, 2, 1, 3, 9])
    assert count_disagreements(one, other) == count_disagreements(other, one) == 3
    assert count_disagreements(one, one) == 0


TABLE = """\
epoch    scratch loss, test    concise loss, test  loss differs by  W differs by
    3      0.500000, 0.7000      0.250000, 0.3500          2.5e-01       2.0e-02
"""


def test_row_of_the_table_has_each_twins_numbers_under_its_name():
    records = EpochRecord(3, 0.5, 0.6, 0.7, 0.8, 1.0), EpochRecord(3, 0.25, 0.3, 0.35, 0.4, 2.0)
    row = table_row(records, Difference(0.25, 0.3, 0.35, 0.4, W=0.02, b=0.01))
    assert f"{table_head(['scratch', 'concise'])}\n{row}\n" == TABLE


@pytest.mark.parametrize(
    ("dtype", "loss", "accuracy", "parameter"),
    [("float32", 1e-5, 2e-4, 1e-4), ("float64", 1e-10, 0.0, 1e-10)],
)
def test_the_tolerance_limits_each_number(dtype, loss, accuracy, parameter):
    limits = Difference(loss, accuracy, accuracy, loss, W=parameter, b=parameter)
    assert limits.within(TOLERANCES[dtype])
    for field, limit in limits._asdict().items():
        for value in (1.01 * limit or 1e-12, float("nan")):
            assert not limits._replace(**{field: value}).within(TOLERANCES[dtype]), field


def test_two_test_images_apart_are_within_the_tolerance():
    for k in range(2, 10_001):
        difference = Difference(0.0, 0.0, k / 10_000 - (k - 2) / 10_000, 0.0, 0.0, 0.0)
        assert difference.within(TOLERANCES["float32"])
        assert not difference.within(TOLERANCES["float64"])
