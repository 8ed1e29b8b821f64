"""Whole commands, including imports and figures: seconds and peak memory.

Memory is read from /proc while the processes run; it is None on systems without /proc.
"""

import csv
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median

from benchmarks.peers import BOOK
from benchmarks.shared import median_and_range

SCRATCH, CONCISE, IMPORT = "`python -m scratch`", "`python -m concise`", "`import torch` alone"
COMMANDS = {
    SCRATCH: ("-m", "scratch", "--device=cpu", "--output-dir"),
    CONCISE: ("-m", "concise", "--device=cpu", "--output-dir"),
    BOOK: ("-m", "benchmarks.book"),
    IMPORT: ("-c", "import torch"),
}


def measure(rounds: int) -> dict[str, dict]:
    """Return for each command the "seconds" of each round and the peak memory in "megabytes".

    Memory is measured in a separate run. "epochs" has the total seconds of the epochs in each
    round, from history.csv; it is empty if the command writes no such file.
    """
    results = {}
    for name in COMMANDS:
        _, megabytes, _ = run(name, watched=True)
        results[name] = {"megabytes": megabytes, "seconds": [], "epochs": []}
    for _ in range(rounds):
        for name, result in results.items():
            seconds, _, epochs = run(name)
            result["seconds"].append(seconds)
            result["epochs"] += epochs
    return results


def run(name: str, watched: bool = False) -> tuple[float, float | None, list[float]]:
    """Run a command; return its seconds, its peak megabytes, and the seconds of its epochs.

    The peak is None unless `watched`. Raises CalledProcessError if the command fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        line = [sys.executable, *COMMANDS[name], folder]
        looks, epochs = [], []
        begin = time.perf_counter()
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while watched and process.poll() is None:
            looks.append(memory_of_tree(process.pid))
            time.sleep(0.05)
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, line)
        seconds = time.perf_counter() - begin
        with suppress(FileNotFoundError), open(f"{folder}/history.csv", encoding="utf-8") as file:
            epochs = [sum(float(row["seconds"]) for row in csv.DictReader(file))]
        return seconds, max(filter(None, looks), default=None), epochs


def work(name: str) -> Iterator[None]:
    """Run a command in each step, as a peer (see peers.py)."""
    yield
    while True:
        run(name)
        yield


def memory_of_tree(pid: int) -> float | None:
    """Return the megabytes of a process and its descendants; shared pages count once (PSS)."""
    pids, total = [pid], 0.0
    for parent in pids:  # grows during the loop
        with suppress(OSError, IndexError):
            for children in Path(f"/proc/{parent}/task").glob("*/children"):
                pids += map(int, children.read_text().split())
            rollup = Path(f"/proc/{parent}/smaps_rollup").read_text(encoding="utf-8")
            total += int(rollup.split("\nPss:")[1].split()[0]) * 1024 / 1e6
    return total or None


def table(results: dict[str, dict]) -> Iterator[tuple]:
    """Yield a table of seconds and memory, and for the twins the time outside their epochs."""
    title, faster = "ten epochs with figures, imports included", f"times faster than {BOOK}"
    yield title, "median", "min to max", faster, "peak memory"
    book = median(results[BOOK]["seconds"])
    for name, each in results.items():
        times, peak = book / median(each["seconds"]), each["megabytes"] or math.nan
        yield name, *median_and_range(each["seconds"], 1, " s"), f"{times:.1f}", f"{peak:,.0f} MB"
    for name, each in results.items():
        if each.get("epochs"):
            rounds = zip(each["seconds"], results[IMPORT]["seconds"], each["epochs"], strict=True)
            rest = [whole - imports - epochs for whole, imports, epochs in rounds]
            cells = median_and_range(rest, 1, " s")
            yield f"{name}, less `import torch` and epochs", *cells, "", ""
