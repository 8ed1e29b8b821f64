"""The command `python -m benchmarks`: run measurements and print their tables.

After each measurement, results.json, a figure, and the tables in the documents are written, with
its date and machine. Seconds can be compared within one table only. `agreement` (`make agree`)
runs only if it is named, because it needs frameworks that conflict with other packages.
"""

import argparse
import datetime
import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from benchmarks import documents
from benchmarks.documents import MEASURES
from d2l_softmax.commands.options import whole

LIBRARIES = ("torch", "torchvision", "numpy", "jax", "matplotlib")
IN_BOTH = ("jax", "tabulate")
NEEDED = {
    "bench": IN_BOTH,
    "agree": ("sklearn", "tensorflow", "keras", "optax", *IN_BOTH),
}
EXTRAS = {"agreement": "agree"}  # all others need bench


def main() -> None:
    """Run the measurements named in the arguments, by default all but EXTRAS."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("measures", nargs="*", help=f"among {', '.join(MEASURES)}")
    parser.add_argument("--repeats", type=whole(2), default=5, help="number of rounds (default: 5)")
    parser.add_argument("--fill", action="store_true", help="only rewrite the stored tables")
    options = parser.parse_args()
    if unknown := sorted(set(options.measures) - set(MEASURES)):
        parser.error(f"no measure named {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    results = documents.read_results()
    if options.fill:
        documents.write(results)
        return
    for extra in {EXTRAS.get(name, "bench") for name in options.measures or ["loading"]}:
        if missing := [name for name in NEEDED[extra] if not find_spec(name)]:
            parser.error(f"{', '.join(missing)} missing; python -m pip install -e '.[{extra}]'")
    for name in options.measures or [name for name in MEASURES if name not in EXTRAS]:
        results[name] = MEASURES[name].measure(options.repeats)
        results["machines"][name] = describe_machine()
        print(documents.markdown(MEASURES[name].table(results[name])), end="\n\n", flush=True)
        documents.write(results)


def describe_machine() -> dict:
    """Return the date, the commit, the machine and the versions of Python and libraries."""
    file = Path("/proc/cpuinfo")
    cpuinfo = file.read_text(encoding="utf-8") if file.exists() else ""
    names = re.findall(r"^model name\s*: (.*)$", cpuinfo, re.MULTILINE)
    git = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    return {
        "date": datetime.date.today().isoformat(),
        "commit": commit,
        "system": platform.system(),
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "versions": {"Python": platform.python_version()}
        | {name: version(name).split("+")[0] for name in LIBRARIES if is_installed(name)},
    }


def is_installed(name: str) -> bool:
    """Return True if a distribution is installed."""
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


if __name__ == "__main__":
    main()
