"""The results of a run as Markdown tables and as a figure."""

import math
import statistics
from collections.abc import Callable, Iterable

from benchmarks import accuracy, profile, to_target
from d2l_softmax.figures.drawing import new_figure

BOOK = "the book's way, 4 workers"
NUMPY = "NumPy by hand"
FLOOR = "floor: look up, two products"
LIMITS = {"seconds": (0.005, 100), "megabytes": (100, 10_000)}  # of the figure's axes


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table, its first column to the left and all others to the right."""
    head = list(head)
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def times_faster(seconds: dict[str, list[float]], name: str, than: str) -> float:
    """Return how many times faster one is than the other: the median of the rounds' ratios."""
    pairs = zip(seconds[than], seconds[name], strict=True)
    return statistics.median(theirs / ours for theirs, ours in pairs)


def spread(values: list[float], digits: int = 3) -> list[str]:
    """Return the median, and least to most, of seconds."""
    return [
        f"{statistics.median(values):.{digits}f} s",
        f"{min(values):.{digits}f} to {max(values):.{digits}f} s",
    ]


def seconds_table(title: str, seconds: dict[str, list[float]], than: str) -> str:
    """Return a table of medians, spread and how many times faster than one of them."""
    rows = ([n, *spread(s), f"{times_faster(seconds, n, than):.1f}"] for n, s in seconds.items())
    return table([title, "median", "min to max", f"times faster than {than}"], rows)


def machine(results: dict) -> str:
    """Return a paragraph on machine and versions."""
    of = results["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in of["versions"].items())
    return (
        f"{of['date']}: {of['system']}, {of['processor']}, {of['cores']} cores, "
        f"{of['threads']} threads, {of['gpu'] or 'no GPU'}; {versions}. "
        f"{results['repeats']} rounds after the warm-up."
    )


def loading(results: dict) -> str:
    """Return the table of a pass."""
    title = "one pass over the training data"
    return seconds_table(title, results["loading"], "the book's loader, 4 workers")


def epoch(results: dict) -> str:
    """Return the table of an epoch."""
    return seconds_table("one epoch, training and evaluation", results["epoch"], BOOK)


def stages(results: dict) -> str:
    """Return the table of what each stage of a step adds to an epoch of training."""
    rows = []
    for stage in profile.STAGES:
        rows.append([stage])
        for name in ("scratch", "concise"):
            number = profile.STAGES.index(stage)
            ends = [results["profile"][f"{name}, {each}"] for each in profile.STAGES[: number + 1]]
            without = ends[-2] if number else [0.0] * len(ends[-1])
            added = statistics.median(b - a for a, b in zip(without, ends[-1], strict=True))
            rows[-1] += [f"{1000 * statistics.median(ends[-1]):.0f} ms", f"{1000 * added:+.0f} ms"]
    head = ("an epoch of training up to", "scratch", "this adds", "concise", "this adds")
    return table(head, rows)


def target(results: dict) -> str:
    """Return the table of the time to the target."""
    rows = []
    for name, runs in results["target"].items():
        seconds, what = zip(*runs, strict=True)
        reached = [s for s in seconds if s is not None]
        cells = spread(reached, 2) if len(reached) > len(runs) / 2 else ["not reached", "-"]
        rows.append([name, *cells, f"{len(reached)} of {len(runs)}", what[0]])
    title = f"to test accuracy {to_target.TARGET}"
    return table([title, "median", "min to max", "runs that get there", "the first run"], rows)


def command(results: dict) -> str:
    """Return the table of whole commands."""
    seconds = {name: values["seconds"] for name, values in results["command"].items()}
    rows = []
    for name, values in results["command"].items():
        peak = f"{values['megabytes']:,.0f} MB" if values["megabytes"] else "-"
        rows.append(
            [name, *spread(values["seconds"], 1), f"{times_faster(seconds, name, BOOK):.1f}", peak]
        )
    title = "ten epochs with figures, imports included"
    return table([title, "median", "min to max", f"times faster than {BOOK}", "peak memory"], rows)


def recipes(results: dict) -> str:
    """Return the table of accuracies, mean and standard deviation over the seeds."""
    rows = []
    for each in results["accuracy"]:
        columns = (each["train_loss"], each["train_acc"], each["test_acc"])
        name = f"{each['twin']}, `--recipe {each['recipe']}`"
        rows.append([name, *(mean_and_deviation(column) for column in columns)])
    seeds = len(results["accuracy"][0]["test_acc"])
    return table(
        [f"last epoch, {seeds} seeds", "train loss", "train accuracy", "test accuracy"], rows
    )


def mean_and_deviation(values: list[float]) -> str:
    """Return mean ± standard deviation."""
    return f"{statistics.mean(values):.4f} ± {statistics.stdev(values):.4f}"


def search(results: dict) -> str:
    """Return the table of the settings that were tried, the best first."""
    ordered = sorted(results["search"], key=lambda r: -statistics.mean(r["valid_acc"]))
    rows = [
        [
            *(r[name] for name in accuracy.SETTINGS),
            mean_and_deviation(r["valid_acc"]),
            f"{r['seconds']:.1f} s",
        ]
        for r in ordered
    ]
    seeds = len(ordered[0]["valid_acc"])
    held_out = f"accuracy on {accuracy.HELD_OUT:,} held-out training images, {seeds} seeds"
    names = (name.replace("_", " ") for name in accuracy.SETTINGS)
    return table([*names, held_out, "training"], rows)


def growth(results: dict) -> str:
    """Return the table of how cost grows, an exponent a series."""
    rows = []
    for series in results["scaling"]:
        points = series["points"]
        ends = [points[0], points[-1]]
        values = [f"{point[series['grows']]:,}" for point in ends]
        seconds = " to ".join(f"{point['seconds']:.3g}" for point in ends)
        megabytes = " to ".join(f"{point['megabytes'] or 0:,.0f}" for point in ends)
        rows.append(
            [
                f"{series['grows'].replace('_', ' ')}, {series['name']}",
                " to ".join(values),
                f"{seconds} s",
                formatted(series["exponent_seconds"]),
                f"{megabytes} MB",
                formatted(series["exponent_megabytes"]),
            ]
        )
    return table(["what grows", "from, to", "time", "exponent", "peak memory", "exponent"], rows)


def formatted(exponent: float | None) -> str:
    """Return an exponent as text."""
    return "-" if exponent is None else f"{exponent:.2f}"


def gpu(results: dict) -> str:
    """Return the table of an epoch on a GPU, or say that there was none."""
    if not results["gpu"]:
        return "No GPU was at hand in this run: nothing here was measured on one."
    return seconds_table("one epoch on a GPU", results["gpu"], "torch, autograd, CUDA")


def goals(results: dict) -> str:
    """Return the table of goals: what was wanted, what was measured."""
    epochs = results["epoch"]
    jax = [name for name in epochs if name.startswith("JAX")]

    def slower(name: str, than: Iterable[str]) -> float:
        return max(1 / times_faster(epochs, name, other) for other in than)

    reached = {
        name: [math.inf if seconds is None else seconds for seconds, _ in runs]
        for name, runs in results["target"].items()
    }
    lbfgs = next(name for name in reached if "lbfgs" in name)
    ours, theirs = (results["command"][name] for name in ("`python -m scratch`", BOOK))
    whole = {name: values["seconds"] for name, values in results["command"].items()}
    passes = times_faster(
        results["loading"], "`load_data_fashion_mnist`", "the book's loader, 4 workers"
    )
    seconds = statistics.median(ours["seconds"])
    lines = [
        ("pass over the training data, against the book's loader, 4 workers", "≥", 100, passes),
        ("epoch, scratch, against the faster JAX", "≤", 1.0, slower("scratch", jax)),
        ("epoch, scratch, against NumPy by hand", "≤", 1.0, slower("scratch", [NUMPY])),
        ("epoch, concise, against the faster JAX", "≤", 1.4, slower("concise", jax)),
        ("epoch, scratch, against the book's", "≥", 30, times_faster(epochs, "scratch", BOOK)),
        ("epoch, concise, against the book's", "≥", 30, times_faster(epochs, "concise", BOOK)),
        ("epoch, scratch, against the floor", "≤", 1.4, slower("scratch", [FLOOR])),
        *(
            (
                f"time to {to_target.TARGET}, {name}, against lbfgs",
                "≥",
                10,
                times_faster(reached, name, lbfgs),
            )
            for name in reached
            if "recipe" in name
        ),
        ("`python -m scratch`, seconds", "≤", 8, seconds),
        (
            "the same, against the book's way",
            "≥",
            9,
            times_faster(whole, "`python -m scratch`", BOOK),
        ),
    ]
    if ours["megabytes"] and theirs["megabytes"]:
        share = ours["megabytes"] / theirs["megabytes"]
        lines.append(("its peak memory, against the book's way", "≤", 1.0, share))
    rows = []
    for what, sign, goal, value in lines:
        met = value <= goal if sign == "≤" else value >= goal
        measured = f"{value:.2f}" if value < 10 else f"{value:.0f}"
        rows.append([what, f"{sign} {goal:g}", measured, "yes" if met else "**no**"])
    return table(["measure (ratios of times, unless said)", "goal", "measured", "met"], rows)


def draw_scaling(results: list[dict]):
    """Draw seconds above and memory below against what grows, all axes logarithmic."""
    names = list(dict.fromkeys(series["grows"] for series in results))
    figure, all_axes = new_figure(3 * len(names), 6, 2, len(names))
    for series in results:
        column, grows = names.index(series["grows"]), series["grows"]
        x = [point[grows] for point in series["points"]]
        for row, measured in enumerate(("seconds", "megabytes")):
            axes = all_axes[row * len(names) + column]
            y = [point[measured] or math.nan for point in series["points"]]
            slope = formatted(series[f"exponent_{measured}"])
            axes.loglog(x, y, "o-", label=f"{series['name']}\nexponent {slope}")
            axes.set_xlabel(grows.replace("_", " "))
            ticks = sorted({p[grows] for s in results if s["grows"] == grows for p in s["points"]})
            axes.set_xticks(ticks, [f"{value:,}" for value in ticks], rotation=30, fontsize=8)
            axes.minorticks_off()
            axes.set_ylim(*LIMITS[measured])
            axes.grid(alpha=0.3)
            axes.legend(fontsize=7, loc="upper left")
            if column == 0:
                axes.set_ylabel(("seconds", "peak memory (MB)")[row])
    return figure


SECTIONS: dict[str, Callable[[dict], str]] = {
    "machine": machine,
    "goals": goals,
    "loading": loading,
    "epoch": epoch,
    "profile": stages,
    "target": target,
    "command": command,
    "accuracy": recipes,
    "search": search,
    "scaling": growth,
    "gpu": gpu,
}


def filled(text: str, results: dict) -> str:
    """Return a text with each section, between `<!-- name -->` marks, made anew."""
    for name, section in SECTIONS.items():
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, rest = text.split(start)
        _, after = rest.split(end)
        text = f"{before}{start}\n\n{section(results)}\n\n{end}{after}"
    return text
