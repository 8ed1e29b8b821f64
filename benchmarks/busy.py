"""What other busy processes cost: the same work beside none, one and two of them."""

from collections.abc import Iterator
from functools import partial
from statistics import median

import torch

from benchmarks import command as costs
from benchmarks import peers
from benchmarks.shared import THREADS, Peer, take_turns, without_results
from d2l_softmax.commands.console import counted
from d2l_softmax.data.batches import ArrayDataset, ArrayLoader
from d2l_softmax.figures.drawing import new_figure
from scratch import SGD, SoftmaxRegression, train_epoch

BUSY = (0, 1, 2)
PASS = f"a pass, {peers.LOADER}"
ON_ONE_AND_ALL = (
    "scratch",
    "concise",
    "NumPy by hand",
    "JAX, `jit` and `scan`, uint8 in memory",
    peers.IN_MEMORY,
)
ON_ALL = (peers.BOOK,)


def wide(side: int = 224) -> Iterator[None]:
    """Train scratch on 6,000 images of noise, 64 times as wide as those of Fashion-MNIST."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (6_000, side, side), generator=generator, dtype=torch.uint8)
    labels = torch.randint(10, (6_000,), generator=generator)
    train_iter = ArrayLoader(ArrayDataset(images, labels, "0123456789"), 256, shuffle=True)
    model = SoftmaxRegression(side * side)
    optimizer = SGD(model.parameters(), lr=0.001)
    yield
    while True:
        train_epoch(model, train_iter, optimizer)
        yield


def training(*arguments: str) -> partial:
    """Return the work of training scratch with the arguments."""
    return partial(peers.twin, "scratch", peers.ENDLESS, *arguments)


SETTINGS = {
    "batches of 256, float32": training(),
    "batches of 1,024": training("--batch-size=1024"),
    "batches of 4,096": training("--batch-size=4096"),
    "all 60,000 at once": training("--batch-size=60000"),
    "batches of 256, float64": training("--dtype=float64"),
    "all 60,000 at once, float64": training("--batch-size=60000", "--dtype=float64"),
    "6,000 images of 224 by 224 pixels": wide,
}


def measure_threads(rounds: int) -> list[dict]:
    """Return the records of scratch's epochs on one and on all cores, beside none and one busy."""
    contestants = [Peer(name, work, n) for name, work in SETTINGS.items() for n in THREADS]
    return without_results(take_turns(contestants, rounds, warm_up=1, busy=BUSY[:2]))


def measure_busy(rounds: int) -> list[dict]:
    """Return the records of a loader pass, of epochs and of `python -m scratch`, in turns."""
    contestants = [Peer(PASS, peers.PASSES[peers.LOADER])]
    for name in ON_ONE_AND_ALL:
        contestants += [Peer(name, peers.EPOCHS[name], threads) for threads in THREADS]
    contestants += [Peer(name, peers.EPOCHS[name]) for name in ON_ALL]
    contestants.append(Peer(costs.SCRATCH, partial(costs.command, costs.SCRATCH), 1))
    return without_results(take_turns(contestants, rounds, warm_up=1, busy=BUSY))


def draw_busy(records: list[dict]):
    """Return a figure: seconds (logarithmic) of each peer, beside 0, 1 and 2 busy processes."""
    labels = list(dict.fromkeys(label_of(record) for record in records))
    figure, (axes,) = new_figure(9, 0.8 + 0.42 * len(labels))
    for record in records:
        y = labels.index(label_of(record)) + 0.22 * (record["busy"] - 1)
        seconds, color = record["seconds"], f"C{record['busy']}"
        axes.plot([min(seconds), max(seconds)], [y, y], color=color, linewidth=2)
        axes.plot(median(seconds), y, "o", color=color, markersize=6)
    for number in BUSY:
        label = ("alone", "beside one busy process", "beside two")[number]
        axes.plot([], [], "o-", color=f"C{number}", label=label)
    axes.set(xscale="log", xlabel="seconds: median, least and most", ylim=(len(labels) - 0.5, -0.5))
    axes.set_xticks([0.03, 0.1, 0.3, 1, 3, 10], ["0.03", "0.1", "0.3", "1", "3", "10"])
    axes.set_yticks(range(len(labels)), labels)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside upper right", ncols=3, frameon=False)
    return figure


def label_of(record: dict) -> str:
    """Return a peer's label in table and figure: its name and its threads."""
    return f"{record['peer'].replace('`', '')}, {counted(record['threads'], 'thread')}"
