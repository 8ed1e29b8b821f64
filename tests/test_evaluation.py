"""The evaluation of a model: worked examples, and the commands evaluate and figures."""

import csv
import functools
import json
import math
import re

import pytest
import torch
from conftest import TWINS

from d2l_softmax import __main__ as d2l_main
from d2l_softmax import load_data_fashion_mnist
from d2l_softmax.data import CLASSES, loaders
from d2l_softmax.figures.evaluation import FIGURES
from d2l_softmax.training.evaluation import (
    Evaluation,
    calibrate,
    evaluate,
    format_probability,
    score_table,
    wilson_interval,
)


@pytest.fixture
def example():
    """Return an evaluation of six images of ten classes, worked out by hand in the tests."""
    y_hat = torch.full((6, 10), 0.0)
    for row, (k, p) in enumerate([(0, 0.95), (0, 0.85), (1, 0.55), (1, 0.45), (2, 1.0), (0, 0.92)]):
        y_hat[row] = (1 - p) / 9
        y_hat[row, k] = p
    return Evaluation(y_hat, torch.tensor([0, 1, 1, 1, 2, 3]), CLASSES)


def test_a_temperature_divides_the_logits_and_1_changes_no_digit():
    logits = torch.tensor([[4.0, 0.0, 2.0], [-1.0, 1.0, 0.0]])
    for temperature in (0.5, 2.0):
        came = calibrate(logits.softmax(dim=1), temperature)
        torch.testing.assert_close(came, (logits / temperature).softmax(dim=1))
    y_hat = torch.rand(100, 3)
    assert calibrate(y_hat, 1.0) is y_hat
    assert [format_probability(p) for p in (0.0009, 0.001, 1.0)] == ["<0.001", "0.001", "1.000"]


def test_accuracy_confusion_precision_recall_and_loss(example):
    assert example.accuracy == 4 / 6
    confusion = example.confusion()
    assert confusion.sum() == 6
    assert confusion[0, 0] == 1
    assert confusion[1].tolist()[:2] == [1, 2]
    assert confusion[3, 0] == 1
    scores = example.class_scores()
    assert scores[0][:3] == ("t-shirt", 1 / 3, 1.0)
    assert scores[1][:3] == ("trouser", 1.0, 2 / 3)
    assert scores[3][:3] == ("dress", None, 0.0)
    assert scores[4] == ("coat", None, None, 0)
    assert example.balanced_accuracy == pytest.approx((1 + 2 / 3 + 1 + 0) / 4)
    picked = [0.95, 0.15 / 9, 0.55, 0.45, 1.0, 0.08 / 9]
    assert example.loss == pytest.approx(-sum(map(math.log, picked)) / 6, rel=1e-6)


def of_two(y_hat, y):
    return Evaluation(torch.tensor(y_hat), torch.tensor(y), ["a", "b"])


def test_loss_is_exact_where_float32_would_round_and_finite_for_zero():
    picked = torch.tensor([0.1, 0.3, 0.4]).tolist()
    loss = of_two([[0.1, 0.9], [0.7, 0.3], [0.6, 0.4]], [0, 1, 1]).loss
    assert loss == pytest.approx(-math.fsum(map(math.log, picked)) / 3, rel=1e-14)
    assert of_two([[1.0, 0.0]], [1]).loss == pytest.approx(87.3365, abs=1e-3)


def test_each_class_needs_a_name():
    with pytest.raises(ValueError, match="2 class names, expected 3"):
        of_two([[0.9, 0.1, 0.0]], [0])


def test_a_prediction_that_is_not_a_number_is_not_right():
    assert of_two([[0.9, 0.1], [0.2, math.nan]], [0, 1]).accuracy == 0.5


def test_reliability(example):
    bins = example.reliability()
    assert [b.lowest for b in bins] == [0.4, 0.5, 0.8, 0.9]
    assert [b.examples for b in bins] == [1, 1, 1, 3]
    assert [round(b.accuracy, 4) for b in bins] == [1.0, 1.0, 0.0, 0.6667]
    assert bins[-1].confidence == pytest.approx((0.95 + 1.0 + 0.92) / 3)
    expected = (0.55 + 0.45 + 0.85 + 3 * abs((0.95 + 1.0 + 0.92) / 3 - 2 / 3)) / 6
    assert example.calibration_error() == pytest.approx(expected, rel=1e-5)


def test_a_confidence_between_two_bins_is_in_the_upper_one():
    y_hat = torch.tensor([[0.5, 0.5, 0.0], [0.75, 0.25, 0.0], [1.0, 0.0, 0.0]])
    bins = Evaluation(y_hat, torch.tensor([0, 1, 0]), ["a", "b", "c"]).reliability()
    assert bins == [(0.5, 1, 0.5, 1.0), (0.7, 1, 0.75, 0.0), (0.9, 1, 1.0, 1.0)]


def test_the_most_confident_errors_come_first_equal_ones_in_their_order(example):
    assert example.most_confident_errors(5).tolist() == [5, 1]
    assert example.most_confident_errors(1).tolist() == [5]
    indices = of_two([[0.75, 0.25], [0.5, 0.5]] * 30, [1] * 60).most_confident_errors(60)
    assert indices.tolist() == [*range(0, 60, 2), *range(1, 60, 2)]


def test_evaluating_needs_no_gradients(made_up):
    class Model:
        def probabilities(self, X):
            assert not torch.is_grad_enabled()
            return torch.eye(10)[[0] * len(X)]

    _, test_iter = load_data_fashion_mnist(8, data_dir=made_up)
    assert evaluate(Model(), test_iter).accuracy == 0.1


def test_balanced_accuracy_is_printed_where_it_differs():
    largest = of_two([[0.9, 0.1]] * 10, [0] * 9 + [1])
    assert (largest.accuracy, largest.balanced_accuracy) == (0.9, 0.5)
    printed = "accuracy 0.9000 ± 0.0949 (standard error)   balanced accuracy 0.5000"
    assert printed in score_table(largest)
    assert "balanced" not in score_table(of_two([[0.9, 0.1]] * 10, [0, 1] * 5))


def test_table_has_a_line_for_each_class(example):
    lines = score_table(example).splitlines()
    assert len(lines) == 12
    assert lines[1].split() == ["class", "precision", "recall", "examples"]
    assert lines[2].split() == ["t-shirt", "0.3333", "1.0000", "1"]
    assert lines[5].split() == ["dress", "-", "0.0000", "1"]


def test_evaluate_command(trained, capsys):
    assert d2l_main.main(["evaluate", str(trained / "model.pt"), "--device=cpu"]) == 0
    text = capsys.readouterr().out
    assert d2l_main.main(["evaluate", "--json", "--model", str(trained / "model.pt")]) == 0
    result = json.loads(capsys.readouterr().out)
    assert f"accuracy {result['accuracy']:.4f}" in text
    assert sum(map(sum, result["confusion"])) == 10_000
    assert [c["examples"] for c in result["classes"]] == [1000] * 10
    with open(trained / "scores.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row, score in zip(rows, result["classes"], strict=True):
        assert row["class"] == score["label"]
        for name in ("precision", "recall", "examples"):
            assert float(row[name]) == score[name]


@pytest.mark.parametrize(
    ("command", "asked", "used"),
    [("evaluate", [], "cuda"), ("evaluate", ["--device=cpu"], "cpu"), ("figures", [], "cuda")],
)
def test_model_and_images_are_moved_to_the_device(
    command, asked, used, made_up, tmp_path, monkeypatch, capsys
):
    """The CUDA device is made up: it is noted, and the CPU is used."""
    asked_for = {}

    def on_cpu(make, *arguments, device, **named):
        asked_for[make.__name__] = device
        return make(*arguments, device="cpu", **named)

    path = tmp_path / "model.pt"
    torch.save({"W": torch.zeros(784, 10), "b": torch.zeros(10)}, path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for module, name in ((TWINS["scratch"], "SoftmaxRegression"), (loaders, "ArrayDataset")):
        monkeypatch.setattr(module, name, functools.partial(on_cpu, getattr(module, name)))
    output = [f"--output-dir={tmp_path / 'out'}"] if command == "figures" else []
    assert d2l_main.main([command, str(path), f"--data-dir={made_up}", *asked, *output]) == 0
    assert asked_for == {"SoftmaxRegression": used, "ArrayDataset": used}
    assert "precision" in capsys.readouterr().out
    written = {*(spec.file for spec in FIGURES), "scores.csv"} if output else set()
    assert {path.name for path in (tmp_path / "out").glob("*")} == written


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_every_device_finds_the_same(trained, tmp_path, capsys):
    results = []
    for device in ("cpu", "cuda"):
        argv = [str(trained / "model.pt"), f"--device={device}"]
        assert d2l_main.main(["evaluate", *argv, "--json"]) == 0
        results.append(json.loads(capsys.readouterr().out))
        assert d2l_main.main(["figures", *argv, f"--output-dir={tmp_path / device}"]) == 0
        capsys.readouterr()
    assert results[0]["loss"] == pytest.approx(results[1]["loss"], rel=1e-5)
    assert results[0]["accuracy"] == pytest.approx(results[1]["accuracy"], abs=2e-4)


def wrong_models(folder):
    """Yield files that are no models, and part of the message."""
    good = {"W": torch.zeros(784, 10), "b": torch.zeros(10)}
    for content, message in (
        (good | {"W": torch.zeros(10, 784)}, r"W has shape \(10, 784\), expected \(784, 10\)"),
        ({"weight": torch.zeros(784, 10)}, r"weight \(784, 10\); expected W and b"),
        (good | {"b": torch.full((10,), math.nan)}, "b has .* not finite"),
        (good | {"W": good["W"].long()}, "not a model"),
        (good | {"b": torch.full((10,), 1e300, dtype=torch.float64)}, "not finite"),
        (good | {"W": good["W"].to_sparse()}, "not a model"),
        (good | {"W": good["W"].to("meta")}, "not a model"),
        ([1, 2], "not a model of this project"),
    ):
        torch.save(content, folder / "wrong.pt")
        yield folder / "wrong.pt", message
    (folder / "wrong.pt").write_bytes(b"hello")
    yield folder / "wrong.pt", "damaged or not a model"
    (folder / "checkpoint.pt").touch()
    yield folder / "missing.pt", "there is no model .*missing.pt; did you mean .*wrong.pt?"
    yield folder, "there is no model .*model.pt; did you mean .*wrong.pt?"
    yield folder / "no" / "model.pt", "train one first: python -m scratch"
    yield folder / ("long" * 100), "(can't be read|there is no model)"
    yield folder / "model.onnx", "model.onnx is for other programs; give the model.pt .*"


def test_model_files_that_cannot_be(tmp_path, error_line):
    for path, message in wrong_models(tmp_path):
        assert re.search(message, error_line(1, d2l_main.main, ["evaluate", str(path)]))


@pytest.mark.parametrize(("label", "interval"), [(0, "0.7225 to 1.0000"), (1, "0.0000 to 0.2775")])
def test_an_accuracy_of_0_or_1_is_not_certain(label, interval):
    certain = of_two([[0.9, 0.1]] * 10, [label] * 10)
    assert f"accuracy {1 - label:.4f} (95 % interval: {interval})" in score_table(certain)


def test_wilsons_interval_contains_the_share():
    # Of 10 trials 5 held: (0.5 + 1.9208 / 10 ± 1.96 √(0.025 + 0.9604 / 100)) / 1.38416
    assert wilson_interval(0.5, 10) == pytest.approx((0.23659, 0.76341), abs=1e-5)
    assert wilson_interval(0.0, 2) == pytest.approx((0.0, 0.65763), abs=1e-5)
    assert wilson_interval(1.0, 2) == pytest.approx((0.34237, 1.0), abs=1e-5)
    for n in range(1, 200):
        for k in {0, 1, n // 2, n}:
            low, high = wilson_interval(k / n, n)
            assert 0 <= low <= k / n <= high <= 1
