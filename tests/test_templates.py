"""--templates: the weights after each epoch are kept while training, and drawn when asked for."""

import contextlib
import io

import numpy as np
import pytest
import torch
from conftest import TWINS, train_on, write_arrays

from d2l_softmax.commands import train


@pytest.fixture
def training(made_up):
    """Return a function that makes a training of scratch over four epochs from options."""

    def training(*arguments):
        argv = [f"--data-dir={made_up}", "--device=cpu", "--epochs=4", "--batch-size=16"]
        options = train.parse("scratch", [*argv, "--lr=0.01", *arguments])
        return train.prepare(TWINS["scratch"], options, train.load_loaders(options))

    return training


def train_until(epoch, training, state=None):
    """Train from a state to the middle of an epoch, or to the end; return the state in a file."""

    def after_batch():
        if (len(training.history) + 1, training.batch) == (epoch, 2):
            raise KeyboardInterrupt

    if state:
        training.load_state_dict(state)
    with contextlib.suppress(KeyboardInterrupt):
        list(training.fit(after_batch))
    torch.save(training.state_dict(), file := io.BytesIO())
    return torch.load(io.BytesIO(file.getvalue()), weights_only=True)


def kept(training):
    """Return the weights that were kept, by epoch."""
    return {epoch: W.tolist() for epoch, W in training.weight_history.items()}


def test_the_weights_are_kept_before_the_first_epoch_and_after_each(training):
    whole = training("--templates")
    expected = {0: whole.model.W.tolist()}
    expected |= {record.epoch: whole.model.W.tolist() for record in whole.fit()}
    assert list(expected) == [0, 1, 2, 3, 4]
    assert kept(whole) == expected
    for epoch in (1, 2, 4):
        resumed = training("--templates")
        train_until(None, resumed, train_until(epoch, training("--templates")))
        assert kept(resumed) == expected
    resumed = training("--templates")
    state = train_until(4, training("--templates"), train_until(3, training()))
    train_until(None, resumed, state)
    assert kept(resumed) == {epoch: expected[epoch] for epoch in (3, 4)}  # since it was asked for


def test_they_are_drawn_as_a_figure_and_in_the_report(made_up, tmp_path):
    argv = [f"--data-dir={made_up}", f"--output-dir={tmp_path}", "--epochs=2", "--quiet"]
    assert train.main(TWINS["scratch"], "scratch", [*argv, "--templates"]) == 0
    assert (tmp_path / "templates-by-epoch.png").stat().st_size > 10_000
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert [f"epoch {epoch}<" in page for epoch in range(4)] == [True, True, True, False]


def test_they_are_those_for_inputs_that_are_not_standardized(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    split = rng.integers(0, 256, (20, 8, 8, 3), np.uint8), np.arange(20) % 2
    write_arrays(tmp_path / "data", split, split)
    drawn = {}
    monkeypatch.setattr(train, "templates_frames", lambda W, *_: drawn.update(W) or ([], []))
    argv = "--epochs=2", "--quiet", "--templates"
    assert train_on(tmp_path / "data", tmp_path, *argv) == 0
    assert list(drawn) == [0, 1, 2]
    W = torch.load(tmp_path / "model.pt", weights_only=True)["W"]
    torch.testing.assert_close(drawn[2], W, rtol=0, atol=0)


def test_features_have_no_templates_and_it_is_said(tmp_path, capsys):
    rng = np.random.default_rng(0)
    split = rng.normal(size=(20, 3)).astype("float32"), np.arange(20) % 2
    write_arrays(tmp_path / "data", split, split)
    assert train_on(tmp_path / "data", tmp_path, "--epochs=1", "--quiet", "--templates") == 0
    assert "not images: templates-by-epoch.png is not written" in capsys.readouterr().err
    assert (tmp_path / "report.html").exists()
    assert not (tmp_path / "templates-by-epoch.png").exists()
