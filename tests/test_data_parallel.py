"""Data-parallel training: any number of ranks takes the same steps, and a failed one is resumed."""

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TWINS, load_history, train_on

from d2l_softmax.commands import train as training_command
from d2l_softmax.data.augmentation import NUM_DRAWS
from d2l_softmax.data.batches import ArrayDataset, ArrayLoader
from d2l_softmax.training import distributed as ranks
from d2l_softmax.training.checkpoint import load_checkpoint, position

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="torchrun on POSIX")
ROOT = Path(__file__).parents[1]
PATIENCE = 120  # seconds, after which something hangs
SETTINGS = ["--device=cpu", "--dtype=float64", "--lr=0.01", "--batch-size=255", "--validation=2"]
RANK_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return a file of images, a stripe for each class among noise.

    The batches of 255 are divided unevenly; the last has one image, none for rank 1.
    """
    rng, path, arrays = np.random.default_rng(0), tmp_path_factory.mktemp("data") / "data.npz", {}
    for split, n in (("train", 513), ("test", 7)):
        X, y = rng.integers(0, 60, (n, 28, 28), np.uint8), np.arange(n) % 10
        X[np.arange(n), y * 2] = 200
        arrays |= {f"x_{split}": X, f"y_{split}": y}
    np.savez(path, **arrays)
    return path


@pytest.fixture
def train_alone(data, tmp_path, monkeypatch):
    """Return a function that trains a twin in this process, the only one: the folder."""
    monkeypatch.setattr(training_command, "write_results", lambda *arguments: None)

    def train_alone(twin, *more):
        assert train_on(data, tmp_path / "alone", "--quiet", *SETTINGS, *more, twin=twin) == 0
        return tmp_path / "alone"

    return train_alone


@pytest.fixture
def torchrun(data, tmp_path):
    """Return a function that starts a twin's training on two ranks: the process, its arguments."""

    def torchrun(twin, *more, options=()):
        argv = [f"--dataset={data}", f"--output-dir={tmp_path / 'two'}", *SETTINGS, *more]
        command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", *options]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
        started.append(subprocess.Popen([*command, "-m", twin, *argv], env=environment, **pipes))
        return started[-1], argv

    started = []
    yield torchrun
    for process in started:
        process.kill()


def messages(err):
    return [line for line in err.splitlines() if line.startswith("python -m ")]


def distance(one, other):
    """Return the largest difference between the models and histories in two folders."""
    models = [torch.load(folder / "model.pt", weights_only=True) for folder in (one, other)]
    differences = [float((models[0][key] - models[1][key]).abs().max()) for key in models[0]]
    for records in zip(*(load_history(f / "history.csv") for f in (one, other)), strict=True):
        numbers, expected = (record._replace(seconds=0).measurements() for record in records)
        assert numbers.keys() == expected.keys()
        differences += [abs(numbers[key] - expected[key]) for key in numbers]
    return max(differences)


# With torchrun


@pytest.mark.slow
@pytest.mark.timeout(2 * PATIENCE)
@pytest.mark.parametrize("twin", TWINS)
def test_two_ranks_take_the_steps_of_one(twin, train_alone, torchrun, tmp_path):
    more = ["--optimizer=adam", "--weight-decay=0.01", "--lr-decay=linear", "--epochs=3"]
    process, _ = torchrun(twin, *more)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, messages(err)) == (0, []), err
    assert out.count("cpu, 2 processes of 1 thread") == 1  # one rank prints
    assert out.count("\nepoch ") == 3
    config = json.loads((tmp_path / "two" / "config.json").read_text(encoding="utf-8"))
    assert config["processes"] == 2
    assert distance(tmp_path / "two", train_alone(twin, *more)) <= 1e-10


@pytest.mark.slow
@pytest.mark.timeout(2 * PATIENCE)
@pytest.mark.skipif(not Path("/proc").exists(), reason="needs Linux's list of processes")
def test_after_a_death_torchrun_resumes(train_alone, torchrun, tmp_path):
    more = ["--epochs=40", "--checkpoint-every=1", "--momentum=0.9"]
    # a restart has the same options; --overwrite does not remove its checkpoint
    process, _ = torchrun("scratch", *more, "--overwrite", options=["--max-restarts=1"])
    next(line for line in process.stdout if line.startswith("epoch   3"))
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    _, rank_1 = children.read_text(encoding="utf-8").split()
    os.kill(int(rank_1), signal.SIGKILL)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert "resuming " in out
    assert distance(tmp_path / "two", train_alone("scratch", *more)) <= 1e-10


@pytest.mark.slow
@pytest.mark.timeout(2 * PATIENCE)
def test_an_interrupt_is_one_line_and_leaves_a_checkpoint(torchrun, tmp_path):
    process, argv = torchrun("scratch", "--epochs=99999")
    next(line for line in process.stdout if line.startswith("epoch   1"))
    process.send_signal(signal.SIGINT)
    (message,) = messages(process.communicate(timeout=PATIENCE)[1])
    assert process.returncode != 0
    where = position(load_checkpoint(tmp_path / "two" / "checkpoint.pt"))
    assert message.startswith(f"python -m scratch: interrupted {where}; ")
    assert message.endswith(f"torchrun --nproc-per-node=2 -m scratch {shlex.join(argv)} --resume")


# Without torchrun


@pytest.fixture
def rank_2_of_3(monkeypatch):
    """Set what torchrun sets for rank 2 of 3, the first of two on its machine."""
    for name, value in zip(RANK_VARIABLES, "2302", strict=True):
        monkeypatch.setenv(name, value)


def test_the_launch_is_read_from_the_environment(rank_2_of_3):
    assert (ranks.get_launch(), ranks.is_main()) == ((2, 3, 0, 2), False)


def test_bad_usage_is_one_message(rank_2_of_3, monkeypatch, capsys, error_line):
    usage = "concise", ["--batch-size=2"]
    with pytest.raises(SystemExit):
        training_command.parse(*usage)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("RANK", "0")
    assert "--batch-size: 2 for 3" in error_line(2, training_command.parse, *usage)


def test_other_options_of_a_rank_are_refused_by_name(rank_2_of_3, monkeypatch):
    def gather(everywhere, facts):
        everywhere[:] = [{"--lr": 0.1}, {"--lr": 0.1}, facts]

    monkeypatch.setattr(torch.distributed, "all_gather_object", gather)
    ranks.check_equal("options", {"--lr": 0.1})
    with pytest.raises(ranks.RankError, match=r"rank 2 of 3 has --lr 0\.3, rank 0 has 0\.1"):
        ranks.check_equal("options", {"--lr": 0.3})


@pytest.mark.parametrize("error", [None, RuntimeError("gloo: connection reset")])
def test_the_group_is_left_without_an_error_only(rank_2_of_3, monkeypatch, error):
    ended = []
    rendezvous = iter([(torch.distributed.HashStore(), 2, 3)])
    monkeypatch.setattr(torch.distributed, "rendezvous", lambda url: rendezvous)
    monkeypatch.setattr(torch.distributed, "init_process_group", lambda *arguments, **named: None)
    monkeypatch.setattr(torch.distributed, "destroy_process_group", lambda: ended.append(True))
    with contextlib.suppress(RuntimeError), ranks.process_group("cpu"):
        if error:
            raise error
    assert ended == ([] if error else [True])


@pytest.mark.parametrize("rank", ["0", "1"])
def test_one_rank_continues_the_saved_sums(rank, data, monkeypatch):
    """They are those of all ranks: in the middle of an epoch others start from zero."""
    argv = [f"--dataset={data}", *SETTINGS, "--epochs=1"]
    options = training_command.parse("scratch", argv)
    loaders = training_command.load_loaders(options)
    training = training_command.prepare(TWINS["scratch"], options, loaders)
    training.batch = 1
    training.metric.add(6.0, 2.0, 3.0)
    state = training.state_dict()
    for name, value in zip(RANK_VARIABLES, (rank, "2", rank, "2"), strict=True):
        monkeypatch.setenv(name, value)
    resumed = training_command.prepare(TWINS["scratch"], options, loaders)
    resumed.load_state_dict(state)
    assert resumed.batch == 1
    assert [resumed.metric[i] for i in range(3)] == ([6, 2, 3] if rank == "0" else [0, 0, 0])


@pytest.mark.parametrize(("n", "batch_size", "size"), [(11, 4, 3), (9, 4, 2), (7, 3, 3), (4, 9, 4)])
def test_shards_make_up_the_batches(n, batch_size, size):
    images = torch.arange(n, dtype=torch.uint8).reshape(n, 1, 1)
    dataset = ArrayDataset(images, torch.arange(n), [str(c) for c in range(n)])
    loader = ArrayLoader(dataset, batch_size, augment=lambda X, draws: draws)
    shares = [ranks.Shard(loader, rank, size) for rank in range(size)]

    def batches_of(share, first):
        torch.manual_seed(first)  # as on each rank
        return [(X, y.tolist(), getattr(share, "weight", 1)) for X, y in share.batches(first)]

    for first in range(len(loader)):
        of_ranks = [batches_of(share, first) for share in shares]
        for number, (X, whole, _) in enumerate(batches_of(loader, first)):
            parts = [part[number] for part in of_ranks if number < len(part)]
            assert list(chain(*(y for _, y, _ in parts))) == whole
            assert [weight for _, _, weight in parts] == [len(y) / len(whole) for _, y, _ in parts]
            assert torch.equal(torch.cat([draws for draws, _, _ in parts]), X)
            assert X.shape == (len(whole), NUM_DRAWS)
            assert len(X.unique(dim=0)) == len(whole)  # each image has its own
    idle = [share.weight == 0 for share in shares]
    assert sum(idle) == max(0, size - (n - 1) % batch_size - 1)
