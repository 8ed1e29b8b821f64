"""The command `python -m benchmarks`: measures, prints tables, and after a full run writes them.

A full run (`make bench`, some 20 minutes) writes results.json, scaling.png and the tables in
README.md beside this file. A run of some measures only prints.
"""

import argparse
import datetime
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import torch

from benchmarks import accuracy, commands, peers, profile, scaling, tables, to_target
from benchmarks.rounds import alternate, in_turns
from d2l_softmax.commands.options import whole
from d2l_softmax.figures.drawing import save_figure
from d2l_softmax.storage.files import write_atomically, write_json

FOLDER = Path(__file__).parent
LIBRARIES = ("torch", "torchvision", "numpy", "jax", "scikit-learn", "matplotlib")


def main() -> None:
    """Measure what the arguments name, all by default."""
    measures = {
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
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("measures", nargs="*", help=f"of {', '.join(measures)} (default: all)")
    parser.add_argument(
        "--repeats", type=whole(2), default=5, help="measurements of each (default: 5)"
    )
    options = parser.parse_args()
    if unknown := set(options.measures) - set(measures):
        parser.error(
            f"no measure named {', '.join(sorted(unknown))}; there are {', '.join(measures)}"
        )
    if missing := [name for name in ("jax", "sklearn") if not find_spec(name)]:
        parser.error(f"{' and '.join(missing)} missing; python -m pip install -e '.[bench]'")
    results = {"machine": machine(), "repeats": options.repeats}
    for name in options.measures or measures:
        results[name] = measures[name](options.repeats)
        print(f"{tables.SECTIONS[name](results)}\n", flush=True)
    if not options.measures:
        write(results)


def write(results: dict) -> None:
    """Write the results, the figure, and the tables into README.md between their marks."""
    write_json(FOLDER / "results.json", results)
    save_figure(FOLDER / "scaling.png", tables.draw_scaling(results["scaling"]))
    readme = FOLDER / "README.md"
    text = tables.filled(readme.read_text(encoding="utf-8"), results)
    write_atomically(readme, text.encode())
    print(
        f"{tables.goals(results)}\n\nwrote results.json, scaling.png, README.md to {FOLDER.name}/"
    )


def machine() -> dict:
    """Return what the measurements were made on and with."""
    processor = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as lines:
            names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
        processor = names[0] if names else processor
    return {
        "date": datetime.date.today().isoformat(),
        "system": platform.system(),
        "processor": processor,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "versions": {"Python": platform.python_version(), **dict(map(installed, LIBRARIES))},
    }


def installed(library: str) -> tuple[str, str]:
    """Return a library and its version, without what follows a plus."""
    try:
        return library, version(library).split("+")[0]
    except PackageNotFoundError:
        return library, "missing"


def loading(repeats: int) -> dict[str, list[float]]:
    """Time a pass over the training data in batches of 256."""
    return alternate(peers.passes(), repeats)


def epoch(repeats: int) -> dict[str, list[float]]:
    """Time an epoch, training and evaluation, at batch size 256."""
    return alternate(peers.epochs(), repeats)


def stages(repeats: int) -> dict[str, list[float]]:
    """Time epochs that end at each stage of a step."""
    return alternate(profile.peers(), repeats)


def target(repeats: int) -> dict[str, list[tuple[float, str]]]:
    """Time training from the start until the target accuracy, a seed a turn."""
    turns = in_turns(to_target.peers(), repeats)
    return {name: [result for _, result in each] for name, each in turns.items()}


def command(repeats: int) -> dict[str, dict]:
    """Time whole commands in turn; a first round, which warms up, is watched for its memory."""
    measured = {
        name: {"megabytes": commands.peak_memory(name), "seconds": []} for name in commands.COMMANDS
    }
    for _ in range(repeats):
        for name, values in measured.items():
            values["seconds"].append(commands.seconds(name))
    return measured


def recipes(repeats: int) -> list[dict]:
    """Train with each recipe from twice as many seeds as there are repeats."""
    return accuracy.of_recipes(2 * repeats)


def search(repeats: int) -> list[dict]:
    """Try the settings from which `--recipe best` was chosen."""
    return accuracy.search(seeds=3)


def growth(repeats: int) -> list[dict]:
    """Measure how cost grows."""
    return scaling.run(repeats)


def gpu(repeats: int) -> dict[str, list[float]] | None:
    """Time an epoch on a CUDA device, where there is one."""
    return alternate(peers.on_gpu(), repeats) if torch.cuda.is_available() else None


if __name__ == "__main__":
    main()
