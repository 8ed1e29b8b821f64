"""The comparison as a product: numbers, figure, report, table, and what happens when twins part."""

import json
import types

import pytest
import torch
from conftest import TWINS
from PIL import Image

import scratch
from d2l_softmax import __main__ as d2l_main
from d2l_softmax.training.agreement import TOLERANCES, Difference, largest_difference

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
    assert (
        d2l_main.main(["compare", "--device=cpu", f"--dtype={dtype}", f"--output-dir={tmp_path}"])
        == 0
    )
    written = json.loads((tmp_path / "comparison.json").read_text())
    assert [epoch["epoch"] for epoch in written["epochs"]] == list(range(1, 11))
    assert written["largest_difference"]["W"] <= limit
    assert written["largest_difference"]["b"] <= limit
    assert written["first_epoch_beyond_tolerance"] is None
    if dtype == "float64":
        assert written["test_predictions_that_differ"] == 0
    table = capsys.readouterr().out.splitlines()
    assert len(table) == 14
    head = "epoch scratch loss, test concise loss, test loss differs by W differs by"
    assert table[1].split() == head.split()


def test_what_it_writes(compare, tmp_path):
    status, written = compare("--epochs=2", "--optimizer=adam", "--lr-decay=linear", "--quiet")
    assert status == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"comparison.json", "comparison.png", "report.html"}
    assert written["options"]["optimizer"] == "adam"
    assert written["versions"]["torch"]
    assert written["machine"]
    first = written["epochs"][0]
    ours, theirs = first["scratch"], first["concise"]
    assert first["difference"]["train_loss"] == abs(ours["train_loss"] - theirs["train_loss"])
    assert written["largest_difference"]["W"] == max(
        epoch["difference"]["W"] for epoch in written["epochs"]
    )
    with Image.open(tmp_path / "out" / "comparison.png") as image:
        assert image.width == 1200


def test_one_epoch_can_be_drawn(compare):
    assert compare("--epochs=1", "--quiet", "--dtype=float64")[0] == 0


def test_twins_that_part(compare, monkeypatch, capsys, tmp_path):
    """A twin that takes a wrong step from the second epoch on is found in the second epoch."""
    passes = []

    def wrong_train_epoch(model, train_iter, optimizer):
        passes.append(1)
        result = scratch.train_epoch(model, train_iter, optimizer)
        if len(passes) > 1:
            model.b[0] += 0.01
        return result

    wrong = types.SimpleNamespace(**vars(scratch))
    wrong.train_epoch = wrong_train_epoch
    monkeypatch.setattr(d2l_main, "TWINS", {"scratch": wrong, "concise": TWINS["concise"]})
    status, written = compare("--epochs=3", "--quiet")
    assert status == 1
    assert written["first_epoch_beyond_tolerance"] == 2
    error = capsys.readouterr().err
    assert "the twins part in epoch 2: they differ by " in error
    assert "b 1.0e-02" in error
    assert error.count("\n") == 1
    assert "They part in epoch 2" in (tmp_path / "out" / "report.html").read_text()


def test_wrong_usage_is_refused_as_in_training(capsys):
    with pytest.raises(SystemExit) as caught:
        d2l_main.main(["compare", "--optimizer=adam", "--momentum=0.5"])
    assert caught.value.code == 2
    assert "--momentum" in capsys.readouterr().err


def test_divergence_ends_the_comparison(made_up, tmp_path, capsys):
    argv = ["compare", f"--data-dir={made_up}", f"--output-dir={tmp_path / 'out'}", "--lr=1e38"]
    assert d2l_main.main([*argv, "--weight-decay=10", "--batch-size=10", "--quiet"]) == 1
    assert "try a smaller --lr" in capsys.readouterr().err


def test_tolerance_is_a_limit_for_each_number():
    fine = Difference(0.0, 0.0, 0.0, 0.0, 0.0)
    for dtype, tolerance in TOLERANCES.items():
        assert fine.within(tolerance), dtype
        for field in Difference._fields:
            assert not fine._replace(**{field: 0.01}).within(tolerance)
            assert not fine._replace(**{field: float("nan")}).within(tolerance)


def test_two_test_images_apart_are_within_the_tolerance():
    for k in range(2, 10_001):
        difference = Difference(0.0, 0.0, k / 10_000 - (k - 2) / 10_000, 0.0, 0.0)
        assert difference.within(TOLERANCES["float32"])
        assert not difference.within(TOLERANCES["float64"])


def test_largest_difference():
    ours, theirs = torch.tensor([1.0, -2.0]), torch.tensor([1.5, -4.0])
    assert largest_difference(ours, theirs) == 2.0
