"""The commands: what they print and write, how they start and end, and what they refuse."""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from platform import python_version

import pytest
import torch
from conftest import TWINS, load_history, read_rows, run_python
from PIL import Image

from d2l_softmax import __main__ as d2l_main
from d2l_softmax import __version__, load_data_fashion_mnist
from d2l_softmax.commands import cli, compare, console, options, train
from d2l_softmax.data.sources import DataUnavailableError

ROOT = Path(__file__).parents[1]
DRAWN = ("confusion", "curves", "mistakes", "predictions", "reliability", "templates")
FIGURES = {f"{name}.png" for name in DRAWN}
RESULTS = {"checkpoint.pt", "history.csv", "model.pt", "model.json", "config.json", ".lock"}
FILES = FIGURES | RESULTS | {"scores.csv", "report.html"}


@pytest.fixture(params=TWINS)
def command(request, made_up, tmp_path):
    """Return a function that runs each twin's command in this process: its exit status."""

    def command(*arguments):
        argv = [f"--data-dir={made_up}", f"--output-dir={tmp_path / 'out'}", "--device=cpu"]
        return train.main(TWINS[request.param], request.param, [*argv, *arguments])

    command.name = request.param
    return command


one_twin = pytest.mark.parametrize("command", ["scratch"], indirect=True)


@pytest.fixture
def undrawn(monkeypatch):
    """Leave out figures and report, where a test is about something else."""
    monkeypatch.setattr(train, "write_results", lambda *arguments: None)
    monkeypatch.setattr(compare, "write_results", lambda *arguments: None)


def config_in(folder):
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))


# What a training writes and prints


def test_files_and_lines_of_a_training(command, tmp_path, capsys):
    assert command("--epochs=2", "--batch-size=16", "--seed=5", "--lr=0.01") == 0
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == FILES

    rows = read_rows(out / "history.csv")
    assert list(rows[0]) == ["epoch", "train_loss", "train_acc", "test_acc", "test_loss", "seconds"]
    assert [row["epoch"] for row in rows] == ["1", "2"]

    model = torch.load(out / "model.pt", weights_only=True)
    shapes = {name: tuple(tensor.shape) for name, tensor in model.items()}
    assert shapes == {"W": (784, 10), "b": (10,)}
    assert all(tensor.is_contiguous() for tensor in model.values())

    config = config_in(out)
    assert config["twin"] == command.name
    assert (config["options"]["seed"], config["options"]["lr"]) == (5, 0.01)
    assert config["versions"]["torch"] == torch.__version__
    for figure in FIGURES:
        with Image.open(out / figure) as image:
            assert image.width > 600

    first, *epochs, _, speed, written = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{command.name}: Fashion-MNIST, 60 + 20 images from ")
    assert first.endswith("7,850 parameters; cpu, 1 thread, float32; seed 5")
    for number, line in enumerate(epochs, start=1):
        assert line.startswith(f"epoch   {number}   train loss 2.")
    assert len(epochs) == 2
    seconds = sum(record.seconds for record in load_history(out / "history.csv"))
    assert speed == f"2 epochs in {seconds:.2f} s, {2 * 60 / seconds:,.0f} examples a second"
    assert str(out) in written


@one_twin
@pytest.mark.usefixtures("undrawn")
def test_a_new_run_removes_the_files_of_the_one_before(command, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for name in (*FILES, "templates-by-epoch.png", "notes.txt"):
        (out / name).write_text("from an earlier run")
    assert command("--epochs=1", "--quiet") == 0
    assert {path.name for path in out.iterdir()} == RESULTS | {"notes.txt"}
    assert (out / "notes.txt").read_text() == "from an earlier run"
    assert "earlier" not in (out / "history.csv").read_text()


@one_twin
@pytest.mark.parametrize(
    ("decay", "falls", "explained"),
    [("none", True, True), ("none", False, False), ("linear", True, False)],
)
def test_the_report_explains_why_the_accuracy_jumps(
    command, tmp_path, monkeypatch, decay, falls, explained
):
    monkeypatch.setattr(train, "fluctuates", lambda history: falls)
    assert command("--quiet", "--epochs=1", f"--lr-decay={decay}") == 0
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert ("because the learning rate is constant" in report) == explained


@one_twin
@pytest.mark.usefixtures("undrawn")
def test_held_out_images_are_measured_too(command, tmp_path, capsys):
    assert command("--epochs=2", "--validation=10") == 0
    history = load_history(tmp_path / "out" / "history.csv")
    assert all(record.valid_acc in [n / 10 for n in range(11)] for record in history)
    printed = capsys.readouterr().out.splitlines()
    assert "50 + 20 images, 10 held out" in printed[0]
    assert f"valid acc {history[1].valid_acc:.4f}   test loss" in printed[2]


@one_twin
@pytest.mark.usefixtures("undrawn")
def test_divergence_leaves_what_was_written_before(command, tmp_path, error_line):
    assert command("--epochs=2", "--quiet") == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    error = error_line(1, command, "--lr=1e38", "--weight-decay=10", "--batch-size=10")
    assert error.startswith(f"python -m {command.name}: error: ")
    assert "in epoch 1, batch 2" in error
    assert error.endswith("try a smaller --lr, --momentum or --weight-decay")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


@one_twin
@pytest.mark.usefixtures("undrawn")
def test_a_high_loss_is_a_warning_once_for_each_twin(
    command, made_up, tmp_path, capsys, error_line
):
    argv = ["--epochs=5", "--lr=1000", "--batch-size=16", "--quiet"]
    line = error_line(0, command, *argv)
    assert line.startswith(f"python -m {command.name}: warning: ")
    assert "2.30" in line  # ln 10
    assert line.endswith("try a smaller --lr")
    paths = [f"--data-dir={made_up}", f"--output-dir={tmp_path}", "--device=cpu"]
    d2l_main.main(["compare", *paths, *argv])
    lines = capsys.readouterr().err.splitlines()
    for name in TWINS:
        start = f"python -m d2l_softmax compare: warning: {name}: "
        assert sum(line.startswith(start) for line in lines) == 1


def test_data_command(made_up, capsys, error_line):
    assert d2l_main.main(["data", f"--data-dir={made_up}"]) == 0
    assert capsys.readouterr().out.endswith(f": {made_up}\n")
    assert "required: COMMAND" in error_line(2, d2l_main.main, [])


# Options

NAMES = (
    *("epochs", "batch_size", "lr", "optimizer", "momentum", "weight_decay", "lr_decay"),
    *("augment", "validation", "seed", "dtype", "quiet"),
)
ADAM = {"optimizer": "adam", "lr": 0.001, "momentum": 0.0}


BOOK = "10 256 0.1 sgd 0.0 0.0 none none 0 0 float32 False"
BEST = "20 512 0.1 sgd 0.9 0.0 linear none 0 0 float32 False"


@pytest.mark.parametrize(
    ("arguments", "recipe", "changed"),
    [
        ("", BOOK, {}),
        ("--recipe=book", BOOK, {}),
        ("--recipe=best", BEST, {}),
        ("--recipe=photos", BEST, {"epochs": 10, "lr": 0.02, "augment": "photos"}),
        ("--optimizer=adam", BOOK, ADAM),
        ("--optimizer=adam --lr=0.1", BOOK, ADAM | {"lr": 0.1}),
        ("--recipe=best --optimizer=adam", BEST, ADAM),
        ("--momentum=0.5 --recipe=best --lr=0.03", BEST, {"momentum": 0.5, "lr": 0.03}),
    ],
)
def test_given_options_take_precedence_over_the_recipe(arguments, recipe, changed):
    parsed = vars(train.parse("scratch", arguments.split()))
    expected = dict(zip(NAMES, recipe.split(), strict=True)) | changed
    assert {name: str(parsed[name]) for name in NAMES} == {n: str(v) for n, v in expected.items()}


@pytest.mark.parametrize("name", [*TWINS, "train", "compare", "sweep"])
def test_help_has_each_default_once(name, capsys):
    parse = options.make_parser(name).parse_args if name in TWINS else d2l_main.main
    with pytest.raises(SystemExit, match=r"^0$"):
        parse([*([] if name in TWINS else [name]), "--help"])
    _, *entries = re.split(r"\n  (?=--)", capsys.readouterr().out)
    helps = {entry.split()[0][2:].replace("-", "_"): " ".join(entry.split()) for entry in entries}
    for setting in dataclasses.fields(options.TrainingSettings):
        if setting.default is not None and (name, setting.name) != ("sweep", "validation"):
            default = "cpu" if (name, setting.name) == ("sweep", "device") else setting.default
            assert helps[setting.name].count(f"default: {default}") == 1
        assert helps[setting.name].count("default: ") <= 1
    assert "(default: 10; best: 20; custom data: chosen)" in helps["epochs"]


@pytest.mark.usefixtures("undrawn")
def test_train_does_what_the_module_does(
    command, made_up, tmp_path, monkeypatch, capsys, error_line
):
    """It takes each option, writes to runs/ of the implementation, and resumes its training."""
    argv = [f"--data-dir={made_up}", "--device=cpu", "--epochs=2", "--lr=0.01", "--batch-size=16"]
    monkeypatch.chdir(tmp_path)
    chosen = [f"--impl={command.name}"] if command.name != "scratch" else []
    assert d2l_main.main(["train", *chosen, *argv]) == 0
    assert command(*argv) == 0
    assert capsys.readouterr().err == ""
    by_train, by_module = tmp_path / "runs" / command.name, tmp_path / "out"
    assert (by_train / "model.pt").read_bytes() == (by_module / "model.pt").read_bytes()
    assert config_in(by_train)["options"].keys() == config_in(by_module)["options"].keys()
    other = ["train", *chosen, *argv, "--resume", "--lr=0.2"]
    error = error_line(2, d2l_main.main, other, "d2l-softmax")
    assert error.startswith("d2l-softmax train: error: cannot resume: ")


@pytest.mark.parametrize("parse", [d2l_main.main, partial(train.parse, "concise")])
def test_version(parse, capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        parse(["--version"])
    line = f"d2l_softmax {__version__} (torch {torch.__version__}, Python {python_version()})\n"
    assert capsys.readouterr().out == line


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("evalute", "'evalute'; did you mean evaluate?"),
        ("xyz --lr=1", "'xyz'; expected one of data, train, compare, "),
        ("evaluate --jsn", "evaluate: error: unrecognized arguments: --jsn; did you mean --json?"),
        ("train --impl=scrach", "train: error: argument --impl: invalid choice: 'scrach'"),
    ],
)
def test_a_mistyped_command_or_option(argv, message, error_line):
    line = error_line(2, d2l_main.main, argv.split(), "d2l-softmax")
    assert line.startswith("d2l-softmax")
    assert message in line


@one_twin
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("--batch-size=0", "--batch-size: '0' is not a whole number from 1"),
        ("--batch-size=2.5", "--batch-size: '2.5'"),
        ("--validation=60000", "--validation: '60000' is not a whole number from 0 to 59999"),
        ("--recipe=perfect", "--recipe: invalid choice: 'perfect'"),
        ("--lr=0", "--lr: '0' is not a finite number above 0"),
        ("--lr=nan", "--lr"),
        ("--lr=inf", "--lr"),
        ("--lr=1e39", "--lr: 1e+39 is too large for float32; expected at most 3.4e+38"),
        ("--weight-decay=1e39", "--weight-decay: 1e+39"),
        ("--weight-decay=-1", "--weight-decay"),
        ("--momentum=1", "--momentum: '1' is not a number from 0 to below 1"),
        ("--momentum=-0.1", "--momentum"),
        ("--momentum=0.9 --optimizer=adam", "--momentum: for --optimizer sgd only"),
        ("--epochs=0", "--epochs"),
        ("--seed=-1", "--seed"),
        ("--resize=28x", "--resize: '28x' is not a side"),
        ("--device=mps", "--device: MPS is not available; try --device cpu"),
        (f"--threads={os.cpu_count() + 1}", f"is not a whole number from 1 to {os.cpu_count()}"),
        ("--epoch=3", "unrecognized arguments: --epoch=3; did you mean --epochs?"),
        ("--xyz", "unrecognized arguments: --xyz ("),
        ("--checkpoint-every=0", "--checkpoint-every: '0' is not a whole number from 1"),
        ("--output-dir=", "--output-dir: expected a path, got none"),
        ("--output-dir=~nosuchuser/x", "--output-dir: '~nosuchuser/x': there is no such home"),
    ],
)
def test_wrong_usage(command, tmp_path, monkeypatch, arguments, named, error_line):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    error = error_line(2, command, *arguments.split())
    assert error.startswith(f"python -m {command.name}: error: ")
    assert named in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("cuda", "device"), [(True, "cuda"), (False, "cpu")])
def test_the_device_is_one_that_is_available(monkeypatch, error_line, cuda, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: int(cuda))
    assert train.parse("scratch", []).device == device
    assert train.parse("scratch", ["--device=cpu"]).device == "cpu"
    if not cuda:
        line = error_line(2, train.parse, "scratch", ["--device=cuda"])
        assert "--device: CUDA is not available; try --device cpu" in line


def test_home_directories_are_known_after_an_equals_sign(tmp_path, monkeypatch, error_line):
    monkeypatch.setenv("HOME", str(tmp_path))
    parsed = train.parse("scratch", ["--output-dir=~/x", "--data-dir=~/y", "--device=cpu"])
    assert (parsed.output_dir, parsed.data_dir) == (tmp_path / "x", tmp_path / "y")
    monkeypatch.setenv("D2L_SOFTMAX_DATA", "~nosuchuser")
    assert "argument --data-dir: '~nosuchuser'" in error_line(2, train.parse, "scratch", [])
    with pytest.raises(DataUnavailableError, match=r"^the data directory ~nosuchuser"):
        load_data_fashion_mnist(16)


# From options to a training


@pytest.fixture(params=TWINS)
def training(request, made_up):
    """Return a function that makes each twin's training from options."""

    def training(*arguments):
        argv = [f"--data-dir={made_up}", "--device=cpu", "--batch-size=16", *arguments]
        options, data = train.load_training_data(train.parse(request.param, argv))
        return train.prepare(TWINS[request.param], options, data.loaders)

    return training


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("SGD", {"lr": 0.3, "momentum": 0.5, "weight_decay": 0.01}),
        ("Adam", {"lr": 0.02, "weight_decay": 0.03}),
    ],
)
def test_optimizers_have_the_settings_that_were_given(name, given, training):
    arguments = [f"--{setting.replace('_', '-')}={value}" for setting, value in given.items()]
    run = training(f"--optimizer={name.lower()}", *arguments)
    assert isinstance(run.optimizer, getattr(run.twin, name))
    is_torchs = hasattr(run.optimizer, "param_groups")
    settings = run.optimizer.param_groups[0] if is_torchs else vars(run.optimizer)
    assert given.items() <= settings.items()


def test_the_seed_gives_both_the_weights_and_the_order(training, made_up):
    run = training("--seed=3")
    start = run.twin.SoftmaxRegression(generator=torch.Generator().manual_seed(3))
    assert torch.equal(run.model.W, start.W)
    order = torch.Generator().manual_seed(3)
    train_iter, _ = load_data_fashion_mnist(16, data_dir=made_up, generator=order)
    for (X, y), (expected_X, expected_y) in zip(run.train_iter, train_iter, strict=True):
        assert torch.equal(X, expected_X)
        assert torch.equal(y, expected_y)


# Threads: a step is too small to be divided, and on a busy machine threads wait for each other


@one_twin
@pytest.mark.usefixtures("undrawn")
def test_commands_compute_on_one_thread_unless_told_otherwise(
    command, made_up, tmp_path, capsys, request
):
    request.addfinalizer(partial(torch.set_num_threads, torch.get_num_threads()))
    torch.set_num_threads(3)  # as a user's own program may
    assert command("--epochs=1") == 0
    config = config_in(tmp_path / "out")
    assert config["threads"] == config["options"]["threads"] == 1
    capsys.readouterr()
    argv = ["compare", f"--data-dir={made_up}", f"--output-dir={tmp_path}", "--device=cpu"]
    number = os.cpu_count()
    assert d2l_main.main([*argv, "--epochs=1", f"--threads={number}"]) == 0
    assert json.loads((tmp_path / "comparison.json").read_text())["threads"] == number
    assert f"; cpu, {console.counted(number, 'thread')}, float32;" in capsys.readouterr().out
    assert torch.get_num_threads() == number


def test_large_batches_use_all_cores():
    for size, threads in ((49_999, 1), (50_000, os.cpu_count())):
        assert train.parse("scratch", [f"--batch-size={size}"]).threads == threads
        assert train.parse("scratch", [f"--batch-size={size}", "--threads=1"]).threads == 1


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's list of threads")
def test_the_loader_starts_no_threads():
    code = """
import os
import numpy as np
import torch
from d2l_softmax.data.batches import ArrayDataset, ArrayLoader

def threads():
    return len(os.listdir("/proc/self/task"))

torch.set_num_threads(4)
images, labels = np.zeros((1_000, 28, 28), np.uint8), torch.arange(1_000) % 10
before = threads()
for dtype in (torch.float32, torch.float64):
    for X, y in ArrayLoader(ArrayDataset(images, labels, "0123456789", dtype=dtype), 256):
        assert threads() == before
X.add_(1)  # one operation of torch's on the batch of 232 images does start them
assert threads() > before
"""
    done = run_python("-c", code, OMP_NUM_THREADS="4")
    assert done.returncode == 0, done.stderr


# The progress bar, and how a command starts and ends


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(("command", "batches"), [("train", 8), ("compare", 16)])
def test_a_bar_counts_the_batches_on_a_terminal_unless_quiet(
    command, batches, made_up, tmp_path, capsys, monkeypatch
):
    argv = [command, "--epochs=2", "--batch-size=16", "--lr=0.01", "--device=cpu"]
    argv += [f"--data-dir={made_up}", f"--output-dir={tmp_path / 'out'}"]
    moves = []
    monkeypatch.setattr(console.tqdm, "update", lambda bar, n=1: moves.append(n))
    assert d2l_main.main(argv) == 0
    assert capsys.readouterr().err == ""  # no terminal, no bar
    moves.clear()
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda stream: True)
    assert d2l_main.main(argv) == 0
    lines, bar = capsys.readouterr()
    assert "Fashion-MNIST, 60 + 20 images" in lines
    assert f"0/{batches} " in bar
    assert sum(moves) == batches
    assert set(moves) <= {0, 1}
    assert d2l_main.main([*argv, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("default_signals")
@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_any_command_in_one_line(name, status, capsys):
    if not hasattr(signal, name):
        pytest.skip("no such signal here")

    def work():
        signal.raise_signal(getattr(signal, name))
        raise AssertionError("it continued")

    assert cli.exit_status("python -m d2l_softmax losses", work) == status
    assert capsys.readouterr().err == "python -m d2l_softmax losses: interrupted\n"


@pytest.mark.skipif(sys.platform == "win32", reason="redirects streams as a shell does")
def test_a_reader_that_exits_is_no_traceback(tmp_path):
    out = tmp_path / "out"
    line = f'"{sys.executable}" -m d2l_softmax losses --output-dir="{out}" | true'
    command = ["bash", "-c", f"set -o pipefail; {line}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (1, "")
    assert [path.name for path in out.iterdir()] == ["losses.png"]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("real_data")
@pytest.mark.skipif(sys.platform == "win32", reason="sets limits as a shell does")
@pytest.mark.parametrize(
    ("before", "flags", "status"),
    [
        ("export MPLBACKEND=module://matplotlib_inline.backend_inline", "", 0),  # as notebooks do
        ("export LC_ALL=C PYTHONUTF8=0 PYTHONIOENCODING=ascii", "", 0),
        ("unset HOME", "", 0),
        ("umask 077", "-OO", 0),
        pytest.param(
            *("ulimit -f 50", "", 1),
            marks=pytest.mark.skipif(sys.platform != "linux", reason="counts kilobytes"),
        ),
    ],
)
def test_a_training_in_any_environment(before, flags, status, tmp_path):
    line = f'{before}; "{sys.executable}" {flags} -m scratch --epochs=1 --output-dir="$OUT"'
    environment = {**os.environ, "OUT": str(tmp_path / "图"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert (done.returncode, done.stderr.count("\n")) == (status, status), done.stderr
    written = {path.name for path in (tmp_path / "图").iterdir()}
    assert status or written >= FILES
    assert ("File too large" in done.stderr) == bool(status)


def test_characters_that_a_terminal_lacks_are_printed_with_backslashes(monkeypatch, tmp_path):
    path = tmp_path / "out.txt"
    monkeypatch.setenv("MPLBACKEND", "agg")  # is set
    with open(path, "w", encoding="ascii") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with pytest.raises(SystemExit, match=r"^0$"):
            cli.run_as_program(lambda: print("\u56fe") or 0)
    assert path.read_text() == "\\u56fe\n"


@pytest.mark.parametrize("file", ["scratch.py", "concise/__init__.py"])
def test_a_users_module_that_hides_a_twin_is_named_and_not_run(file, tmp_path):
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text("print('this was run')\n", encoding="utf-8")
    hidden = f"{path} hides this project's package {file[:7]};"
    done = run_python("-m", "d2l_softmax", "evaluate", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert f"error: {hidden}" in line


def test_load_model_names_a_hidden_twin_before_and_after_it_is_imported(tmp_path):
    (tmp_path / "concise.py").write_text("print('imported')\n", encoding="utf-8")
    code = """
import d2l_softmax as d2l
for _ in range(2):
    try:
        d2l.load_model("model.pt")
    except ImportError as error:
        print(error)
    import concise
"""
    named, imported, named_again = run_python("-c", code, cwd=tmp_path).stdout.splitlines()
    assert named == named_again
    assert named.startswith(f"{tmp_path / 'concise.py'} hides this project's package concise;")
    assert imported == "imported"
