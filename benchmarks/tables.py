"""Tables of results: each function takes what a measure returned and yields a head and rows."""

import math
from collections.abc import Iterable, Iterator
from statistics import median
from typing import NamedTuple

from benchmarks import accuracy, busy, peers, startup
from benchmarks import command as costs
from benchmarks.shared import CORES, THREADS
from d2l_softmax.commands.console import counted

Seconds = dict[str, list[float]]  # by the name of the peer, one a round


class Ratio(NamedTuple):
    """A ratio of medians, and the least and the most of the rounds' own ratios."""

    value: float
    least: float
    most: float

    @classmethod
    def of(cls, one: list[float], other: list[float]) -> "Ratio":
        """Return how many times as much one takes as the other."""
        rounds = [a / b for a, b in zip(one, other, strict=True)]
        return cls(median(one) / median(other), min(rounds), max(rounds))

    @classmethod
    def to_one(cls, values: list[float]) -> "Ratio":
        """Return the values' median, least and most."""
        return cls(median(values), min(values), max(values))

    def __str__(self) -> str:
        """Return a cell: the ratio, and the least to the most."""
        digits = 2 if self.value < 10 else 0
        least, most = f"{self.least:.{digits}f}", f"{self.most:.{digits}f}"
        return f"{self.value:.{digits}f}" + ("" if least == most else f" ({least} to {most})")


def markdown(table: Iterable[tuple]) -> str:
    """Return a table in Markdown, its first column to the left and all others to the right."""
    from pandas import DataFrame  # here, so that whatever needs no Markdown works without it

    head, *rows = table
    if not rows:
        return "No GPU was at hand: nothing here was ever measured on one."
    sides = ("left", *["right"] * (len(head) - 1))
    frame = DataFrame(rows, columns=head)
    return frame.to_markdown(index=False, colalign=sides, disable_numparse=True)


def spread(values: list[float], digits: int, unit: str = "") -> tuple[str, str]:
    """Return two cells: the median, and the least to the most."""
    middle, least, most = median(values), min(values), max(values)
    return f"{middle:.{digits}f}{unit}", f"{least:.{digits}f} to {most:.{digits}f}{unit}"


def in_one_cell(values: list[float], digits: int = 4) -> str:
    """Return a cell: the median, and the least to the most."""
    middle, extremes = spread(values, digits)
    return f"{middle} ({extremes})"


def seconds_of(records: list[dict], name: str, threads: int | None = None, beside: int = 0) -> list:
    """Return a peer's seconds beside so many busy processes, by default on its best threads.

    Where no peer has the name, those of the fastest with the name in theirs.
    """
    found = [
        each
        for each in records
        if name in each["peer"] and each["busy"] == beside and threads in (None, each["threads"])
    ]
    exactly = [each for each in found if each["peer"] == name]
    return min((each["seconds"] for each in exactly or found), key=median)


def compare(title: str, than: str, records: list[dict]) -> Iterator[tuple]:
    """Yield the seconds of each peer, if any, and how many times faster it is than one of them."""
    yield title, "median", "min to max", f"times faster than {than}"
    for each in records:
        ratio = Ratio.of(seconds_of(records, than), each["seconds"])
        yield each["peer"], *spread(each["seconds"], 3, " s"), f"{ratio.value:.1f}"


def compare_epochs(records: list[dict]) -> Iterator[tuple]:
    """Yield each peer's epoch on one thread and on all cores."""
    columns = (
        f"{counted(n, 'thread')}, {what}" for n in THREADS for what in ("median", "min to max")
    )
    yield "an epoch, training and evaluation", *columns, f"times faster than {peers.BOOK}"
    book = seconds_of(records, peers.BOOK)
    for name in dict.fromkeys(record["peer"] for record in records):
        cells = [spread(seconds_of(records, name, n), 3, " s") for n in THREADS]
        ratio = Ratio.of(book, seconds_of(records, name))
        yield name, *(cell for pair in cells for cell in pair), f"{ratio.value:.1f}"


def compare_busy(records: list[dict]) -> Iterator[tuple]:
    """Yield the seconds of each peer alone, and how many times as long it takes beside others."""
    yield "beside busy processes", "threads", "none", "one", "times", "two", "times"
    for alone in records:
        if alone["busy"]:
            continue
        cells = []
        for number in busy.BUSY:
            seconds = seconds_of(records, alone["peer"], alone["threads"], number)
            cells.append(f"{median(seconds):.3f} s")
            if number:
                cells.append(str(Ratio.of(seconds, alone["seconds"])))
        yield alone["peer"], alone["threads"], *cells


def compare_threads(records: list[dict]) -> Iterator[tuple]:
    """Yield how long scratch takes on all cores and on one, and the ratio, quiet and not."""
    heads = [*(counted(n, "thread") for n in THREADS), "times"]
    yield "scratch, an epoch of", *heads, *(f"beside a busy one: {head}" for head in heads)
    for name in dict.fromkeys(record["peer"] for record in records):
        cells = []
        for beside in busy.BUSY[:2]:
            seconds = [seconds_of(records, name, n, beside) for n in THREADS]
            cells += [f"{median(each):.3f} s" for each in seconds]
            cells.append(str(Ratio.of(seconds[-1], seconds[0])))
        yield name, *cells


def compare_commands(results: dict[str, dict]) -> Iterator[tuple]:
    """Yield the seconds of whole commands, and the memory that they take."""
    title, faster = "ten epochs with figures, imports included", f"times faster than {peers.BOOK}"
    yield title, "median", "min to max", faster, "peak memory"
    book = results[peers.BOOK]["seconds"]
    for name, each in results.items():
        ratio, peak = Ratio.of(book, each["seconds"]), each["megabytes"] or math.nan
        yield name, *spread(each["seconds"], 1, " s"), f"{ratio.value:.1f}", f"{peak:,.0f} MB"


def compare_startup(stages: Seconds) -> Iterator[tuple]:
    """Yield the seconds of each stage of `python -m scratch`."""
    yield "`python -m scratch`", "median", "min to max"
    for name, seconds in stages.items():
        yield name, *spread(seconds, 2, " s")
    yield "beside `import torch` and the epochs", *spread(startup.beside(stages), 2, " s")


def compare_stages(records: list[dict]) -> Iterator[tuple]:
    """Yield what each stage of a step adds to an epoch of training."""
    yield "an epoch of training up to", "scratch", "this adds", "concise", "this adds"
    before = dict.fromkeys(peers.TWINS, 0.0)
    for stage in peers.STAGES:
        cells = []
        for twin in peers.TWINS:
            until = median(seconds_of(records, f"{twin}, {stage}"))
            cells += [f"{1000 * until:.0f} ms", f"{1000 * (until - before[twin]):+.0f} ms"]
            before[twin] = until
        yield stage, *cells


def compare_learners(records: list[dict]) -> Iterator[tuple]:
    """Yield the seconds that each learner takes to its end, and how accurate it is then."""
    runs = len(records[0]["results"])
    reach = f"runs that end at {accuracy.TARGET} or above"
    yield f"to the end of training, {runs} runs", "median", "min to max", "test accuracy", reach
    for each in records:
        seconds, accuracies = zip(*each["results"], strict=True)
        good = sum(round(value, 4) >= accuracy.TARGET for value in accuracies)
        yield each["peer"], *spread(seconds, 2, " s"), in_one_cell(accuracies), f"{good} of {runs}"


def compare_iterations(results: dict[str, float]) -> Iterator[tuple]:
    """Yield the test accuracies of lbfgs by its iterations, in one row."""
    yield "iterations of lbfgs", *results
    yield "test accuracy", *(f"{each:.4f}" for each in results.values())


def compare_recipes(results: list[dict]) -> Iterator[tuple]:
    """Yield the recipes' losses and accuracies."""
    title = f"last epoch, {len(results[0]['test_acc'])} seeds"
    yield title, "train loss", "train accuracy", "test accuracy"
    for each in results:
        columns = (each[name] for name in ("train_loss", "train_acc", "test_acc"))
        yield f"{each['twin']}, `--recipe {each['recipe']}`", *map(in_one_cell, columns)


def compare_settings(results: list[dict]) -> Iterator[tuple]:
    """Yield the settings that were tried, the best first."""
    names, seeds = accuracy.SETTINGS, len(results[0]["valid_acc"])
    title = f"accuracy on {accuracy.HELD_OUT:,} held-out training images, {seeds} seeds"
    yield *(name.replace("_", " ") for name in names), title, "training"
    for each in accuracy.best_first(results):
        seconds = f"{each['seconds']:.1f} s"
        yield *(each[name] for name in names), in_one_cell(each["valid_acc"]), seconds


def compare_growth(results: list[dict]) -> Iterator[tuple]:
    """Yield the two ends of each series, and its exponents."""
    yield "what grows", "from, to", "time", "exponent", "peak memory", "exponent"
    for series in results:
        grows, ends = series["grows"], (series["points"][0], series["points"][-1])
        values, seconds, megabytes = (
            " to ".join(format(point[quantity] or math.nan, form) for point in ends)
            for quantity, form in ((grows, ","), ("seconds", ".3g"), ("megabytes", ",.0f"))
        )
        slopes = [f"{costs.exponent(series, quantity):.2f}" for quantity in costs.LIMITS]
        name = f"{grows.replace('_', ' ')}, {series['name']}"
        yield name, values, f"{seconds} s", slopes[0], f"{megabytes} MB", slopes[1]


def compare_with_goals(results: dict) -> Iterator[tuple]:
    """Yield what was wanted of all results, what was measured, and whether that is enough.

    A tie is a goal that lies within the spread of the rounds: another run may end the other way.
    """
    yield "measure (ratios of times, unless said)", "goal", "measured", "met"
    for what, sign, goal, measured in goals(results):
        met = measured.value <= goal if sign == "≤" else measured.value >= goal
        tie = measured.least < goal < measured.most
        yield what, f"{sign} {goal:g}", str(measured), "tie" if tie else "yes" if met else "**no**"


def goals(results: dict) -> Iterator[tuple[str, str, float, Ratio]]:
    """Yield what was measured, whether it may be at most or at least the goal, the goal, and it."""
    yield from goals_of_speed(results["loading"], results["epoch"])
    yield from goals_beside_others(results["busy"])
    yield from goals_of_learning(results["target"])
    yield from goals_of_commands(results["command"], results["startup"])


def goals_of_speed(passes: list[dict], epochs: list[dict]) -> Iterator[tuple]:
    """Yield the goals of a pass and of an epoch, the twins on one thread as in their commands."""
    ratio = Ratio.of(seconds_of(passes, peers.BOOK_LOADER), seconds_of(passes, peers.LOADER))
    yield f"a pass over the data, {peers.BOOK_LOADER}, to ours", "≥", 100, ratio
    for twin, other, named, goal in (
        ("scratch", "NumPy", "NumPy by hand", 1),
        ("scratch", "JAX", "the faster JAX", 1),
        ("scratch", "floor", "the floor", 1.4),
        ("concise", peers.TORCH, "the fastest torch in memory", 1),
        ("concise", "JAX", "the faster JAX", 1.4),
        ("scratch", "scratch", "its best number of threads", 1.3),
        ("concise", "concise", "its best number of threads", 1.3),
    ):
        ratio = Ratio.of(seconds_of(epochs, twin, threads=1), seconds_of(epochs, other))
        yield f"an epoch, {twin}, to {named}", "≤", goal, ratio
    for twin in peers.TWINS:
        ratio = Ratio.of(seconds_of(epochs, peers.BOOK), seconds_of(epochs, twin, threads=1))
        yield f"an epoch, {peers.BOOK}, to {twin}", "≥", 30, ratio


def goals_beside_others(records: list[dict]) -> Iterator[tuple]:
    """Yield the goals of what takes how many times as long beside busy processes."""
    for name, threads in (
        (busy.PASS, CORES),
        ("scratch", 1),
        ("concise", 1),
        (costs.SCRATCH, 1),
    ):
        alone = seconds_of(records, name, threads)
        for number in busy.BUSY[1:]:
            ratio = Ratio.of(seconds_of(records, name, threads, number), alone)
            what = f"an epoch, {name}" if name in peers.TWINS else name
            yield f"{what}, beside {number} busy to alone", "≤", 2, ratio


def goals_of_learning(records: list[dict]) -> Iterator[tuple]:
    """Yield the goals of the time to the target accuracy."""
    seconds = {each["peer"]: [run[0] for run in each["results"]] for each in records}
    for twin in peers.TWINS:
        for other, goal in ((accuracy.LBFGS, 10), (accuracy.SAGA, 1)):
            ratio = Ratio.of(seconds[other], seconds[f"{twin}, `--recipe best`"])
            yield f"to the end of training, {other}, to {twin}", "≥", goal, ratio


def goals_of_commands(commands: dict[str, dict], stages: Seconds) -> Iterator[tuple]:
    """Yield the goals of whole commands: seconds and memory."""
    ours, book = (commands[name] for name in (costs.SCRATCH, peers.BOOK))
    yield f"{costs.SCRATCH}, seconds", "≤", 8, Ratio.to_one(ours["seconds"])
    yield f"the whole, {peers.BOOK}, to ours", "≥", 9, Ratio.of(book["seconds"], ours["seconds"])
    peaks = ([each["megabytes"] or math.nan] for each in (ours, book))
    yield "its peak memory, to the book's", "≤", 1, Ratio.of(*peaks)
    beside = Ratio.to_one(startup.beside(stages))
    yield "its seconds beside `import torch` and the epochs", "≤", startup.GOAL, beside
