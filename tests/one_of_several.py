"""The script that torchrun starts in test_data_parallel.py: one training after the other.

The plan is a JSON file with a list of runs. A run has a program, its arguments, further ones of a
rank (`argv_of`), and a fault. The rows that a process looks up are written to `rows-RUN-RANK.json`
in the folder of the plan.
"""

import contextlib
import json
import os
import signal
import sys
from pathlib import Path

import concise
import scratch
from d2l_softmax import __main__ as d2l_softmax
from d2l_softmax.commands import train
from d2l_softmax.data import sources
from d2l_softmax.data.batches import ArrayDataset
from d2l_softmax.training.distributed import count_restarts, get_launch, process_group

TWINS = {"scratch": scratch, "concise": concise}
DIGESTS = "digests.json"  # in a data directory: which made-up files pass as Fashion-MNIST's
RANK = get_launch().rank


def main(plan_file):
    """Do the runs of the plan in one process group; return the largest status."""
    runs = json.loads(plan_file.read_text(encoding="utf-8"))
    train.write_results = lambda *arguments: None  # figures take seconds
    looked_up = record_rows()
    if len(runs) == 1:  # as the program itself would do it
        with a_fault(runs[0].get("fault"), looked_up):
            return command(runs[0])
    statuses = []
    with process_group("cpu"):
        for number, run in enumerate(runs):
            looked_up.clear()
            with a_fault(run.get("fault"), looked_up):
                statuses.append(command(run))
            rows = plan_file.parent / f"rows-{number}-{RANK}.json"
            rows.write_text(json.dumps(looked_up), encoding="utf-8")
    return max(statuses)


def command(run):
    """Run a command; return its status, also after wrong usage."""
    argv = [*run["argv"], *run.get("argv_of", {}).get(str(RANK), [])]
    data_dir = next(a.partition("=")[2] for a in reversed(argv) if a.startswith("--data-dir="))
    digests = (Path(data_dir) / DIGESTS).read_text(encoding="utf-8")
    sources.SHA256.update(json.loads(digests))
    name = run["program"]
    try:
        return train.main(TWINS[name], name, argv) if name in TWINS else d2l_softmax.main(argv)
    except SystemExit as end:
        return end.code


def record_rows():
    """Return a list that gets [size of the data set, row, row, …] at each look-up."""
    looked_up, look_up = [], ArrayDataset.__getitem__

    def look_up_and_record(dataset, index):
        looked_up.append([len(dataset), *index.tolist()])
        return look_up(dataset, index)

    ArrayDataset.__getitem__ = look_up_and_record
    return looked_up


@contextlib.contextmanager
def a_fault(fault, looked_up):
    """Inject a fault in this context, unless it is another rank's or torchrun has restarted."""
    look_up = ArrayDataset.__getitem__
    if fault and fault["rank"] == RANK and not count_restarts():
        ArrayDataset.__getitem__ = signalling(fault, looked_up, look_up)
    yield
    ArrayDataset.__getitem__ = look_up


def signalling(fault, looked_up, look_up):
    """Return a look-up that sends this process a signal the nth time."""

    def look_up_or_signal(dataset, index):
        if len(looked_up) == fault["lookup"]:
            print(f"process {os.getpid()}", flush=True)
            signal.raise_signal(getattr(signal, fault["signal"]))
        return look_up(dataset, index)

    return look_up_or_signal


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
