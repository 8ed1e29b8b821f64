"""What came of the faults, as a table and as docs/reliability.md."""

from collections import Counter


def table(trials) -> str:
    """Return a table: faults of each kind, and how many were not met as they should be."""
    made = Counter(trial.kind for trial in trials)
    wrong = Counter(trial.kind for trial in trials if trial.complaint)
    return "\n".join(f"{kind}: {wrong[kind]} / {number}" for kind, number in made.items())
