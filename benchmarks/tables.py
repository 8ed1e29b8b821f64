"""Tables of results: each function takes what a measure returned and yields a head and rows."""

import math
import operator
from collections.abc import Iterable, Iterator
from statistics import mean, median, stdev

from benchmarks import accuracy, costs, peers

BOOK = "the book's way, 4 workers"
BOOK_LOADER = "the book's loader, 4 workers"
LOADER = "`load_data_fashion_mnist`"
SCRATCH = "`python -m scratch`"
Seconds = dict[str, list[float]]  # by the name of the peer, one a round


def markdown(table: Iterable[tuple]) -> str:
    """Return a table in Markdown, its first column to the left and all others to the right."""
    from pandas import DataFrame  # here, so that whatever needs no Markdown works without it

    head, *rows = table
    if not rows:
        return "No GPU was at hand in this run: nothing here was measured on one."
    sides = ("left", *["right"] * (len(head) - 1))
    frame = DataFrame(rows, columns=head)
    return frame.to_markdown(index=False, colalign=sides, disable_numparse=True)


def speedup(seconds: Seconds, name: str, than: str) -> float:
    """Return how many times faster a peer is than the fastest with `than` in its name.

    That is the median of the rounds' ratios.
    """
    others = [each for other, each in seconds.items() if than in other]
    return min(median(map(operator.truediv, each, seconds[name])) for each in others)


def spread(seconds: list[float], digits: int = 3) -> tuple[str, str]:
    """Return two cells: the median, and the least to the most."""
    middle, least, most = median(seconds), min(seconds), max(seconds)
    return f"{middle:.{digits}f} s", f"{least:.{digits}f} to {most:.{digits}f} s"


def mean_and_deviation(values: list[float]) -> str:
    """Return a cell: mean ± standard deviation."""
    return f"{mean(values):.4f} ± {stdev(values):.4f}"


def compare(title: str, than: str, seconds: Seconds | None) -> Iterator[tuple]:
    """Yield the seconds of each peer, if any, and how many times faster it is than one of them."""
    yield title, "median", "min to max", f"times faster than {than}"
    for name, each in (seconds or {}).items():
        yield name, *spread(each), f"{speedup(seconds, name, than):.1f}"


def compare_commands(results: dict[str, dict]) -> Iterator[tuple]:
    """Yield the same of whole commands, and the memory that they take."""
    title, faster = "ten epochs with figures, imports included", f"times faster than {BOOK}"
    yield title, "median", "min to max", faster, "peak memory"
    seconds = {name: each["seconds"] for name, each in results.items()}
    for name, each in results.items():
        ratio, peak = speedup(seconds, name, BOOK), each["megabytes"] or math.nan
        yield name, *spread(each["seconds"], 1), f"{ratio:.1f}", f"{peak:,.0f} MB"


def compare_stages(seconds: Seconds) -> Iterator[tuple]:
    """Yield what each stage of a step adds to an epoch of training."""
    yield "an epoch of training up to", "scratch", "this adds", "concise", "this adds"
    for stage, before in zip(peers.STAGES, ("", *peers.STAGES), strict=False):
        cells = []
        for twin in peers.TWINS:
            until = seconds[f"{twin}, {stage}"]
            added = map(operator.sub, until, seconds.get(f"{twin}, {before}", [0.0] * len(until)))
            cells += [f"{1000 * median(until):.0f} ms", f"{1000 * median(added):+.0f} ms"]
        yield stage, *cells


def compare_times_to_target(results: dict[str, list]) -> Iterator[tuple]:
    """Yield the seconds to the target accuracy."""
    title = f"to test accuracy {accuracy.TARGET}"
    yield title, "median", "min to max", "runs that get there", "the first run"
    for name, runs in results.items():
        seconds = [each for each, _ in runs if each is not None]
        cells = spread(seconds, 2) if len(seconds) > len(runs) / 2 else ("not reached", "-")
        yield name, *cells, f"{len(seconds)} of {len(runs)}", runs[0][1]


def compare_recipes(results: list[dict]) -> Iterator[tuple]:
    """Yield the recipes' losses and accuracies."""
    title = f"last epoch, {len(results[0]['test_acc'])} seeds"
    yield title, "train loss", "train accuracy", "test accuracy"
    for each in results:
        columns = (each[name] for name in ("train_loss", "train_acc", "test_acc"))
        yield f"{each['twin']}, `--recipe {each['recipe']}`", *map(mean_and_deviation, columns)


def compare_settings(results: list[dict]) -> Iterator[tuple]:
    """Yield the settings that were tried, the best first."""
    names, seeds = accuracy.SETTINGS, len(results[0]["valid_acc"])
    title = f"accuracy on {accuracy.HELD_OUT:,} held-out training images, {seeds} seeds"
    yield *(name.replace("_", " ") for name in names), title, "training"
    for each in accuracy.best_first(results):
        seconds = f"{each['seconds']:.1f} s"
        yield *(each[name] for name in names), mean_and_deviation(each["valid_acc"]), seconds


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
    """Yield what was wanted of all results, what was measured, and whether that is enough."""
    epochs, commands = results["epoch"], results["command"]
    whole = {name: each["seconds"] for name, each in commands.items()}
    peaks = {name: each["megabytes"] or math.nan for name, each in commands.items()}
    targets = {n: [s or math.inf for s, _ in runs] for n, runs in results["target"].items()}
    passes = speedup(results["loading"], LOADER, BOOK_LOADER)
    scratch, concise = (speedup(targets, f"{n}, `--recipe best`", "lbfgs") for n in peers.TWINS)
    yield "measure (ratios of times, unless said)", "goal", "measured", "met"
    for what, sign, goal, value in (
        (f"pass over the training data, against {BOOK_LOADER}", "≥", 100, passes),
        ("epoch, scratch, against the faster JAX", "≤", 1, 1 / speedup(epochs, "scratch", "JAX")),
        ("epoch, scratch, against NumPy by hand", "≤", 1, 1 / speedup(epochs, "scratch", "NumPy")),
        ("epoch, concise, against the faster JAX", "≤", 1.4, 1 / speedup(epochs, "concise", "JAX")),
        ("epoch, scratch, against the book's", "≥", 30, speedup(epochs, "scratch", BOOK)),
        ("epoch, concise, against the book's", "≥", 30, speedup(epochs, "concise", BOOK)),
        ("epoch, scratch, against the floor", "≤", 1.4, 1 / speedup(epochs, "scratch", "floor")),
        (f"time to {accuracy.TARGET}, scratch, `--recipe best`, against lbfgs", "≥", 10, scratch),
        (f"time to {accuracy.TARGET}, concise, `--recipe best`, against lbfgs", "≥", 10, concise),
        (f"{SCRATCH}, seconds", "≤", 8, median(whole[SCRATCH])),
        ("the same, against the book's way", "≥", 9, speedup(whole, SCRATCH, BOOK)),
        ("its peak memory, against the book's way", "≤", 1, peaks[SCRATCH] / peaks[BOOK]),
    ):
        measured = f"{value:.2f}" if value < 10 else f"{value:.0f}"
        met = value <= goal if sign == "≤" else value >= goal
        yield what, f"{sign} {goal:g}", measured, "yes" if met else "**no**"
