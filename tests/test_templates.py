"""--templates: the weights after each epoch are kept while training, and drawn when asked for."""

import signal

import numpy as np
import pytest
import torch
from conftest import TWINS, train_on, write_arrays

from d2l_softmax.commands import train

EPOCHS = 4


@pytest.fixture
def run(made_up, tmp_path, monkeypatch):
    """Return a function that trains scratch in a folder, without figures: what it kept.

    With `until` an interrupt is sent in the middle of that epoch.
    """
    kept = []
    monkeypatch.setattr(train, "write_results", lambda _, training, *__: kept.append(training))
    after_batch = train.Run.after_batch

    def run(folder, *arguments, until=None):
        def after_batch_or_interrupt(run):
            training = run.training
            if (len(training.history) + 1, training.batch) == (until, 2):
                signal.raise_signal(signal.SIGINT)
            after_batch(run)

        monkeypatch.setattr(train.Run, "after_batch", after_batch_or_interrupt)
        kept.clear()
        argv = [f"--data-dir={made_up}", f"--output-dir={tmp_path / folder}", "--device=cpu"]
        argv += [f"--epochs={EPOCHS}", "--batch-size=16", "--lr=0.01", "--quiet", *arguments]
        assert train.main(TWINS["scratch"], "scratch", argv) == (130 if until else 0)
        weights = kept[0].weight_history if kept else None
        return None if weights is None else {epoch: W.tolist() for epoch, W in weights.items()}

    return run


def test_the_weights_are_kept_before_the_first_epoch_and_after_each(run, tmp_path):
    course = run("whole", "--templates")
    assert list(course) == [0, 1, 2, 3, 4]
    for epoch in (1, 3):
        shorter = run(f"{epoch}", "--templates", f"--epochs={epoch}")
        assert shorter[epoch] == course[epoch]
        model = torch.load(tmp_path / f"{epoch}" / "model.pt", weights_only=True)
        assert model["W"].tolist() == course[epoch]


@pytest.mark.parametrize("until", [1, 2, 4])
def test_a_training_that_goes_on_has_the_weights_of_all_epochs(run, until):
    whole = run("whole", "--templates")
    run("cut", "--templates", until=until)
    assert run("cut", "--templates", "--resume") == whole


def test_asked_for_only_when_it_goes_on_the_weights_begin_there(run):
    whole = run("whole", "--templates")
    run("cut", until=3)
    run("cut", "--templates", "--resume", until=4)
    assert run("cut", "--templates", "--resume") == {epoch: whole[epoch] for epoch in (3, 4)}


def test_they_are_drawn_as_a_figure_and_in_the_report(made_up, tmp_path):
    argv = [f"--data-dir={made_up}", f"--output-dir={tmp_path}", "--epochs=2", "--quiet"]
    assert train.main(TWINS["scratch"], "scratch", [*argv, "--templates"]) == 0
    assert (tmp_path / "templates-by-epoch.png").stat().st_size > 10_000
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert [f"epoch {epoch}<" in page for epoch in range(4)] == [True, True, True, False]


def test_features_have_no_templates_and_it_is_said(tmp_path, capsys):
    rng = np.random.default_rng(0)
    split = rng.normal(size=(20, 3)).astype("float32"), np.arange(20) % 2
    write_arrays(tmp_path / "data", split, split)
    assert train_on(tmp_path / "data", tmp_path, "--epochs=1", "--quiet", "--templates") == 0
    assert "not images: templates-by-epoch.png is not written" in capsys.readouterr().err
    assert (tmp_path / "report.html").exists()
    assert not (tmp_path / "templates-by-epoch.png").exists()
