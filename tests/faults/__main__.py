"""The command `python -m tests.faults`: makes the faults and writes docs/reliability.md."""

import argparse
import sys
import tempfile
from pathlib import Path

from . import report, trials


def main() -> int:
    """Make the faults; return 1 if one was not met as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="kinds whose name has this in it")
    parser.add_argument("--share", type=int, default=1, help="one fault of so many")
    options = parser.parse_args()
    in_memory = Path("/dev/shm")  # faster: files are synced thousands of times
    with tempfile.TemporaryDirectory(dir=in_memory if in_memory.is_dir() else None) as folder:
        made = trials.make(Path(folder), options.only, options.share)
    for trial in made:
        if trial.complaint:
            print(f"{trial.kind}: {trial.what}: {trial.complaint}")
    print(report.table(made))
    if not options.only and options.share == 1:
        report.write(made)
    return any(trial.complaint for trial in made)


if __name__ == "__main__":
    sys.exit(main())
