"""Threads: a command computes on one, the loader starts none, a program that imports us keeps its.

A step is too small to be divided: on a busy machine threads wait for one that isn't running.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import TWINS

from d2l_softmax import __main__ as d2l_main
from d2l_softmax import evaluate_accuracy, load_data_fashion_mnist
from d2l_softmax.commands import compare, train
from d2l_softmax.commands.cli import cpu_threads, exit_status
from d2l_softmax.errors import UserError


@pytest.fixture
def three_threads():
    """Let this process compute on three threads, as a user's own program may."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize("name", TWINS)
def test_a_twins_command_computes_on_one_thread(name, made_up, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "write_results", lambda *arguments: None)
    argv = [f"--data-dir={made_up}", f"--output-dir={tmp_path}", "--device=cpu", "--epochs=1"]
    assert train.main(TWINS[name], name, argv) == 0
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["threads"] == config["options"]["threads"] == 1


@pytest.mark.parametrize("number", sorted({1, os.cpu_count()}))
def test_threads_says_otherwise(made_up, tmp_path, capsys, monkeypatch, number):
    used = []
    monkeypatch.setattr(compare, "write_results", lambda *_: used.append(torch.get_num_threads()))
    argv = ["compare", f"--data-dir={made_up}", f"--output-dir={tmp_path}", "--device=cpu"]
    assert d2l_main.main([*argv, "--epochs=1", f"--threads={number}"]) == 0
    assert used == [number]
    threads = "1 thread" if number == 1 else f"{number} threads"
    assert f"; cpu, {threads}, float32;" in capsys.readouterr().out


def test_a_batch_of_all_images_has_all_cores():
    for size, threads in ((49_999, 1), (50_000, os.cpu_count())):
        assert train.parse("scratch", [f"--batch-size={size}"]).threads == threads
        assert train.parse("scratch", [f"--batch-size={size}", "--threads=1"]).threads == 1


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "two", str(os.cpu_count() + 1)])
def test_threads_that_cannot_be(number, capsys):
    with pytest.raises(SystemExit) as exit_:
        train.main(TWINS["scratch"], "scratch", [f"--threads={number}"])
    assert exit_.value.code == 2
    expected = f"'{number}' is not a whole number from 1 to {os.cpu_count()}"
    assert expected in capsys.readouterr().err


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize("error", [None, UserError("broken"), KeyboardInterrupt()])
def test_a_program_that_calls_a_command_keeps_its_threads(error):
    used = []

    def work():
        used.append(torch.get_num_threads())
        if error:
            raise error

    def computing():
        with cpu_threads(1):
            work()

    exit_status("python -m scratch", computing)
    assert used == [1]
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS)
def test_a_program_that_uses_the_library_keeps_its_threads(twin, made_up):
    train_iter, test_iter = load_data_fashion_mnist(16, data_dir=made_up)
    model = twin.SoftmaxRegression()
    twin.train_epoch(model, train_iter, twin.SGD(model.parameters(), lr=0.1))
    evaluate_accuracy(model, test_iter)
    assert torch.get_num_threads() == 3


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's list of threads")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_pass_of_the_loader_starts_no_threads(dtype):
    code = f"""
import os
import numpy as np
import torch
from d2l_softmax.data.batches import ArrayDataset, ArrayLoader

torch.set_num_threads(4)
images, labels = np.zeros((1_000, 28, 28), np.uint8), torch.arange(1_000) % 10
dataset = ArrayDataset(torch.from_numpy(images), labels, "0123456789", dtype=torch.{dtype})
threads = [len(os.listdir("/proc/self/task"))]
for X, y in ArrayLoader(dataset, 256, shuffle=True):
    threads.append(len(os.listdir("/proc/self/task")))
assert threads == threads[:1] * 5, threads
X.add_(1)  # one operation of torch's on the batch of 232 images does start them
assert len(os.listdir("/proc/self/task")) > threads[0]
"""
    environment = {**os.environ, "OMP_NUM_THREADS": "4"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
