"""Several trainings in parallel, on the same data and in the same directory."""

import functools
import shutil
from collections.abc import Iterator
from pathlib import Path

from . import children
from .children import FILES, results

AT_ONCE, ROUNDS = 8, 13
TRAINING = ["--epochs=2", "--batch-size=32", "--lr=0.01", "--quiet"]


def eight_at_once(folder: Path, data_dir: Path, number: int) -> str:
    """Start eight trainings with half of the data files missing; return all complaints.

    In even rounds all write to one directory, and at least one training must succeed. In odd rounds
    each has its own directory.
    """
    data = Path(shutil.copytree(data_dir, folder / f"data-{number}"))
    for file in (data / "FashionMNIST" / "raw").glob("train-*"):  # one training fetches them again
        file.unlink()
    outputs = [folder / f"{number}-{n if number % 2 else 0}" for n in range(AT_ONCE)]
    argv = [f"--data-dir={data}", *TRAINING]
    started = [children.Child("scratch", *argv, f"--output-dir={output}") for output in outputs]
    outcomes = [child.wait() for child in started]
    if not number % 2:
        message = "another training is writing to"
        outcomes = [each for each in outcomes if each.status != 1 or message not in each.err]
        if not outcomes:
            return "all were refused"
    complaints = [each.complaint((0,)) for each in outcomes]
    expected = results(outputs[0])
    for output in outputs:
        if {path.name for path in output.iterdir()} != FILES or results(output) != expected:
            complaints.append(f"other files in {output.name}")
    complaints.append(children.unfinished_files(data / "FashionMNIST"))
    return "; ".join(filter(None, complaints))


def faults(folder: Path, data_dir: Path) -> Iterator[children.Fault]:
    """Yield the faults."""
    for number in range(ROUNDS):
        where = "in eight directories" if number % 2 else "in one directory"
        inject = functools.partial(eight_at_once, folder, data_dir, number)
        yield children.Fault("eight trainings in parallel", f"{where} {number}", inject)
