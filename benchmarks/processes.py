"""What a second process gains: epochs of one and of two processes, and what their talk takes.

`python -m benchmarks.processes FILE TWIN …` is what torchrun starts; it writes to the file.
"""

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch

from benchmarks.tables import Ratio, in_one_cell
from d2l_softmax import load_data_fashion_mnist
from d2l_softmax.__main__ import TWINS
from d2l_softmax.commands import train
from d2l_softmax.commands.program import cpu_threads
from d2l_softmax.training.distributed import all_reduce_sums, is_main, process_group
from scratch import SGD, SoftmaxRegression

BATCHES = (256, 1024, 4096, 16384)
BATCH_TO_SCALE = 4096
MANY = {"examples": 10**9, "classes": 10**5, "machines": 64}
NETWORK = 10e9 / 8  # bytes a second of a machine: 10 Gbit/s
PRICE = 0.05  # of a core for an hour, in US dollars; what clouds ask, roughly


def measure_processes(rounds: int) -> dict:
    """Return seconds of epochs in one and two processes, and of a step with very many classes."""
    with TemporaryDirectory() as folder:
        twice = write_twice(Path(folder))
        epochs = []
        for twin in TWINS:
            for batch in BATCHES:
                epochs += [launch(n, rounds, twin, f"--batch-size={batch}") for n in (1, 2)]
            arguments = f"--batch-size={2 * BATCH_TO_SCALE}", f"--dataset={twice}"
            epochs.append(launch(2, rounds, twin, *arguments) | {"twice": True})
    return {"epochs": epochs, "step": list(measure_step(rounds))}


def write_twice(folder: Path) -> Path:
    """Write Fashion-MNIST as arrays, the training data twice; return the folder."""
    for split, loader in zip(("train", "test"), load_data_fashion_mnist(256), strict=True):
        times = 2 if split == "train" else 1
        for name, tensor in {
            "images": loader.dataset.images,
            "labels": loader.dataset.labels,
        }.items():
            np.save(folder / f"{split}_{name}.npy", np.concatenate([tensor.numpy()] * times))
    return folder


def launch(number: int, rounds: int, twin: str, *arguments: str) -> dict:
    """Train in so many processes; return the seconds of each epoch, with and without messages."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "seconds.json")
        torchrun = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={number}"]
        command = [
            *torchrun,
            "-m",
            "benchmarks.processes",
            str(file),
            twin,
            str(rounds),
            *arguments,
        ]
        subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        seconds = json.loads(file.read_text(encoding="utf-8"))
    batch = int(arguments[0].partition("=")[2])
    return {"twin": twin, "processes": number, "batch": batch, **seconds}


def work(file: str, twin: str, rounds: str, *arguments: str) -> None:
    """Time epochs in one of the processes; in turns they talk, and each trains its share alone."""
    options = train.parse(twin, ["--device=cpu", "--lr=0.01", *arguments])
    with cpu_threads(options.threads), process_group(options.device):
        training = train.prepare(TWINS[twin], options)
        shard = training.loaders["train"]
        epochs = {
            "seconds": lambda: train_one_epoch(training),
            "alone": lambda: TWINS[twin].train_epoch(training.model, shard, training.optimizer),
        }
        seconds: dict[str, list[float]] = {name: [] for name in epochs}
        for number in range(1 + int(rounds)):  # the first does not count
            for name, epoch in epochs.items():
                all_reduce_sums(0.0)
                begin = time.perf_counter()
                epoch()
                all_reduce_sums(0.0)
                if number:
                    seconds[name].append(time.perf_counter() - begin)
        if is_main():
            Path(file).write_text(json.dumps(seconds), encoding="utf-8")


def train_one_epoch(training: train.Training) -> None:
    """Train an epoch from its first batch."""
    training.start_epoch()
    training.train_epoch(None)


def measure_step(rounds: int) -> Iterator[dict]:
    """Yield the seconds of steps with very many classes, on one thread, for two sizes of batch."""
    torch.set_num_threads(1)
    model = SoftmaxRegression(784, MANY["classes"])
    optimizer = SGD(model.parameters(), lr=0.01)
    for batch in (64, 512):
        X, y = torch.rand(batch, 784), torch.arange(batch)
        seconds = []
        for number in range(1 + rounds):
            begin = time.perf_counter()
            optimizer.step(model.gradients(X, model(X), y))
            if number:
                seconds.append(time.perf_counter() - begin)
        yield {"batch": batch, "seconds": seconds}


def compare_processes(results: dict) -> Iterator[tuple]:
    """Yield the seconds of an epoch in one and two processes, and the share of their messages."""
    yield "epoch of 60,000", "batch", "one process (s)", "two (s)", "times faster", "messages take"
    records = [each for each in results["epochs"] if not each.get("twice")]
    for one, two in zip(records[::2], records[1::2], strict=True):
        yield (
            one["twin"],
            f"{one['batch']:,}",
            in_one_cell(one["seconds"], 3),
            in_one_cell(two["seconds"], 3),
            str(Ratio.of(one["seconds"], two["seconds"])),
            f"{100 * share_of_messages(two):.0f} %",
        )


def share_of_messages(record: dict) -> float:
    """Return which share of an epoch goes into messages and into waiting for the other process."""
    return max(0.0, 1 - median(record["alone"]) / median(record["seconds"]))


def compare_twice(results: dict) -> Iterator[tuple]:
    """Yield the seconds when data, batch and processes are all doubled."""
    yield "twice the data, twice the batch", "one process (s)", "two (s)", "efficiency"
    for two in (each for each in results["epochs"] if each.get("twice")):
        one = next(
            each
            for each in results["epochs"]
            if (each["twin"], each["batch"], each["processes"]) == (two["twin"], BATCH_TO_SCALE, 1)
        )
        efficiency = Ratio.of(one["seconds"], two["seconds"])
        cells = (in_one_cell(each["seconds"], 3) for each in (one, two))
        yield two["twin"], *cells, str(efficiency)


def estimate_many(results: dict) -> Iterator[tuple]:
    """Yield what a pass would take with very many examples and classes, on very many machines."""
    small, large = (median(step["seconds"]) for step in results["step"])
    images = [step["batch"] for step in results["step"]]
    an_image = (large - small) / (images[1] - images[0])  # beside what each step takes anyway
    a_step = max(small - images[0] * an_image, 0.0)
    n, q, machines = MANY.values()
    megabytes = 4 * (784 + 1) * q / 1e6
    sent = 2 * (machines - 1) / machines * megabytes  # by each machine, around a ring
    talk = sent * 1e6 / NETWORK
    hidden = math.ceil(talk / an_image)
    core_hours = n * an_image / 3600
    yield f"{n:,} images, {q:,} classes, {machines} machines of one core", "on paper"
    yield "an image, gradient included", f"{1000 * an_image:.1f} ms of a core"
    yield "a step beside that (the update of all weights)", f"{a_step:.2f} s"
    yield "weights, and as many gradients", f"{megabytes:,.0f} MB"
    yield "sent and received by each machine in a step", f"{sent:,.0f} MB"
    yield "which takes, at 10 Gbit/s", f"{talk:.2f} s"
    yield "images of a machine whose computing takes as long", f"{hidden:,}"
    yield "so, global batch", f"{hidden * machines:,}"
    for local in (max(1, 256 // machines), hidden, 8 * hidden):
        seconds = local * an_image + a_step + talk
        speed = machines * local / seconds
        name = f"batch {local * machines:,}: images a second; a pass; share of messages"
        yield name, f"{speed:,.0f}; {n / speed / 3600:,.0f} h; {100 * talk / seconds:.0f} %"
    yield (
        "a pass, computing alone",
        f"{core_hours:,.0f} core hours, {core_hours * PRICE:,.0f} dollars",
    )


if __name__ == "__main__":
    work(*sys.argv[1:])
