"""Training on custom data with the defaults: it learns, and the model file takes raw inputs."""

import json

import numpy as np
import pytest
from conftest import TWINS, load_history, train_on

from d2l_softmax import evaluate_accuracy, load_data, load_model
from d2l_softmax.commands import train
from d2l_softmax.training.evaluation import evaluate

every_twin = pytest.mark.parametrize("name", TWINS)


@pytest.fixture
def data(tmp_path):
    """Write two features of very different size, whose sum tells the class; return the file."""
    rng, n = np.random.default_rng(0), 400
    y = rng.integers(0, 3, n)
    X = np.stack([rng.normal(y, 0.3) * 1e4, 5e-3 * rng.normal(-y, 0.3) + 7, np.full(n, 3.0)], 1)
    np.savez(tmp_path / "data.npz", X=X, y=y)
    return tmp_path / "data.npz"


def options_of(run):
    return json.loads((run / "config.json").read_text())["options"]


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch):
    def undrawn(folder, model, test_iter):
        return {}, "", evaluate(model, test_iter)

    monkeypatch.setattr(train, "write_evaluation", undrawn)
    monkeypatch.setattr(train, "write_run_report", lambda *_: None)


@every_twin
def test_features_of_any_size_are_learned_with_the_defaults(name, data, tmp_path, capsys):
    assert train_on(data, tmp_path / "out", twin=name) == 0
    first, notes, *_ = capsys.readouterr().out.splitlines()
    assert "400" not in first  # a tenth is held out
    assert "inputs standardized; batch size 16, lr " in notes
    history = load_history(tmp_path / "out" / "history.csv")
    assert history[-1].test_acc > 0.9
    options = options_of(tmp_path / "out")
    assert options["standardize"] == "yes"
    assert options["batch_size"] == 16
    assert f"lr {options['lr']:g}, {options['epochs']} epochs chosen from the data" in notes
    assert "of the training data are" not in notes  # about a third each
    # The file has a model for raw features.
    model = load_model(tmp_path / "out" / "model.pt")
    accuracy = evaluate_accuracy(model, load_data(data, 100)[1])
    assert accuracy == pytest.approx(history[-1].test_acc, abs=0.03)


def test_a_class_with_many_more_examples_is_named(tmp_path, capsys):
    data = tmp_path / "data.npz"
    np.savez(data, X=np.eye(100, 3), y=np.array(["b"] * 20 + ["a"] * 80))
    train_on(data, tmp_path / "out", "--epochs=1")
    assert "80% of the training data are 'a'" in capsys.readouterr().out


def test_settings_that_are_given_stay(data, tmp_path, capsys):
    arguments = ("--batch-size=50", "--lr=0.25", "--epochs=2", "--standardize=no", "--quiet")
    train_on(data, tmp_path / "out", *arguments)
    options = options_of(tmp_path / "out")
    given = {"batch_size": 50, "lr": 0.25, "epochs": 2, "standardize": "no"}
    assert {name: options[name] for name in given} == given
    capsys.readouterr()
    train_on(data, tmp_path / "lr", "--lr=0.25", "--epochs=2")
    assert "; batch size 16 chosen from the data; " in capsys.readouterr().out
    train_on(data, tmp_path / "book", "--recipe=book", "--epochs=1")
    options = options_of(tmp_path / "book")
    assert (options["batch_size"], options["lr"]) == (256, 0.1)


@every_twin
def test_the_best_epoch_is_kept(name, data, tmp_path, capsys, monkeypatch):
    reported = []
    monkeypatch.setattr(train, "write_run_report", lambda *arguments: reported.append(arguments))
    # So large a rate goes up and down.
    arguments = ("--lr=30", "--epochs=6", "--validation=90", "--keep-best")
    assert train_on(data, tmp_path / "out", *arguments, twin=name) == 0
    rows = load_history(tmp_path / "out" / "history.csv")
    accuracies = [row.valid_acc for row in rows]
    best = max(rows, key=lambda row: (row.valid_acc, -row.valid_loss)).epoch
    assert f"kept the model of epoch {best}, the best on held-out data" in capsys.readouterr().out
    model = load_model(tmp_path / "out" / "model.pt")
    *_, valid_iter = load_data(data, 100, validation=90)
    assert evaluate_accuracy(model, valid_iter) == pytest.approx(max(accuracies), abs=0.02)
    assert reported[0][-1] == best


def test_of_equal_accuracies_the_lower_loss_is_kept(tmp_path, capsys):
    y = np.arange(60) % 2
    X = (
        np.random.default_rng(0).normal(size=(60, 2)) + 20 * y[:, None]
    )  # all are right after epoch 1
    np.savez(tmp_path / "data.npz", X=X, y=y)
    arguments = ("--epochs=3", "--validation=20", "--keep-best")
    assert train_on(tmp_path / "data.npz", tmp_path / "out", *arguments) == 0
    assert "kept the model of epoch 3, the best on held-out data: 1.0" in capsys.readouterr().out


def test_the_best_epoch_needs_held_out_data(data, tmp_path, capsys):
    assert train_on(data, tmp_path / "out", "--keep-best") == 1
    assert "give --validation N" in capsys.readouterr().err
    # in every epoch: a training that was started without cannot know its best epoch
    arguments = ("--validation=90", "--epochs=1", "--quiet")
    assert train_on(data, tmp_path / "out", *arguments) == 0
    with pytest.raises(SystemExit, match=r"^2$"):
        train_on(data, tmp_path / "out", *arguments, "--epochs=2", "--keep-best", "--resume")
    assert "has --keep-best False, got --keep-best True" in capsys.readouterr().err


@pytest.mark.parametrize("why", ["tiny rate", "black images"])
def test_a_training_that_learns_nothing_is_named(why, data, tmp_path, capsys):
    if why == "black images":
        np.savez(data, X=np.zeros((3000, 5, 5), np.uint8), y=np.arange(3000) % 3)
    rate = ("--lr=1e-7",) if why == "tiny rate" else ()
    train_on(data, tmp_path / "out", "--epochs=3", *rate)
    error = capsys.readouterr().err
    assert error.count("the loss stays at ln 3 = 1.10 nats") == 1
    assert "try a larger --lr" in error
