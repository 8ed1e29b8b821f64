"""The commands: what they print and write, how they end, and what they refuse."""

import csv
import json
import os
import subprocess
import sys

import pytest
import torch
from conftest import TWINS
from PIL import Image

from d2l_softmax import __main__ as d2l_main
from d2l_softmax import load_data_fashion_mnist
from d2l_softmax.commands import compare, train
from d2l_softmax.commands.options import RECIPES
from d2l_softmax.data.sources import DataUnavailableError
from d2l_softmax.figures import evaluation, style
from d2l_softmax.training.history import load_history

FIGURES = {
    "confusion.png",
    "curves.png",
    "mistakes.png",
    "predictions.png",
    "reliability.png",
    "templates.png",
}
FILES = FIGURES | {
    ".lock",
    "checkpoint.pt",
    "history.csv",
    "model.pt",
    "model.json",
    "config.json",
    "scores.csv",
    "report.html",
}


@pytest.fixture(params=TWINS)
def command(request, made_up, tmp_path):
    """Return a function that runs each twin's command in this process: its exit status."""

    def command(*arguments):
        argv = [f"--data-dir={made_up}", f"--output-dir={tmp_path / 'out'}", "--device=cpu"]
        return train.main(TWINS[request.param], request.param, [*argv, *arguments])

    command.name = request.param
    return command


@pytest.fixture
def undrawn(monkeypatch):
    """Leave out the figures and the report, where a test is about something else."""
    monkeypatch.setattr(train, "write_results", lambda *arguments: None)


def test_what_a_run_writes_and_prints(command, tmp_path, capsys):
    assert command("--epochs=2", "--batch-size=16", "--seed=5", "--lr=0.01") == 0
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == FILES

    with open(out / "history.csv", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["epoch", "train_loss", "train_acc", "test_acc", "seconds"]
    assert [row[0] for row in rows[1:]] == ["1", "2"]

    model = torch.load(out / "model.pt", weights_only=True)
    assert {name: tuple(tensor.shape) for name, tensor in model.items()} == {
        "W": (784, 10),
        "b": (10,),
    }
    assert all(tensor.is_contiguous() for tensor in model.values())

    config = json.loads((out / "config.json").read_text())
    assert config["twin"] == command.name
    assert config["options"]["seed"] == 5
    assert config["options"]["lr"] == 0.01
    assert config["versions"]["torch"] == torch.__version__

    for figure in FIGURES:
        with Image.open(out / figure) as image:
            assert image.width > 600

    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith(f"{command.name}: Fashion-MNIST, 60 + 20 images from ")
    assert printed[0].endswith("7,850 parameters; cpu, 1 thread, float32; seed 5")
    assert printed[1].startswith("epoch   1   train loss 2.")
    assert printed[2].startswith("epoch   2   train loss 2.")
    assert "examples a second" in printed[3]
    assert str(out) in printed[4]
    assert len(printed) == 5


@pytest.fixture
def added_figure():
    """Return the file of a figure that is drawn beside the others for one test."""
    figure = evaluation.Figure(
        "added.png",
        "The accuracy, once more.",
        draw=lambda of: style.new_figure(5, 3)[0],
        alt_text=lambda of: f"The accuracy on {len(of.dataset)} images of {of.shape[1]} pixels.",
    )
    evaluation.FIGURES.append(figure)
    yield figure.file
    evaluation.FIGURES.remove(figure)


def test_a_figure_is_added_by_an_entry(added_figure, command, tmp_path, monkeypatch):
    assert command("--epochs=1") == 0
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == FILES | {added_figure}
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "The accuracy, once more." in report
    assert "The accuracy on 20 images of 28 pixels." in report
    figures_command = ["figures", str(out / "model.pt"), f"--data-dir={tmp_path / 'data'}"]
    assert d2l_main.main([*figures_command, f"--output-dir={tmp_path / 'again'}"]) == 0
    assert (tmp_path / "again" / added_figure).exists()
    monkeypatch.setattr(train, "write_results", lambda *arguments: None)
    assert command("--epochs=1") == 0
    assert not (out / added_figure).exists()  # an earlier run's


@pytest.mark.parametrize(("decay", "explained"), [("none", True), ("linear", False)])
def test_the_report_says_why_the_accuracy_jumps(made_up, tmp_path, decay, explained):
    argv = [f"--data-dir={made_up}", f"--output-dir={tmp_path}", "--device=cpu", "--quiet"]
    argv += ["--epochs=1", f"--lr-decay={decay}"]
    assert train.main(TWINS["scratch"], "scratch", argv) == 0
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert ("because the learning rate stays the same" in report) == explained
    assert ("--recipe best" in report) == explained


def test_held_out_images_are_measured_too(command, tmp_path, capsys):
    assert command("--epochs=2", "--validation=10") == 0
    with open(tmp_path / "out" / "history.csv", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["epoch", "train_loss", "train_acc", "test_acc", "seconds", "valid_acc"]
    assert all(float(row[5]) in [n / 10 for n in range(11)] for row in rows[1:])
    history = load_history(tmp_path / "out" / "history.csv")
    assert history[1].valid_acc == float(rows[2][5])
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert ">validation accuracy</th>" in report
    printed = capsys.readouterr().out.splitlines()
    assert "50 + 20 images, 10 held out" in printed[0]
    assert f"valid acc {history[1].valid_acc:.4f}   test acc" in printed[2]


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], {"epochs": 10, "lr": 0.1, "momentum": 0.0, "lr_decay": "none"}),
        (["--optimizer=adam"], {"lr": 0.001}),
        (["--recipe=best"], {**RECIPES["best"], "lr_decay": "linear", "momentum": 0.9}),
        (["--momentum=0.5", "--recipe=best", "--lr=0.03"], {"momentum": 0.5, "lr": 0.03}),
        (["--recipe=best", "--optimizer=adam"], {"lr": 0.001, "momentum": 0.0, "epochs": 20}),
    ],
)
def test_what_is_given_goes_before_the_recipe(command, tmp_path, arguments, expected):
    assert command("--quiet", *arguments) == 0
    options = json.loads((tmp_path / "out" / "config.json").read_text())["options"]
    assert {name: options[name] for name in expected} == expected


BOOK = {
    "epochs": 10,
    "batch_size": 256,
    "lr": 0.1,
    "optimizer": "sgd",
    "momentum": 0.0,
    "weight_decay": 0.0,
    "lr_decay": "none",
    "validation": 0,
    "seed": 0,
    "dtype": "float32",
    "quiet": False,
}
BEST = {**BOOK, "epochs": 20, "batch_size": 512, "momentum": 0.9, "lr_decay": "linear"}


@pytest.mark.parametrize("name", TWINS)
def test_options_of_the_two_recipes(name):
    for arguments, expected in (([], BOOK), (["--recipe=book"], BOOK), (["--recipe=best"], BEST)):
        options = vars(train.parse(name, arguments))
        assert {option: options[option] for option in expected} == expected


@pytest.fixture(params=TWINS)
def training(request, made_up):
    """Return a function that makes each twin's training from options."""

    def training(*arguments):
        argv = [f"--data-dir={made_up}", "--device=cpu", "--batch-size=16", *arguments]
        return train.prepare(TWINS[request.param], train.parse(request.param, argv))

    return training


def settings_of(optimizer):
    """Return the settings of either twin's optimizer."""
    return optimizer.param_groups[0] if hasattr(optimizer, "param_groups") else vars(optimizer)


def test_optimizers_have_the_settings_that_were_given(training):
    sgd = training("--lr=0.3", "--momentum=0.5", "--weight-decay=0.01")
    assert isinstance(sgd.optimizer, sgd.twin.SGD)
    settings = settings_of(sgd.optimizer)
    assert (settings["lr"], settings["momentum"], settings["weight_decay"]) == (0.3, 0.5, 0.01)
    adam = training("--optimizer=adam", "--lr=0.02", "--weight-decay=0.03")
    assert isinstance(adam.optimizer, adam.twin.Adam)
    settings = settings_of(adam.optimizer)
    assert (settings["lr"], settings["weight_decay"]) == (0.02, 0.03)


@pytest.mark.parametrize(("decay", "rate_at_the_end"), [("none", 0.1), ("linear", 0.0)])
def test_learning_rate_falls_to_zero_if_that_was_asked_for(training, decay, rate_at_the_end):
    run = training("--epochs=4", f"--lr-decay={decay}")
    assert len(list(run.fit())) == 4
    assert settings_of(run.optimizer)["lr"] == pytest.approx(rate_at_the_end, abs=1e-15)


def test_the_seed_gives_both_the_weights_and_the_order(training, made_up):
    run = training("--seed=3")
    start = run.twin.SoftmaxRegression(generator=torch.Generator().manual_seed(3))
    assert torch.equal(run.model.W, start.W)
    order = torch.Generator().manual_seed(3)
    train_iter, _ = load_data_fashion_mnist(16, data_dir=made_up, generator=order)
    for (X, y), (expected_X, expected_y) in zip(run.train_iter, train_iter, strict=True):
        assert torch.equal(X, expected_X)
        assert torch.equal(y, expected_y)


@pytest.mark.usefixtures("undrawn")
def test_speed_is_that_of_all_epochs_together(command, tmp_path, capsys):
    assert command("--epochs=3") == 0
    seconds = sum(r.seconds for r in load_history(tmp_path / "out" / "history.csv"))
    line = capsys.readouterr().out.splitlines()[4]
    assert line == f"3 epochs in {seconds:.2f} s, {3 * 60 / seconds:,.0f} examples a second"


@pytest.mark.usefixtures("undrawn")
def test_quiet_prints_nothing(command, capsys):
    assert command("--epochs=1", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--batch-size=0"], "--batch-size: '0' is not a whole number from 1"),
        (["--batch-size=2.5"], "--batch-size: '2.5'"),
        (["--validation=60000"], "--validation: '60000' is not a whole number from 0 to 59999"),
        (["--recipe=perfect"], "--recipe: invalid choice: 'perfect'"),
        (["--batch-size=1e99"], "--batch-size"),
        (["--lr=-1"], "--lr: '-1' is not a finite number above 0"),
        (["--lr=0"], "--lr"),
        (["--lr=nan"], "--lr"),
        (["--lr=inf"], "--lr"),
        (["--lr=1e39"], "--lr: 1e+39 is more than float32 can hold"),
        (["--weight-decay=1e39"], "--weight-decay: 1e+39"),
        (["--lr=fast"], "--lr: 'fast'"),
        (["--momentum=1"], "--momentum: '1' is not a number from 0 to below 1"),
        (["--momentum=-0.1"], "--momentum"),
        (["--momentum=0.9", "--optimizer=adam"], "--momentum: goes with --optimizer sgd"),
        (["--weight-decay=-1"], "--weight-decay"),
        (["--epochs=0"], "--epochs"),
        (["--seed=-1"], "--seed"),
        (["--optimizer=lion"], "--optimizer"),
        (["--dtype=float16"], "--dtype"),
        (["--device=tpu"], "--device"),
        (["--lr-decay=cosine"], "--lr-decay"),
        (["--epoch=3"], "unrecognized arguments: --epoch=3"),
        (["--resume=yes"], "--resume: ignored explicit argument 'yes'"),
        (["--checkpoint-every=0"], "--checkpoint-every: '0' is not a whole number from 1"),
        (["--optimizer=--"], "--optimizer: expected one argument"),
        (["extra"], "unrecognized arguments: extra"),
    ],
)
def test_wrong_usage(command, capsys, tmp_path, arguments, named):
    with pytest.raises(SystemExit) as caught:
        command(*arguments)
    assert caught.value.code == 2
    assert named in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_device_that_is_not_there(command, capsys):
    with pytest.raises(SystemExit) as caught:
        command("--device=cuda")
    assert caught.value.code == 2
    assert "--device: this machine, or its torch, has no cuda" in capsys.readouterr().err


def test_help_shows_defaults(command, capsys):
    with pytest.raises(SystemExit) as caught:
        command("--help")
    assert caught.value.code == 0
    help_text = " ".join(capsys.readouterr().out.split())
    for default in ("(default: 10; best: 20)", "(default: 0.1 for sgd, 0.001 for adam; best: 0.1)"):
        assert default in help_text


def test_output_directory_that_cannot_be_written_is_refused_first(command, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert command(f"--output-dir={tmp_path / 'file' / 'out'}") == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "can't write to" in printed.err
    assert "--output-dir" in printed.err
    assert printed.err.count("\n") == 1
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.usefixtures("undrawn")
def test_divergence_leaves_what_was_written_before(command, tmp_path, capsys):
    assert command("--epochs=2", "--quiet") == 0
    out = tmp_path / "out"
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert command("--lr=1e38", "--weight-decay=10", "--epochs=5", "--batch-size=10") == 1
    error = capsys.readouterr().err
    assert "in epoch 1, batch " in error
    assert "try a smaller --lr" in error
    assert "Traceback" not in error
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.usefixtures("undrawn")
def test_interrupt_keeps_the_epochs_that_ended(command, tmp_path, capsys, monkeypatch):
    def interrupted(*arguments):
        yield next(fit(*arguments))
        raise KeyboardInterrupt

    fit = train.Training.fit
    monkeypatch.setattr(train.Training, "fit", interrupted)
    assert command("--epochs=3") == 130
    assert capsys.readouterr().err == f"python -m {command.name}: interrupted\n"
    assert len((tmp_path / "out" / "history.csv").read_text().splitlines()) == 2
    assert (tmp_path / "out" / "model.pt").exists()


@pytest.mark.usefixtures("undrawn")
def test_new_run_takes_away_the_old_ones_figures(command, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for name in (*FILES, "notes.txt"):
        (out / name).write_text("from an earlier run")
    assert command("--epochs=1", "--quiet") == 0
    left = {path.name for path in out.iterdir()}
    assert left == FILES - FIGURES - {"scores.csv", "report.html"} | {"notes.txt"}
    assert (out / "notes.txt").read_text() == "from an earlier run"
    assert "earlier" not in (out / "history.csv").read_text()


def test_data_command_says_where(made_up, capsys):
    assert d2l_main.main(["data", f"--data-dir={made_up}"]) == 0
    assert capsys.readouterr().out.endswith(f": {made_up}\n")


def test_data_command_without_a_command(capsys):
    with pytest.raises(SystemExit) as caught:
        d2l_main.main([])
    assert caught.value.code == 2


def test_data_that_cannot_be_had(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert d2l_main.main(["data", f"--data-dir={tmp_path / 'file'}"]) == 1
    assert "name another with --data-dir" in capsys.readouterr().err


@pytest.mark.usefixtures("undrawn")
def test_closed_standard_output(command, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert command("--epochs=1") == 0


@pytest.mark.usefixtures("real_data")
def test_reader_that_leaves(tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "scratch", "--device=cpu", f"--output-dir={tmp_path}"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert done.returncode == 1
    assert done.stderr == ""


@pytest.mark.usefixtures("undrawn")
def test_a_training_that_goes_wrong_is_named_once(command, capsys):
    assert command("--epochs=5", "--lr=1000", "--batch-size=16", "--quiet") == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"python -m {command.name}: the loss stays above 2.30 nats")
    assert line.endswith("try a smaller --lr")


def test_home_directories_are_known_after_an_equals_sign(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    parsed = train.parse("scratch", ["--output-dir=~/x", "--data-dir=~/y", "--device=cpu"])
    assert (parsed.output_dir, parsed.data_dir) == (tmp_path / "x", tmp_path / "y")
    with pytest.raises(SystemExit) as exit_:
        train.parse("scratch", ["--output-dir=~nosuchuser/x"])
    assert exit_.value.code == 2
    assert "argument --output-dir: '~nosuchuser/x': there is no such" in capsys.readouterr().err
    monkeypatch.setenv("D2L_SOFTMAX_DATA", "~nosuchuser")
    with pytest.raises(SystemExit):
        train.parse("scratch", [])
    assert "argument --data-dir: '~nosuchuser'" in capsys.readouterr().err
    with pytest.raises(DataUnavailableError, match="~nosuchuser can't be used: "):
        load_data_fashion_mnist(16)


def test_compare_names_the_trouble_of_each_twin_once(made_up, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(compare, "write_results", lambda *arguments: None)
    argv = ["compare", f"--data-dir={made_up}", f"--output-dir={tmp_path}", "--device=cpu"]
    d2l_main.main([*argv, "--epochs=5", "--lr=1000", "--batch-size=16", "--quiet"])
    lines = [line for line in capsys.readouterr().err.splitlines() if "try a smaller" in line]
    for name in TWINS:
        start = f"python -m d2l_softmax compare: {name}: the loss stays above 2.30 nats"
        assert sum(line.startswith(start) for line in lines) == 1
