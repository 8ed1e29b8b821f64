"""--templates: the weights after each epoch are kept while training, and drawn when asked for."""

import signal

import numpy as np
import pytest
import torch
from conftest import TWINS

from d2l_softmax.commands import train

EPOCHS = 4


@pytest.fixture
def run(made_up, tmp_path, monkeypatch):
    """Return a function that trains scratch in a folder, without figures: what it kept.

    With `until` an interrupt comes in the middle of that epoch.
    """
    kept = []
    monkeypatch.setattr(train, "write_results", lambda _, training, __: kept.append(training))
    watch_as_ever = train.watch

    def run(folder, *arguments, until=None):
        def watch(run, console):
            watch_as_ever(run, console)
            after_batch = run.training.epoch.after_batch

            def interrupt():
                if (len(run.training.history) + 1, run.training.epoch.batch) == (until, 2):
                    signal.raise_signal(signal.SIGINT)
                after_batch()

            run.training.epoch.after_batch = interrupt

        monkeypatch.setattr(train, "watch", watch)
        kept.clear()
        argv = [f"--data-dir={made_up}", f"--output-dir={tmp_path / folder}", "--device=cpu"]
        argv += [f"--epochs={EPOCHS}", "--batch-size=16", "--lr=0.01", "--quiet", *arguments]
        status = train.main(TWINS["scratch"], "scratch", argv)
        assert status == (0 if until is None else 130)
        return {epoch: W.tolist() for epoch, W in kept[0].course.items()} if kept else None

    return run


def test_the_weights_are_kept_before_the_first_epoch_and_after_each(run, tmp_path):
    course = run("whole", "--templates")
    assert list(course) == [0, 1, 2, 3, 4]
    for epoch in (1, 3):
        shorter = run(f"{epoch}", "--templates", f"--epochs={epoch}")
        assert shorter[epoch] == course[epoch]
        model = torch.load(tmp_path / f"{epoch}" / "model.pt", weights_only=True)
        assert model["W"].tolist() == course[epoch]


def test_nothing_is_kept_unless_it_is_asked_for(run, tmp_path):
    assert run("plain") == {}
    assert "course" not in torch.load(tmp_path / "plain" / "checkpoint.pt", weights_only=True)


@pytest.mark.parametrize("until", [1, 2, 4])
def test_a_training_that_goes_on_has_the_weights_of_all_epochs(run, until):
    whole = run("whole", "--templates")
    run("cut", "--templates", until=until)
    assert run("cut", "--templates", "--resume") == whole


def test_asked_for_only_when_it_goes_on_the_weights_begin_there(run):
    whole = run("whole", "--templates")
    run("cut", until=3)
    assert run("cut", "--templates", "--resume") == {epoch: whole[epoch] for epoch in (3, 4)}


def test_not_asked_for_any_more_they_are_not_drawn(run):
    run("cut", "--templates", until=3)
    assert run("cut", "--resume") == {}


def test_of_many_classes_the_weights_of_a_few_are_kept(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        np.save(tmp_path / f"{split}_images.npy", rng.integers(0, 256, (24, 4, 4)).astype("uint8"))
        np.save(tmp_path / f"{split}_labels.npy", np.arange(24) % 12)
    kept = []
    monkeypatch.setattr(train, "write_results", lambda _, training, __: kept.append(training))
    argv = [f"--dataset={tmp_path}", "--templates", "--epochs=1", "--quiet", "--device=cpu"]
    assert train.main(TWINS["scratch"], "scratch", [*argv, f"--output-dir={tmp_path / 'run'}"]) == 0
    assert [W.shape[1] for W in kept[0].course.values()] == [10, 10]


@pytest.mark.parametrize("arguments", [[], ["--lang=zh"]], ids=["en", "zh"])
def test_they_are_drawn_as_a_figure_and_in_the_report(made_up, tmp_path, arguments):
    argv = [f"--data-dir={made_up}", f"--output-dir={tmp_path}", "--epochs=2", "--quiet"]
    assert train.main(TWINS["scratch"], "scratch", [*argv, "--templates", *arguments]) == 0
    assert (tmp_path / "templates-by-epoch.png").stat().st_size > 10_000
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for epoch in range(3):
        assert (f"第{epoch}个迭代周期" if arguments else f"epoch {epoch}") in page
    assert train.main(TWINS["scratch"], "scratch", argv) == 0
    assert not (tmp_path / "templates-by-epoch.png").exists()
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "@keyframes" not in page


def test_features_have_no_templates(tmp_path):
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        np.save(tmp_path / f"{split}_images.npy", rng.normal(size=(20, 3)).astype("float32"))
        np.save(tmp_path / f"{split}_labels.npy", np.arange(20) % 2)
    argv = [f"--dataset={tmp_path}", f"--output-dir={tmp_path / 'run'}", "--epochs=1", "--quiet"]
    assert train.main(TWINS["scratch"], "scratch", [*argv, "--templates"]) == 0
    assert not (tmp_path / "run" / "templates-by-epoch.png").exists()
