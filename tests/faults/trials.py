"""All faults of all kinds, made by as many processes as there are cores."""

import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import NamedTuple

import torch

from . import damaged, data, dying, surroundings, together, typed

KINDS = [dying, damaged, typed, surroundings, together]


class Trial(NamedTuple):
    """A fault that was made: its kind, what it was, what was wrong then ("" if nothing)."""

    kind: str
    what: str
    complaint: str
    seconds: float


def make(folder: Path, only: str = "", share: int = 1) -> list[Trial]:
    """Make the faults whose kind has `only` in its name, or one of so many; return all trials."""
    torch.set_num_threads(1)
    data_dir = data.make(folder)
    os.chdir(folder)  # what is written beside where it should be
    by_kind: dict[str, list] = {}
    for module in KINDS:
        for fault in module.faults(folder / module.__name__.split(".")[-1], data_dir):
            by_kind.setdefault(fault[0], []).append(fault)
    faults = [fault for kind, some in by_kind.items() if only in kind for fault in some[::share]]
    workers = os.cpu_count() or 1
    children = [work(folder / f"trials-{n}.jsonl", faults[n::workers]) for n in range(workers)]
    for child in children:
        os.waitpid(child, 0)
    lines = [
        line
        for n in range(workers)
        for line in (folder / f"trials-{n}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    return [Trial(*json.loads(line)) for line in lines]


def work(path: Path, faults: list) -> int:
    """Make some faults in a process of its own, and write what came of each; return its number."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    with open(path, "w", encoding="utf-8") as file:
        for kind, what, make_it in faults:
            begin = time.monotonic()
            try:
                complaint = make_it()
            except Exception:
                complaint = traceback.format_exc()
            print(json.dumps(Trial(kind, what, complaint, time.monotonic() - begin)), file=file)
            file.flush()
    os._exit(0)
