"""How seconds and memory of an epoch of training (scratch) grow with each thing that can grow.

Every point is measured in a process of its own. Memory is what the process holds itself (Linux:
RssAnon) at its most while it trains; pages of a memory-mapped file are the system's cache.
"""

import functools
import math
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from benchmarks import memory
from benchmarks.rounds import Peer
from d2l_softmax.data.batches import InMemoryImages, InMemoryLoader
from d2l_softmax.data.parsed import read_fashion_mnist
from d2l_softmax.data.sources import ensure_fashion_mnist
from scratch import SGD, SoftmaxRegression, train_epoch

PIXELS = 784
MOST_EXAMPLES = 6_000_000


def epoch(
    examples: int = 60_000,
    mapped: str = "",
    side: int = 28,
    classes: int = 10,
    batch_size: int = 256,
    threads: int | None = None,
    epochs: int = 1,
) -> Callable[[], None]:
    """Make ready to train for epochs on Fashion-MNIST, repeated to so many examples.

    `mapped` is a folder with files of at least as many images and labels, to map instead. Labels
    are made up if there are other than 10 classes.
    """
    if threads:
        torch.set_num_threads(threads)
    (images, labels), _ = read_fashion_mnist(ensure_fashion_mnist())
    times = math.ceil(examples / len(labels))
    if mapped:
        images = torch.from_file(f"{mapped}/images", size=examples * PIXELS, dtype=torch.uint8)
        images = images.reshape(-1, 28, 28)
        labels = torch.from_file(f"{mapped}/labels", size=examples, dtype=torch.int64)
    else:
        images = images.repeat(times, 1, 1)[:examples].clone()
        labels = labels.repeat(times)[:examples]
    if classes != 10:
        labels = torch.randint(classes, (examples,), generator=torch.Generator().manual_seed(0))
    resize = None if side == 28 else side
    dataset = InMemoryImages(images, labels, range(classes), resize=resize)
    train_iter = InMemoryLoader(dataset, batch_size, shuffle=True)
    model = SoftmaxRegression(side * side, classes)
    optimizer = SGD(model.parameters(), lr=0.01)

    def work():
        for _ in range(epochs):
            train_epoch(model, train_iter, optimizer)

    return work


def measure(repeats: int, **settings) -> dict:
    """Return seconds (median, least, most) of a point and its peak memory in megabytes."""
    with Peer(functools.partial(epoch, **settings)) as peer:
        peak = 0.0

        def watch():
            nonlocal peak
            peak = max(peak, memory.anonymous(peer.process.pid) or 0.0)

        peer.turn(meanwhile=watch)
        seconds = [peer.turn()[0] for _ in range(repeats)]
    return {
        "seconds": statistics.median(seconds),
        "least": min(seconds),
        "most": max(seconds),
        "megabytes": peak or None,
    }


def series(repeats: int) -> Iterator[tuple[str, str, list[dict]]]:
    """Measure; yield what grows, the name of the series, and its points."""
    with mapped_files() as (folder, largest):
        sizes = [n for n in (6_000, 60_000, 600_000, MOST_EXAMPLES) if n <= largest]
        plans = [
            ("examples", "memory-mapped", sizes, {"mapped": folder}),
            ("examples", "in memory", sizes[:3], {}),
            ("side", "resized, 6,000 examples", [28, 56, 112, 224], {"examples": 6_000}),
            ("classes", "6,000 examples", [10, 100, 1_000, 10_000], {"examples": 6_000}),
            ("batch_size", "60,000 examples", [16, 64, 256, 1_024, 4_096, 16_384, 60_000], {}),
            ("threads", "60,000 examples", list(range(1, torch.get_num_threads() + 1)), {}),
            ("epochs", "6,000 examples", [1, 10, 100], {"examples": 6_000}),
        ]
        for grows, name, values, fixed in plans:
            points = [
                {grows: value, **measure(repeats, **{grows: value}, **fixed)} for value in values
            ]
            yield grows, name, points


@contextmanager
def mapped_files() -> Iterator[tuple[str, int]]:
    """Yield a folder with Fashion-MNIST in files, repeated as the disk allows, and how many."""
    (images, labels), _ = read_fashion_mnist(ensure_fashion_mnist())
    with tempfile.TemporaryDirectory() as folder:
        room = shutil.disk_usage(folder).free
        times = 100 if room > 3 * MOST_EXAMPLES * PIXELS else 10
        for name, tensor in {"images": images, "labels": labels}.items():
            with open(Path(folder, name), "wb") as file:
                for _ in range(times):
                    tensor.numpy().tofile(file)
        yield folder, times * len(labels)


def exponent(points: list[dict], grows: str, measured: str) -> float | None:
    """Return the slope of a straight line through the points, both axes logarithmic."""
    known = [(p[grows], p[measured]) for p in points if p[measured]]
    if len(known) < 2:
        return None
    x, y = ([math.log(value) for value in column] for column in zip(*known, strict=True))
    return statistics.linear_regression(x, y).slope


def run(repeats: int) -> list[dict]:
    """Return all series with their exponents, as results.json keeps them."""
    results = []
    for grows, name, points in series(repeats):
        results.append(
            {
                "grows": grows,
                "name": name,
                "points": points,
                "exponent_seconds": exponent(points, grows, "seconds"),
                "exponent_megabytes": exponent(points, grows, "megabytes"),
            }
        )
    return results
