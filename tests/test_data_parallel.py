"""Data-parallel training: any number of ranks takes the same steps, and a failed one is resumed."""

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import types
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TWINS, load_history, write_dataset
from one_of_several import DIGESTS

from d2l_softmax.commands import train as training_command
from d2l_softmax.data import sources
from d2l_softmax.data.batches import ArrayDataset, ArrayLoader
from d2l_softmax.training import distributed as ranks
from d2l_softmax.training.checkpoint import load_checkpoint, position

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="torchrun on POSIX")
ROOT = Path(__file__).parents[1]
PATIENCE = 120  # seconds, after which something hangs
NUM_TRAIN, NUM_TEST, NUM_VALID = 513, 7, 2  # the last of the batches of 256 has one image
EPOCHS = 3
LOOKUPS = 4  # of process 1 of 2 in an epoch: two batches to train on, and one each to test on
TOLERANCES = {"float64": 1e-10, "float32": 1e-4}
SETTINGS = {
    "momentum": ["--momentum=0.9"],
    "adam": ["--optimizer=adam", "--weight-decay=0.01", "--lr-decay=linear"],
    # most other rates and seeds learn too little of these few varied stripes, which is a warning
    "augment": [
        *("--augment=photos", "--optimizer=adam", "--lr=0.005", "--lr-decay=linear", "--seed=1"),
    ],
}
RANK_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")


def takes_processes(test):
    """Mark a test that starts torchrun: it is slow, and may take longer than others."""
    return pytest.mark.slow(pytest.mark.timeout(2 * PATIENCE)(test))


def make_data(folder, seed):
    """Write images, a stripe for each class among noise, that pass as Fashion-MNIST's."""
    rng = np.random.default_rng(seed)

    def images_and_labels(n):
        images, labels = rng.integers(0, 60, (n, 28, 28)), np.arange(n) % 10
        images[np.arange(n), labels * 2] = 200
        return images, labels

    examples = *images_and_labels(NUM_TRAIN + NUM_VALID), *images_and_labels(NUM_TEST)
    digests = write_dataset(folder / "FashionMNIST" / "raw", *examples)
    (folder / DIGESTS).write_text(json.dumps(digests), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("data"), seed=0)


def a_run(program, data, output_dir, *more, **rest):
    """Return a run of a plan: see one_of_several.py."""
    argv = [f"--data-dir={data}", f"--output-dir={output_dir}", "--device=cpu", "--lr=0.01"]
    argv += [f"--epochs={EPOCHS}", f"--validation={NUM_VALID}", *more]
    return {"program": program, "argv": argv, **rest}


@pytest.fixture(scope="module")
def train_alone(data):
    """Return a function that does a run in this process, the only one."""

    def train_alone(run, *more):
        name = run["program"]
        assert training_command.main(TWINS[name], name, [*run["argv"], "--quiet", *more]) == 0

    with pytest.MonkeyPatch.context() as patch:
        for name, digest in json.loads((data / DIGESTS).read_text(encoding="utf-8")).items():
            patch.setitem(sources.SHA256, name, digest)
        patch.setattr(training_command, "write_results", lambda *arguments: None)
        yield train_alone


def start(folder, runs, processes, *torchrun):
    """Start the runs with torchrun, in a number of processes."""
    plan = folder / "plan.json"
    plan.write_text(json.dumps(runs), encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={processes}"]
    command += [*torchrun, str(ROOT / "tests" / "one_of_several.py"), str(plan)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=environment, text=True, encoding="utf-8", **streams)


def end(process):
    """Wait for torchrun; return its status, and the lines and messages of the commands."""
    try:
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    messages = [line for line in err.splitlines() if line.startswith("python -m ")]
    lines = [line for line in out.splitlines() if not line.startswith("process ")]  # of the faults
    return process.returncode, lines, messages


def distance(one, other):
    """Return the largest difference between the models and histories in two folders."""
    models = [torch.load(folder / "model.pt", weights_only=True) for folder in (one, other)]
    differences = [float((models[0][key] - models[1][key]).abs().max()) for key in models[0]]
    for records in zip(*(load_history(f / "history.csv") for f in (one, other)), strict=True):
        numbers, expected = (record._replace(seconds=0).measurements() for record in records)
        assert numbers.keys() == expected.keys()
        differences += [abs(numbers[key] - expected[key]) for key in numbers]
    return max(differences)


# Any number of processes takes the same steps


COMPARED = [
    (name, setting, dtype)
    for name in TWINS
    for setting in SETTINGS
    for dtype in TOLERANCES
    if dtype == "float64" or setting == "momentum"
]


def compared_runs(data, folder):
    """Return the runs that are compared; each has a folder of its own."""
    return [
        a_run(
            *(name, data, folder / f"{name}-{setting}-{dtype}", f"--dtype={dtype}"),
            *SETTINGS[setting],
        )
        for name, setting, dtype in COMPARED
    ]


@pytest.fixture(scope="module")
def alone(data, train_alone, tmp_path_factory):
    """Return the folder in which one process did all runs."""
    folder = tmp_path_factory.mktemp("alone")
    for run in compared_runs(data, folder):
        train_alone(run)
    return folder


@pytest.fixture(scope="module", params=[2, 3])
def together(request, data, tmp_path_factory):
    """Do all runs in several processes; return their number, the folder, and what was printed."""
    folder = tmp_path_factory.mktemp("together")
    status, lines, messages = end(start(folder, compared_runs(data, folder), request.param))
    assert (status, messages) == (0, [])
    return request.param, folder, lines


@takes_processes
def test_any_number_of_processes_takes_the_same_steps(together, alone):
    _, folder, _ = together
    for name, setting, dtype in COMPARED:
        run = f"{name}-{setting}-{dtype}"
        assert distance(folder / run, alone / run) <= TOLERANCES[dtype], run


@takes_processes
def test_each_process_looks_up_its_share_of_the_rows(together):
    processes, folder, _ = together
    for number in range(len(COMPARED)):
        files = [folder / f"rows-{number}-{rank}.json" for rank in range(processes)]
        parts = [json.loads(file.read_text(encoding="utf-8")) for file in files]
        for size in (NUM_TRAIN, NUM_TEST, NUM_VALID):
            shares = [list(chain(*(rows for n, *rows in p if n == size))) for p in parts]
            assert sorted(chain(*shares)) == sorted([*range(size)] * EPOCHS)
            assert max(map(len, shares)) - min(map(len, shares)) <= EPOCHS * -(-size // 256)


@takes_processes
def test_one_process_prints_every_line(together):
    processes, folder, lines = together
    heads = [line for line in lines if f"cpu, {processes} processes of 1 thread" in line]
    assert len(heads) == len(COMPARED)
    # a head, the epochs, accuracy, time, files
    assert len(lines) == len(COMPARED) * (1 + EPOCHS + 3)
    config = json.loads((folder / "scratch-adam-float64" / "config.json").read_text("utf-8"))
    assert config["processes"] == processes


# When one of them ends


@takes_processes
@pytest.mark.parametrize(
    ("name", "rank", "restarts"), [("scratch", 1, 1), ("concise", 0, 1), ("scratch", 1, 0)]
)
def test_after_a_death_torchrun_or_one_process_resumes(
    name, rank, restarts, data, train_alone, tmp_path
):
    settings = ["--dtype=float64", "--momentum=0.9", "--checkpoint-every=1"]
    # process 0 has the last image, too
    fault = {"rank": rank, "lookup": LOOKUPS + 1 + (rank == 0), "signal": "SIGKILL"}
    run = a_run(name, data, tmp_path / "killed", *settings, fault=fault)
    status, lines, messages = end(start(tmp_path, [run], 2, f"--max-restarts={restarts}"))
    if restarts:
        assert status == 0
        assert any(re.match("resuming .*, in epoch 2 of 3, after batch 1$", each) for each in lines)
    else:
        assert status != 0
        assert len(lines) == 2
        assert not messages
        train_alone(run, "--resume")
    train_alone(a_run(name, data, tmp_path / "whole", *settings))
    assert distance(tmp_path / "killed", tmp_path / "whole") <= 1e-10


@takes_processes
def test_an_interrupt_is_one_line_and_leaves_a_checkpoint(data, tmp_path):
    run = a_run("scratch", data, tmp_path / "out", "--epochs=99999")
    arguments = shlex.join(run["argv"])
    process = start(tmp_path, [run], 2)
    next(line for line in process.stdout if line.startswith("epoch   1"))
    process.send_signal(signal.SIGINT)
    status, _, (message,) = end(process)
    assert status != 0
    where = position(load_checkpoint(tmp_path / "out" / "checkpoint.pt"))
    assert message.startswith(f"python -m scratch: interrupted {where}; ")
    assert message.endswith(f"torchrun --nproc-per-node=2 -m scratch {arguments} --resume")


@takes_processes
def test_bad_input_is_one_message_each(data, tmp_path):
    others = [f"--data-dir={make_data(tmp_path / 'other', seed=1)}"]
    odd = [
        a_run("scratch", data, tmp_path / "1", "--batch-size=2"),
        a_run("scratch", data, tmp_path / "3", "--lr=0.2", argv_of={2: ["--lr=0.3"]}),
        a_run("concise", data, tmp_path / "4", argv_of={1: others}),
    ]
    status, lines, messages = end(start(tmp_path, odd, 3))
    assert status != 0
    assert not any(line.startswith("epoch") for line in lines)
    expected = ("--batch-size: 2 for 3", "rank 2 .* 0.3.* 0.2", "rank 1 .*checksum")
    for message, part in zip(messages, expected, strict=True):
        assert re.search(f": error: .*{part}", message)


# Without torchrun


@pytest.fixture
def rank_2_of_3(monkeypatch):
    """Set what torchrun sets for rank 2 of 3, the first of two on its machine."""
    for name, value in zip(RANK_VARIABLES, "2302", strict=True):
        monkeypatch.setenv(name, value)


def test_the_launch_is_read_from_the_environment(rank_2_of_3):
    assert (ranks.get_launch(), ranks.is_main()) == ((2, 3, 0, 2), False)


def test_sums_are_double_precision(rank_2_of_3, monkeypatch):
    monkeypatch.setattr(torch.distributed, "get_backend", lambda: "gloo")
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda sums: sums.mul_(3))
    assert ranks.all_reduce_sums(0.1, 2.0**25 + 1) == [3 * 0.1, 3 * (2.0**25 + 1)]


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


@pytest.mark.parametrize(("n", "batch_size", "size"), [(11, 4, 3), (9, 4, 2), (7, 3, 3), (4, 9, 4)])
def test_shards_make_up_the_batches(n, batch_size, size):
    images = torch.arange(n, dtype=torch.uint8).reshape(n, 1, 1)
    dataset = ArrayDataset(images, torch.arange(n), [str(c) for c in range(n)])
    loader = ArrayLoader(dataset, batch_size)
    shares = [ranks.Shard(loader, rank, size) for rank in range(size)]
    for first in range(len(loader)):
        labels = [[(y.tolist(), share.weight) for _, y in share.batches(first)] for share in shares]
        for number, (_, whole) in enumerate(loader.batches(first)):
            parts = [part[number] for part in labels if number < len(part)]
            assert list(chain(*(y for y, _ in parts))) == whole.tolist()
            assert [weight for _, weight in parts] == [len(y) / len(whole) for y, _ in parts]
    idle = [share.weight == 0 for share in shares]
    assert sum(idle) == max(0, size - (n - 1) % batch_size - 1)


def test_weighted_gradients_add_up_to_those_of_the_batch(monkeypatch, generator):
    model = TWINS["scratch"].SoftmaxRegression(6, 3, dtype=torch.float64, generator=generator)
    X = torch.rand(5, 6, dtype=torch.float64, generator=generator)
    y = torch.tensor([0, 1, 2, 0, 1])
    sent = []
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda flat: sent.append(flat.clone()))
    for rows in torch.arange(5).tensor_split(2):
        shard = types.SimpleNamespace(weight=len(rows) / 5)
        gradients = model.gradients(X[rows], model(X[rows]), y[rows])
        TWINS["scratch"].data_parallel.all_reduce_gradients(shard, gradients)
    expected = torch.cat([g.flatten() for g in model.gradients(X, model(X), y)])
    torch.testing.assert_close(sum(sent), expected)


@pytest.mark.parametrize(
    ("restarted", "argument", "expected"),
    [(0, "", "refused"), (0, "--resume", 1), (0, "--overwrite", None), (1, "", 1)],
)
def test_a_restart_resumes_an_unfinished_training(
    restarted, argument, expected, data, train_alone, tmp_path, monkeypatch
):
    run = a_run("scratch", data, tmp_path)
    train_alone(run, "--epochs=1")
    path = tmp_path / "checkpoint.pt"
    saved = load_checkpoint(path)
    saved["config"]["options"]["epochs"] = EPOCHS
    torch.save(saved, path)
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", str(restarted))
    options = training_command.parse("scratch", [*run["argv"], *argument.split()])
    if expected == "refused":
        with pytest.raises(training_command.UnfinishedTrainingError):
            training_command.find_checkpoint(options)
    else:
        found = training_command.find_checkpoint(options)
        assert (found and found["epoch"]) == expected
