"""The command `python -m tests.faults`: inject the faults and write docs/reliability.md."""

import argparse
import datetime
import multiprocessing
import os
import platform
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import torch
from tabulate import tabulate

from . import children, concurrent, custom, damaged, data, environments, killed, usage

KINDS = [killed, damaged, custom, usage, environments, concurrent]
DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
FAULTS: list[children.Fault] = []  # global, so that forked workers have it: it can't be pickled
MARKS = "<!-- faults -->\n", "<!-- /faults -->\n"


class Trial(NamedTuple):
    """An injected fault: its kind, a description, a complaint ("" if none), and its seconds.

    `memory` is the peak of the largest child process so far, in MB.
    """

    kind: str
    what: str
    complaint: str
    seconds: float
    memory: float


def inject(number: int) -> Trial:
    """Inject FAULTS[number]; an exception becomes a complaint."""
    fault, begin = FAULTS[number], time.monotonic()
    try:
        complaint = fault.inject()
    except Exception:
        complaint = traceback.format_exc()
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return Trial(fault.kind, fault.what, complaint, time.monotonic() - begin, memory)


def inject_all(folder: Path, only: str, share: int) -> list[Trial]:
    """Inject every `share`-th fault of the kinds that contain `only`, on all cores."""
    torch.set_num_threads(1)
    data_dir = data.make(folder)
    os.chdir(folder)  # for files written to the working directory by mistake
    # once in this process, so that every child inherits loaded fonts and modules
    children.PROGRAMS["scratch"]([f"--data-dir={data_dir}", "--epochs=1", "--quiet"])
    by_kind: dict[str, list[children.Fault]] = {}
    for module in KINDS:
        place = folder / module.__name__.split(".")[-1]
        place.mkdir()
        for fault in module.faults(place, data_dir):
            by_kind.setdefault(fault.kind, []).append(fault)
    for kind, some in by_kind.items():
        if only in kind:
            FAULTS.extend(some[::share])
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("fork")) as workers:
        return list(workers.map(inject, range(len(FAULTS))))


def table(trials: list[Trial]) -> str:
    """Return a table in Markdown: the number of faults of each kind, and of those mishandled."""
    made = Counter(trial.kind for trial in trials)
    wrong = Counter(trial.kind for trial in trials if trial.complaint)
    rows = [(kind, f"{number:,}", wrong[kind]) for kind, number in made.items()]
    rows.append(("in all", f"{len(trials):,}", wrong.total()))
    head, sides = ("fault", "made", "mishandled"), ("left", "right", "right")
    return tabulate(rows, head, tablefmt="pipe", colalign=sides, disable_numparse=True)


def write_document(trials: list[Trial]) -> None:
    """Write date, machine and table to docs/reliability.md."""
    memory = max(trial.memory for trial in trials)
    minutes = sum(trial.seconds for trial in trials) / 60
    conditions = (
        f"{datetime.date.today()}: {platform.system()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, torch {torch.__version__}. The largest process took "
        f"{memory:,.0f} MB; all faults together took {minutes:.0f} minutes of a core."
    )
    text = DOCUMENT.read_text(encoding="utf-8")
    before, after = text.split(MARKS[0])[0], text.split(MARKS[1])[1]
    content = f"{before}{MARKS[0]}\n{conditions}\n\n{table(trials)}\n\n{MARKS[1]}{after}"
    DOCUMENT.write_text(content, encoding="utf-8")


def main() -> int:
    """Inject the faults; return 1 if one was mishandled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="kinds that contain this text")
    parser.add_argument("--share", type=int, default=1, help="inject every n-th fault")
    options = parser.parse_args()
    in_memory = Path("/dev/shm")  # faster: files are synced thousands of times
    with tempfile.TemporaryDirectory(dir=in_memory if in_memory.is_dir() else None) as folder:
        trials = inject_all(Path(folder), options.only, options.share)
    for trial in trials:
        if trial.complaint:
            print(f"{trial.kind}: {trial.what}: {trial.complaint}")
    print(table(trials))
    if not options.only and options.share == 1:
        write_document(trials)
    return any(trial.complaint for trial in trials)


if __name__ == "__main__":
    sys.exit(main())
