"""All faults of all kinds, made by as many processes as there are cores."""

import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import NamedTuple

import torch

import scratch
from d2l_softmax.commands import train

from . import concurrent, damaged, data, environments, killed, usage
from .children import Fault

KINDS = [killed, damaged, usage, environments, concurrent]


class Trial(NamedTuple):
    """A fault that was made: its kind, what it was, what was wrong then ("" if nothing).

    `memory` is what the largest process took until then, in MB.
    """

    kind: str
    what: str
    complaint: str
    seconds: float
    memory: float


def make(folder: Path, only: str = "", share: int = 1) -> list[Trial]:
    """Make the faults whose kind has `only` in its name, or one of so many; return all trials."""
    torch.set_num_threads(1)
    data_dir = data.make(folder)
    os.chdir(folder)  # what is written beside where it should be
    # once in this process, so that every child has fonts and the like
    train.main(scratch, "scratch", [f"--data-dir={data_dir}", "--epochs=1", "--quiet"])
    by_kind: dict[str, list[Fault]] = {}
    for module in KINDS:
        for fault in module.faults(folder / module.__name__.split(".")[-1], data_dir):
            by_kind.setdefault(fault.kind, []).append(fault)
    faults = [fault for kind, some in by_kind.items() if only in kind for fault in some[::share]]
    workers = os.cpu_count() or 1
    logs = [folder / f"trials-{n}.jsonl" for n in range(workers)]
    for child in [work(log, faults[n::workers]) for n, log in enumerate(logs)]:
        os.waitpid(child, 0)
    lines = [line for log in logs for line in log.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == len(faults), "a worker has died"
    kinds = list(by_kind)
    return sorted((Trial(*json.loads(line)) for line in lines), key=lambda t: kinds.index(t.kind))


def work(path: Path, faults: list[Fault]) -> int:
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
            seconds = time.monotonic() - begin
            memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            print(json.dumps(Trial(kind, what, complaint, seconds, memory)), file=file, flush=True)
    os._exit(0)
