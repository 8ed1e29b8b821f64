"""Whole commands, imports included: their seconds, and the most memory they take."""

import subprocess
import sys
import tempfile
import time

from benchmarks import memory

SAMPLE = 0.05  # seconds between two looks at the memory
COMMANDS = {
    "`python -m scratch`": ["scratch", "--device=cpu", "--output-dir={folder}"],
    "`python -m concise`": ["concise", "--device=cpu", "--output-dir={folder}"],
    "the book's way, 4 workers": ["benchmarks.book", "{folder}"],
}


def seconds(name: str) -> float:
    """Run a command, ten epochs with figures, in a folder of its own; return its seconds."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run(line(name, folder), check=True, capture_output=True)
        return time.perf_counter() - start


def peak_memory(name: str) -> float | None:
    """Run a command; return the most megabytes that it and its workers took together."""
    peak = None
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            line(name, folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while process.poll() is None:
            taken = memory.whole_tree(process.pid)
            if taken is not None:
                peak = max(peak or 0.0, taken)
            time.sleep(SAMPLE)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return peak


def line(name: str, folder: str) -> list[str]:
    """Return the command with this Python and a folder to write to."""
    return [sys.executable, "-m", *(part.format(folder=folder) for part in COMMANDS[name])]
