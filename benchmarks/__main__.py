"""The command `python -m benchmarks`: measures, prints tables, and after a full run writes them.

A full run (`make bench`, some 20 minutes) writes results.json, scaling.png and the tables in
README.md beside this file. A run of some measures only prints.
"""

import argparse
import datetime
import os
import platform
import re
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import torch

from benchmarks import accuracy, costs, peers, tables
from benchmarks.rounds import take_turns
from d2l_softmax.commands.options import whole
from d2l_softmax.figures.drawing import save_figure
from d2l_softmax.storage.files import write_json, write_text

FOLDER = Path(__file__).parent
LIBRARIES = ("torch", "torchvision", "numpy", "jax", "scikit-learn", "matplotlib")


class Measure(NamedTuple):
    """What makes results for results.json, given how many rounds, and what compares them."""

    run: Callable
    compare: Callable


compare_passes = partial(tables.compare, "one pass over the training data", tables.BOOK_LOADER)
compare_epochs = partial(tables.compare, "one epoch, training and evaluation", tables.BOOK)
compare_on_gpu = partial(tables.compare, "one epoch on a GPU", "torch, autograd, CUDA")
on_gpu = peers.ON_GPU if torch.cuda.is_available() else {}
to_target = partial(take_turns, accuracy.TO_TARGET, warm_up=0, results=True)
MEASURES = {
    "loading": Measure(partial(take_turns, peers.PASSES), compare_passes),
    "epoch": Measure(partial(take_turns, peers.EPOCHS), compare_epochs),
    "profile": Measure(partial(take_turns, peers.UNTIL_STAGES), tables.compare_stages),
    "target": Measure(to_target, tables.compare_times_to_target),
    "command": Measure(costs.measure_commands, tables.compare_commands),
    "accuracy": Measure(accuracy.measure_recipes, tables.compare_recipes),
    "search": Measure(lambda _: list(accuracy.search_settings(seeds=3)), tables.compare_settings),
    "scaling": Measure(lambda rounds: list(costs.measure_growth(rounds)), tables.compare_growth),
    "gpu": Measure(partial(take_turns, on_gpu), compare_on_gpu),
}


def main() -> None:
    """Measure what the arguments name, all by default; exit with 2 if they are wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("measures", nargs="*", help=f"of {', '.join(MEASURES)} (default: all)")
    parser.add_argument("--repeats", type=whole(2), default=5, help="how many rounds (default: 5)")
    options = parser.parse_args()
    if unknown := sorted(set(options.measures) - set(MEASURES)):
        parser.error(f"no measure named {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    if missing := [n for n in ("jax", "sklearn", "pandas", "tabulate") if not find_spec(n)]:
        parser.error(f"{', '.join(missing)} missing; python -m pip install -e '.[bench]'")
    results = {"machine": describe_machine(), "repeats": options.repeats}
    for name in options.measures or MEASURES:
        results[name] = MEASURES[name].run(options.repeats)
        print(tables.markdown(MEASURES[name].compare(results[name])), end="\n\n", flush=True)
    if not options.measures:
        write_json(FOLDER / "results.json", results)
        save_figure(FOLDER / "scaling.png", costs.draw_growth(results["scaling"]))
        readme = FOLDER / "README.md"
        write_text(readme, fill(readme.read_text(encoding="utf-8"), results))
        print(tables.markdown(tables.compare_with_goals(results)))
        print(f"\nwrote results.json, scaling.png, README.md to {FOLDER.name}/")


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
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "versions": {"Python": platform.python_version(), **versions},
    }


def fill(text: str, results: dict) -> str:
    """Return a text with new tables between its marks; ValueError if a mark is not there."""
    sections = {n: tables.markdown(m.compare(results[n])) for n, m in MEASURES.items()}
    sections["goals"] = tables.markdown(tables.compare_with_goals(results))
    machine = results["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    sections["machine"] = (
        f"{machine['date']}: {machine['system']}, {machine['processor']}, {machine['cores']} "
        f"cores, {machine['threads']} threads, {machine['gpu'] or 'no GPU'}; {versions}. "
        f"{results['repeats']} rounds after the warm-up."
    )
    for name, section in sections.items():
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        text = f"{text[: text.index(start)]}{start}\n\n{section}\n\n{text[text.index(end) :]}"
    return text


if __name__ == "__main__":
    main()
