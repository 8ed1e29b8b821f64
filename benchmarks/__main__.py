"""The command `python -m benchmarks`: measures and prints the tables of README.md as Markdown."""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable

import torch
import torchvision

import concise.softmax_regression
import scratch.softmax_regression
from benchmarks import book
from d2l_softmax import load_data_fashion_mnist
from d2l_softmax.cli import complete, training_parser, whole
from d2l_softmax.run import Run

TWINS = {"scratch": scratch.softmax_regression, "concise": concise.softmax_regression}


def main() -> None:
    """Measure what the arguments name, all by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    measures = {"loading": loading, "epoch": epoch, "seeds": seeds}
    parser.add_argument("measures", nargs="*", help=f"of {', '.join(measures)} (default: all)")
    parser.add_argument(
        "--repeats", type=whole(2), default=5, help="measurements of each (default: 5)"
    )
    options = parser.parse_args()
    if unknown := set(options.measures) - set(measures):
        parser.error(
            f"no measure named {', '.join(sorted(unknown))}; there are {', '.join(measures)}"
        )
    print(f"{machine()}\n")
    for name in options.measures or measures:
        measures[name](options.repeats)


def machine() -> str:
    """Return one line on the machine and the versions."""
    processor = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as lines:
            names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
        processor = names[0] if names else processor
    return (
        f"{platform.system()}, {processor}, {os.cpu_count()} cores, "
        f"{torch.get_num_threads()} threads; Python {platform.python_version()}, "
        f"torch {torch.__version__}, torchvision {torchvision.__version__}"
    )


def alternate(peers: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Time each peer in turn, again and again, so that a drifting machine hits all alike.

    Returns seconds by name; a first round warms up and does not count.
    """
    seconds = {name: [] for name in peers}
    for _ in range(repeats + 1):
        for name, work in peers.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return {name: measured[1:] for name, measured in seconds.items()}


def print_seconds(title: str, seconds: dict[str, list[float]], against: str) -> None:
    """Print a table of medians, spread and the ratio to one peer, round by round."""
    print(f"| {title} | median | min to max | times faster than {against} |\n|---|--:|--:|--:|")
    for name, measured in seconds.items():
        ratio = statistics.median(t / s for t, s in zip(seconds[against], measured, strict=True))
        print(
            f"| {name} | {statistics.median(measured):.3f} s | "
            f"{min(measured):.3f} to {max(measured):.3f} s | {ratio:.1f} |"
        )
    print()


def loading(repeats: int) -> None:
    """Time one pass over the training data in batches of 256."""
    peers = {"load_data_fashion_mnist": load_data_fashion_mnist(256)[0]}
    for workers in (4, 0):
        peers[f"the book's loader, {workers} workers"] = book.load(256, workers)[0]

    def one_pass(batches):
        return lambda: [None for _ in batches]

    seconds = alternate({name: one_pass(batches) for name, batches in peers.items()}, repeats)
    print_seconds("one pass over the training data", seconds, "the book's loader, 4 workers")


def epoch(repeats: int) -> None:
    """Time one epoch, training and evaluation, at batch size 256."""

    def endless(name):
        records = training(name, seed=0, epochs=repeats + 1)
        return lambda: next(records)

    peers = {name: endless(name) for name in TWINS}
    peers["the book's way, 4 workers"] = book.Trainer(4).epoch
    peers["the book's way, 0 workers"] = book.Trainer(0).epoch
    seconds = alternate(peers, repeats)
    print_seconds("one epoch, training and evaluation", seconds, "the book's way, 4 workers")


def seeds(repeats: int) -> None:
    """Train both twins with the defaults from several seeds; print mean ± standard deviation."""
    print(f"| after 10 epochs, {repeats} seeds | train loss | train accuracy | test accuracy |")
    print("|---|--:|--:|--:|")
    for name in TWINS:
        last = [list(training(name, seed, epochs=10))[-1] for seed in range(repeats)]
        columns = (
            [record.train_loss for record in last],
            [record.train_acc for record in last],
            [record.test_acc for record in last],
        )
        cells = [f"{statistics.mean(c):.4f} ± {statistics.stdev(c):.4f}" for c in columns]
        print(f"| {name} | {' | '.join(cells)} |")
    print()


def training(name: str, seed: int, epochs: int):
    """Return the records of a run of the twin with the command's defaults, epoch by epoch."""
    parser = training_parser(name)
    options = parser.parse_args([f"--seed={seed}", f"--epochs={epochs}", "--device=cpu"])
    complete(parser, options)
    return Run(TWINS[name], options).records()


if __name__ == "__main__":
    main()
