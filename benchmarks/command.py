"""Seconds and memory: of whole commands, and of a training (scratch) as something of it grows.

Memory is read from /proc while the processes run; it is None where there is no such thing.
"""

import itertools
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import torch

from benchmarks.peers import BOOK
from benchmarks.shared import Peer, start_process, take_turn
from d2l_softmax import load_data_fashion_mnist
from d2l_softmax.figures.drawing import new_figure
from scratch import SGD, SoftmaxRegression, train_epoch

SCRATCH, CONCISE = "`python -m scratch`", "`python -m concise`"
COMMANDS = {
    SCRATCH: ("scratch", "--device=cpu", "--output-dir"),
    CONCISE: ("concise", "--device=cpu", "--output-dir"),
    BOOK: ("benchmarks.book",),
}
MOST_EXAMPLES = 6_000_000
LIMITS = {"seconds": (0.005, 100), "megabytes": (100, 10_000)}  # of the figure's axes


def megabytes(file: str, field: str) -> float | None:
    """Return a field of a file of /proc in megabytes; None if process or field is gone."""
    with suppress(OSError, IndexError):
        text = Path(file).read_text(encoding="utf-8")
        return int(text.split(f"\n{field}:")[1].split()[0]) * 1024 / 1e6


def memory_of_tree(pid: int) -> float | None:
    """Return the megabytes of a process and all it started; what they share counts once (PSS)."""
    pids = [pid]
    for parent in pids:  # grows meanwhile
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            with suppress(OSError):
                pids += map(int, children.read_text().split())
    return sum(megabytes(f"/proc/{each}/smaps_rollup", "Pss") or 0.0 for each in pids) or None


def watch(look: Callable[[], float | None], is_running: Callable[[], bool]) -> float | None:
    """Look every 50 ms for as long as something is running; return the most that was seen."""
    looks = []
    while is_running():
        looks.append(look())
        time.sleep(0.05)
    return max(filter(None, looks), default=None)


def run(name: str, watched: bool = False) -> tuple[float, float | None]:
    """Return a command's seconds and, if watched, peak megabytes; or raise CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        line = [sys.executable, "-m", *COMMANDS[name], folder]
        peak = None
        begin = time.perf_counter()
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if watched:
            peak = watch(lambda: memory_of_tree(process.pid), lambda: process.poll() is None)
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, line)
        return time.perf_counter() - begin, peak


def command(name: str) -> Iterator[None]:
    """Run a command, as a peer."""
    yield
    while True:
        run(name)
        yield


def measure_commands(rounds: int) -> dict[str, dict]:
    """Return each command's "seconds" a round, and its peak "megabytes" in a round before."""
    results = {name: {"megabytes": run(name, watched=True)[1], "seconds": []} for name in COMMANDS}
    for _ in range(rounds):
        for name, result in results.items():
            result["seconds"].append(run(name)[0])
    return results


def train(examples=60_000, side=28, classes=10, batch_size=256, epochs=1, folder=""):
    """Train on Fashion-MNIST, repeated to so many examples, or mapped from files in the folder."""
    torch.set_num_threads(1)  # as a command does
    train_iter = load_data_fashion_mnist(batch_size, None if side == 28 else side)[0]
    data = train_iter.dataset
    if folder:
        images = torch.from_file(f"{folder}/images", size=examples * 784, dtype=torch.uint8)
        data.images = images.reshape(-1, 28, 28)
        data.labels = torch.from_file(f"{folder}/labels", size=examples, dtype=torch.int64)
    else:
        times = math.ceil(examples / len(data))
        data.images = data.images.repeat(times, 1, 1)[:examples].clone()
        data.labels = data.labels.repeat(times)[:examples]
    if classes != 10:  # the labels are made up
        generator = torch.Generator().manual_seed(0)
        data.labels = torch.randint(classes, (examples,), generator=generator)
    model = SoftmaxRegression(side * side, classes)
    optimizer = SGD(model.parameters(), lr=0.01)
    yield
    while True:
        for _ in range(epochs):
            train_epoch(model, train_iter, optimizer)
        yield


def write_examples(folder: str) -> int:
    """Write files to map, Fashion-MNIST repeated as the disk allows; return how many examples."""
    data = load_data_fashion_mnist(256)[0].dataset
    times = 100 if shutil.disk_usage(folder).free > 3 * MOST_EXAMPLES * 784 else 10
    for name, tensor in {"images": data.images, "labels": data.labels}.items():
        with open(f"{folder}/{name}", "wb") as file:
            for _ in range(times):
                tensor.numpy().tofile(file)
    return times * len(data)


def measure_training(rounds: int, **settings) -> dict:
    """Return the median "seconds" of `train` and its peak "megabytes", less mapped files."""
    with start_process(Peer("train", partial(train, **settings))) as process:
        status = f"/proc/{process.submit(os.getpid).result()}/status"
        turn = process.submit(take_turn)
        peak = watch(lambda: megabytes(status, "RssAnon"), lambda: not turn.done())
        seconds = [process.submit(take_turn).result()[0] for _ in range(rounds)]
    return {"seconds": statistics.median(seconds), "megabytes": peak}


def measure_growth(rounds: int) -> Iterator[dict]:
    """Yield series: what "grows", a "name" and "points", of each what grows and what it takes."""
    few = {"examples": 6_000}
    with tempfile.TemporaryDirectory() as folder:
        most = write_examples(folder)
        sizes = [n for n in (6_000, 60_000, 600_000, MOST_EXAMPLES) if n <= most]
        for grows, name, values, rest in (
            ("examples", "memory-mapped", sizes, {"folder": folder}),
            ("examples", "in memory", sizes[:3], {}),
            ("side", "resized, 6,000 examples", [28, 56, 112, 224], few),
            ("classes", "6,000 examples", [10, 100, 1_000, 10_000], few),
            ("batch_size", "60,000 examples", [16, 64, 256, 1_024, 4_096, 16_384, 60_000], {}),
            ("epochs", "6,000 examples", [1, 10, 100], few),
        ):
            points = [{grows: n} | measure_training(rounds, **{grows: n}, **rest) for n in values]
            yield {"grows": grows, "name": name, "points": points}


def exponent(series: dict, quantity: str) -> float:
    """Return the slope of a straight line through the points, both axes logarithmic, or NaN."""
    points = [point for point in series["points"] if point[quantity]]
    if len(points) < 2:
        return math.nan
    x, y = ([math.log(point[key]) for point in points] for key in (series["grows"], quantity))
    return statistics.linear_regression(x, y).slope


def draw_growth(results: list[dict]):
    """Return a figure of pairs of axes, seconds above memory, against what grows: two rows of them.

    Both of a pair have the same x, which is written below the lower one.
    """
    names = list(dict.fromkeys(series["grows"] for series in results))
    columns = -(-len(names) // 2)
    figure, all_axes = new_figure(3 * columns, 8.4, 4, columns)
    for series, (row, quantity) in itertools.product(results, enumerate(LIMITS)):
        grows, points = series["grows"], series["points"]
        half, column = divmod(names.index(grows), columns)
        axes = all_axes[(2 * half + row) * columns + column]
        values = [point[quantity] or math.nan for point in points]
        label = f"{series['name']}\nexponent {exponent(series, quantity):.2f}"
        axes.loglog([point[grows] for point in points], values, "o-", label=label)
        ticks = sorted({x for line in axes.lines for x in line.get_xdata()})
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks], rotation=30, fontsize=8)
        axes.tick_params(labelbottom=row > 0)
        axes.set(xlabel=grows.replace("_", " ") if row else "", ylabel=quantity)
        axes.set_ylim(LIMITS[quantity])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7, loc="upper left")
    for axes in all_axes:
        if not axes.has_data():  # an odd number of things grows
            axes.remove()
    return figure
