"""Several processes at once, on the same data and in the same directory."""

import functools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from . import children
from .killed import FILES, results

AT_ONCE, ROUNDS = 8, 13
TRAINING = ["--epochs=2", "--batch-size=32", "--lr=0.01", "--quiet"]


def all_at_once(folder: Path, data_dir: Path, number: int) -> list[str]:
    """Let eight start with data of which half is missing; return what is wrong with each.

    In even rounds all write to one directory, which one of them may have; in odd ones to their own.
    """
    data = folder / f"data-{number}"
    shutil.copytree(data_dir, data)
    for file in (data / "FashionMNIST" / "raw").glob("train-*"):  # to be fetched by one of them
        file.unlink()
    outputs = [folder / f"{number}-{n if number % 2 else 0}" for n in range(AT_ONCE)]
    logs = [folder / f"{number}-{n}.txt" for n in range(AT_ONCE)]
    pids = []
    for output, log in zip(outputs, logs, strict=True):
        pid = os.fork()
        if not pid:
            argv = [f"--data-dir={data}", *TRAINING, f"--output-dir={output}"]
            outcome = children.run("scratch", *argv)
            log.write_text(complaint_of(outcome, alone=bool(number % 2)), encoding="utf-8")
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)
    complaints = [log.read_text(encoding="utf-8") for log in logs]
    if all(complaint == "refused" for complaint in complaints):
        return ["all were refused"] * AT_ONCE
    complaints = ["" if complaint == "refused" else complaint for complaint in complaints]
    expected = results(outputs[0])
    for place, output in enumerate(outputs):
        if {path.name for path in output.iterdir()} != FILES or results(output) != expected:
            complaints[place] = complaints[place] or f"other files in {output.name}"
    if left := children.is_whole(data / "FashionMNIST"):
        complaints[0] = complaints[0] or left
    return complaints


def complaint_of(outcome: children.Outcome, alone: bool) -> str:
    """Return what is wrong with an end; "refused" if another has the directory."""
    if not alone and outcome.status == 1 and "another training writes to" in outcome.err:
        return "refused"
    return outcome.complaint((0,))


def round_of_eight(folder: Path, data_dir: Path, number: int) -> str:
    """Make a round; return what is wrong with some."""
    return "; ".join(filter(None, all_at_once(folder, data_dir, number)))


def faults(folder: Path, data_dir: Path) -> Iterator[children.Fault]:
    """Yield the faults."""
    folder.mkdir(parents=True)
    for number in range(ROUNDS):
        where = "each in its own directory" if number % 2 else "all in one directory"
        yield children.Fault(
            "eight trainings at once",
            f"{where} {number}",
            functools.partial(round_of_eight, folder, data_dir, number),
        )
