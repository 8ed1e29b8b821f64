"""How much memory a process takes, read from /proc; None where there is no such thing."""

import os
from pathlib import Path

MEGABYTE = 1e6


def anonymous(pid: int) -> float | None:
    """Return the megabytes that a process holds of its own: pages of mapped files don't count."""
    return field(Path(f"/proc/{pid}/status"), "RssAnon:")


def whole_tree(pid: int) -> float | None:
    """Return the megabytes of a process and all it started; what they share counts once (PSS)."""
    shares = [field(Path(f"/proc/{each}/smaps_rollup"), "Pss:") for each in descendants(pid)]
    known = [share for share in shares if share is not None]
    return sum(known) if known else None


def field(path: Path, name: str) -> float | None:
    """Return a line of a file of /proc, in megabytes; None if process or line is gone."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    values = [line.split()[1] for line in lines if line.startswith(name)]
    return int(values[0]) * 1024 / MEGABYTE if values else None


def descendants(pid: int) -> list[int]:
    """Return the process and all it started that still runs."""
    found = [pid]
    for parent in found:  # grows while it is gone through
        for task in os.listdir(f"/proc/{parent}/task") if os.path.exists(f"/proc/{parent}") else []:
            try:
                children = Path(f"/proc/{parent}/task/{task}/children").read_text()
            except OSError:
                continue
            found += map(int, children.split())
    return found
