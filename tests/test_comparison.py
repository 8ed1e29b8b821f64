"""The command `compare`: its table and files, tolerances, and results that diverge."""

import json
import types
from pathlib import Path

import pytest
import torch
from conftest import TWINS

import scratch
from d2l_softmax import __main__ as d2l_main
from d2l_softmax.commands.compare import table_head, table_row
from d2l_softmax.training.agreement import TOLERANCES, Difference, count_disagreements
from d2l_softmax.training.fit import EpochRecord

DOCUMENT = Path(__file__).parents[1] / "docs" / "agreement.md"


@pytest.mark.parametrize(
    ("dtype", "epochs", "limit"), [("float32", 10, 1e-5), ("float64", 2, 1e-12)]
)
@pytest.mark.usefixtures("real_data")
def test_files_and_lines_of_a_comparison(tmp_path, capsys, dtype, epochs, limit):
    """Of the defaults but for the dtype, and for the epochs of float64."""
    argv = ["compare", "--device=cpu", f"--dtype={dtype}", f"--output-dir={tmp_path}"]
    assert d2l_main.main([*argv, f"--epochs={epochs}"]) == 0
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"comparison.json", "comparison.png", "report.html"}
    written = json.loads((tmp_path / "comparison.json").read_text())
    assert [epoch["epoch"] for epoch in written["epochs"]] == list(range(1, epochs + 1))
    largest = written["largest_difference"]
    for name in "Wb":
        assert largest[name] == max(epoch["difference"][name] for epoch in written["epochs"])
        assert largest[name] <= limit
    assert written["first_epoch_beyond_tolerance"] is None
    assert (written["options"]["dtype"], written["test_images"]) == (dtype, 10_000)

    differ = written["test_predictions_that_differ"]
    _, *table, last, _ = capsys.readouterr().out.splitlines()
    assert table[0] == table_head([*TWINS])
    assert [row.split()[0] for row in table[1:]] == [str(n) for n in range(1, epochs + 1)]
    assert last == f"predictions that differ: {differ} of 10,000"
    if dtype == "float64":
        assert differ == 0
        text = DOCUMENT.read_text(encoding="utf-8")
        claimed = text[text.index(table[0]) :].splitlines()
        for row, claim in zip(table, claimed, strict=False):
            assert row.split()[:5] == claim.split()[:5]  # the differences are rounding errors


def test_the_first_epoch_with_different_results_is_named(made_up, tmp_path, monkeypatch, capsys):
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
    argv = ["compare", f"--data-dir={made_up}", f"--output-dir={tmp_path}", "--device=cpu"]
    argv += ["--batch-size=16", "--lr=0.01", "--epochs=3", "--quiet"]
    assert d2l_main.main(argv) == 1
    written = json.loads((tmp_path / "comparison.json").read_text())
    assert written["first_epoch_beyond_tolerance"] == 2
    *_, error = capsys.readouterr().err.splitlines()  # above it warnings: images are random
    assert "error: results diverge in epoch 2: train_loss " in error
    assert "b 1.0e-02; expected at most loss 1.0e-05" in error
    assert error.endswith("try a smaller --lr")
    assert "Results diverge in epoch 2" in (tmp_path / "report.html").read_text()


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
