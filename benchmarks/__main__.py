"""The command `python -m benchmarks`: measures, prints tables, and after a full run writes them.

A full run (`make bench`, some 45 minutes) writes results.json and two figures, and fills the
tables of four documents: README.md beside this file, both READMEs of the project, docs/scaling.md.
A run of some measures only prints, but for those that compare nobody's seconds with ours:
`checkpoint`, `disguised`, `disk`, `processes`, and `agreement` (`make agree`), which is never part
of a full run, as it needs frameworks that do not get on with everybody.
"""

import argparse
import datetime
import hashlib
import json
import os
import platform
import re
from collections.abc import Callable, Iterable
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import torch

from benchmarks import (
    accuracy,
    busy,
    checkpoints,
    costs,
    disguised,
    disk,
    frameworks,
    peers,
    processes,
    samples,
    startup,
    tables,
)
from benchmarks.rounds import CORES, THREADS, Peer, take_turns, without_results
from d2l_softmax.commands.options import whole
from d2l_softmax.figures.drawing import save_figure
from d2l_softmax.io import write_json, write_text

FOLDER = Path(__file__).parent
CHINESE = json.loads((FOLDER / "chinese.json").read_text(encoding="utf-8"))
# The documents, and by which words those of the tables are replaced there, in their order.
DOCUMENTS = {"benchmarks/README.md": {}, "README.md": {}, "README.zh-CN.md": CHINESE}
DOCUMENTS["docs/scaling.md"] = {}
LIBRARIES = ("torch", "torchvision", "numpy", "jax", "scikit-learn", "matplotlib")
IN_BOTH = ("jax", "sklearn", "pandas", "tabulate")
NEEDED = {"bench": IN_BOTH, "agree": ("tensorflow", "keras", "optax", *IN_BOTH)}
AGREEMENT = "agreement"
STORED_ALONE = {AGREEMENT, "checkpoint", "disguised", "disk", "processes"}


class Measure(NamedTuple):
    """What makes results for results.json, given how many rounds, and what compares them."""

    run: Callable
    compare: Callable[..., Iterable[tuple]]


def in_turns(works: dict[str, Callable], threads: Iterable[int] = (CORES,)) -> Callable:
    """Return a measure of these works, on each number of threads."""
    contestants = [Peer(name, work, number) for name, work in works.items() for number in threads]
    return lambda rounds: without_results(take_turns(contestants, rounds))


compare_passes = partial(tables.compare, "one pass over the training data", peers.BOOK_LOADER)
compare_on_gpu = partial(tables.compare, "one epoch on a GPU", "torch, floats in memory, CUDA")
on_gpu = peers.ON_GPU if torch.cuda.is_available() else {}
MEASURES = {
    "loading": Measure(in_turns(peers.PASSES), compare_passes),
    "epoch": Measure(in_turns(peers.EPOCHS, THREADS), tables.compare_epochs),
    "profile": Measure(in_turns(peers.UNTIL_STAGES, [1]), tables.compare_stages),
    "busy": Measure(busy.measure_busy, tables.compare_busy),
    "threads": Measure(busy.measure_threads, tables.compare_threads),
    "target": Measure(accuracy.measure_learners, tables.compare_learners),
    "iterations": Measure(accuracy.measure_iterations, tables.compare_iterations),
    "command": Measure(costs.measure_commands, tables.compare_commands),
    "startup": Measure(startup.measure_startup, tables.compare_startup),
    "checkpoint": Measure(checkpoints.measure_checkpoints, checkpoints.compare_checkpoints),
    "accuracy": Measure(accuracy.measure_recipes, tables.compare_recipes),
    "search": Measure(lambda _: list(accuracy.search_settings(seeds=3)), tables.compare_settings),
    "scaling": Measure(lambda rounds: list(costs.measure_growth(rounds)), tables.compare_growth),
    "disk": Measure(disk.measure_disk, disk.compare_disk),
    "processes": Measure(processes.measure_processes, processes.compare_processes),
    "disguised": Measure(disguised.measure_disguised, disguised.compare_disguised),
    "gpu": Measure(in_turns(on_gpu), compare_on_gpu),
    AGREEMENT: Measure(frameworks.measure_agreement, frameworks.compare_agreement),
}
TIMED = [name for name in MEASURES if name != AGREEMENT]


def main() -> None:
    """Measure what the arguments name, all but the agreement by default; exit with 2 if wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("measures", nargs="*", help=f"of {', '.join(MEASURES)}")
    parser.add_argument("--repeats", type=whole(2), default=5, help="how many rounds (default: 5)")
    parser.add_argument("--fill", action="store_true", help="only write the stored results again")
    options = parser.parse_args()
    if unknown := sorted(set(options.measures) - set(MEASURES)):
        parser.error(f"no measure named {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    extra = "agree" if AGREEMENT in options.measures else "bench"
    if missing := [name for name in NEEDED[extra] if not find_spec(name)]:
        parser.error(f"{', '.join(missing)} missing; python -m pip install -e '.[{extra}]'")
    if options.fill:
        write(read_results())
        return
    measured = {}
    for name in options.measures or TIMED:
        measured[name] = MEASURES[name].run(options.repeats)
        print(tables.markdown(MEASURES[name].compare(measured[name])), end="\n\n", flush=True)
    if options.measures and set(options.measures) <= STORED_ALONE:
        write({**read_results(), **measured})
    elif not options.measures:
        measured["samples"] = samples.measure_samples()
        about = {"peers": hash_of_peers(), "repeats": options.repeats}
        write({**read_results(), "machine": describe_machine(), **about, **measured})


def read_results() -> dict:
    """Return what was measured before."""
    return json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))


def write(results: dict) -> None:
    """Write the results, the figures that show them, and the tables in the documents."""
    write_json(FOLDER / "results.json", results)
    save_figure(FOLDER / "scaling.png", costs.draw_growth(results["scaling"]))
    save_figure(FOLDER / "busy.png", busy.draw_busy(results["busy"]))
    for name, words in DOCUMENTS.items():
        document = FOLDER.parent / name
        write_text(document, fill(document.read_text(encoding="utf-8"), results, words))
    print(tables.markdown(tables.compare_with_goals(results)))
    print(f"\nwrote results.json and figures to {FOLDER.name}/, tables to {', '.join(DOCUMENTS)}")


def hash_of_peers() -> str:
    """Return the SHA-256 of peers.py: results of other peers than today's are out of date."""
    return hashlib.sha256((FOLDER / "peers.py").read_bytes()).hexdigest()


def describe_machine() -> dict:
    """Return what the measurements are made on and with."""
    linux = platform.system() == "Linux"
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8") if linux else ""
    names = re.findall(r"^model name\s*: (.*)$", cpuinfo, re.MULTILINE)
    versions = {library: version(library).split("+")[0] for library in LIBRARIES}
    return {
        "date": datetime.date.today().isoformat(),
        "system": platform.system(),
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "versions": {"Python": platform.python_version(), **versions},
    }


def sections_of(results: dict) -> dict[str, str]:
    """Return what stands between the marks of the documents, by their names."""
    machine = results["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return {
        **{n: tables.markdown(m.compare(results[n])) for n, m in MEASURES.items()},
        **samples.as_blocks(results["samples"]),
        "twice": tables.markdown(processes.compare_twice(results["processes"])),
        "many": tables.markdown(processes.estimate_many(results["processes"])),
        "goals": tables.markdown(tables.compare_with_goals(results)),
        "machine": (
            f"{machine['date']}: {machine['system']}, {machine['processor']}, {machine['cores']} "
            f"cores, {machine['gpu'] or 'no GPU'}; {versions}. {results['repeats']} rounds after "
            "the warm-up."
        ),
    }


def fill(text: str, results: dict, words: dict[str, str]) -> str:
    """Return a text with new sections between its marks, their words replaced by the given ones.

    ValueError if a mark has no end, KeyError if there is no section of its name.
    """
    sections = sections_of(results)
    for name in re.findall(r"^<!-- (\w+) -->$", text, re.MULTILINE):
        section = sections[name]
        if not section.startswith("```"):  # what a command prints stays as it is
            for word, replacement in words.items():
                section = section.replace(word, replacement)
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        text = f"{text[: text.index(start)]}{start}\n\n{section}\n\n{text[text.index(end) :]}"
    return text


if __name__ == "__main__":
    main()
