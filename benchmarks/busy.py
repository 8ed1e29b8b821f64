"""CPU contention: the same work with no, one and two busy processes."""

from collections.abc import Iterator
from functools import partial
from statistics import median

from benchmarks import command, peers
from benchmarks.shared import THREADS, Peer, ratio, seconds_of, take_turns
from d2l_softmax.commands.console import counted
from d2l_softmax.figures.style import CYCLE, new_figure

BUSY = (0, 1, 2)
PASS = f"a pass, {peers.LOADER}"
ON_ONE_AND_ALL = (
    "scratch",
    "concise",
    "NumPy by hand",
    "JAX, `jit` and `scan`, uint8 in memory",
    peers.IN_MEMORY,
)


def measure(rounds: int) -> list[dict]:
    """Time data loading, epochs and `python -m scratch`; return their records."""
    contestants = [Peer(PASS, peers.PASSES[peers.LOADER])]
    for name in ON_ONE_AND_ALL:
        contestants += [Peer(name, peers.EPOCHS[name], threads) for threads in THREADS]
    contestants.append(Peer(peers.BOOK, peers.EPOCHS[peers.BOOK]))
    contestants.append(Peer(command.SCRATCH, partial(command.work, command.SCRATCH), 1))
    return take_turns(contestants, rounds, warm_up=1, busy=BUSY)


def table(records: list[dict]) -> Iterator[tuple]:
    """Yield a table of each peer's seconds: alone, and with busy processes as a ratio to alone."""
    heads = "alone", "1 busy process", "ratio", "2 busy processes", "ratio"
    yield "under CPU contention", "threads", *heads
    for alone in records:
        if alone["busy"]:
            continue
        cells = []
        for number in BUSY:
            seconds = seconds_of(records, alone["peer"], alone["threads"], number)
            cells.append(f"{median(seconds):.3f} s")
            if number:
                cells.append(ratio(seconds, alone["seconds"]))
        yield alone["peer"], alone["threads"], *cells


def draw(records: list[dict]):
    """Draw each peer's seconds on a log axis, with 0, 1 and 2 busy processes."""
    labels = list(dict.fromkeys(map(label_of, records)))
    figure, (axes,) = new_figure(9, 0.8 + 0.42 * len(labels))
    for record in records:
        y = labels.index(label_of(record)) + 0.22 * (record["busy"] - 1)
        seconds, color = record["seconds"], CYCLE[record["busy"]]
        axes.plot([min(seconds), max(seconds)], [y, y], color=color, linewidth=2)
        axes.plot(median(seconds), y, "o", color=color, markersize=6)
    for number, label in zip(BUSY, ("alone", "with one busy process", "with two"), strict=True):
        axes.plot([], [], "o-", color=CYCLE[number], label=label)
    axes.set(xscale="log", xlabel="seconds: median and range", ylim=(len(labels) - 0.5, -0.5))
    axes.set_xticks([0.03, 0.1, 0.3, 1, 3, 10], ["0.03", "0.1", "0.3", "1", "3", "10"])
    axes.set_yticks(range(len(labels)), labels)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside upper right", ncols=3, frameon=False)
    return figure


def label_of(record: dict) -> str:
    """Return a peer's label in the figure: its name and its threads."""
    return f"{record['peer'].replace('`', '')}, {counted(record['threads'], 'thread')}"
