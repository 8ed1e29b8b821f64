"""What came of the faults: a table, and docs/reliability.md, which has it."""

import datetime
import os
import platform
from collections import Counter
from pathlib import Path

import torch
from tabulate import tabulate

from d2l_softmax.commands.console import counted

from .trials import Trial

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
MARKS = "<!-- faults -->\n", "<!-- /faults -->\n"


def table(trials: list[Trial]) -> str:
    """Return a table in Markdown: the faults of each kind, and how many went wrong."""
    made = Counter(trial.kind for trial in trials)
    wrong = Counter(trial.kind for trial in trials if trial.complaint)
    rows = [(kind, f"{number:,}", wrong[kind]) for kind, number in made.items()]
    rows.append(("in all", f"{len(trials):,}", wrong.total()))
    head = ("fault", "made", "mishandled")
    sides = ("left", "right", "right")
    return tabulate(rows, head, tablefmt="pipe", colalign=sides, disable_numparse=True)


def conditions(trials: list[Trial]) -> str:
    """Return where and when the faults were made, and what they took."""
    memory = max(trial.memory for trial in trials)
    seconds = sum(trial.seconds for trial in trials)
    return (
        f"{datetime.date.today()}: {platform.system()}, {counted(os.cpu_count() or 1, 'core')}, "
        f"Python {platform.python_version()}, torch {torch.__version__}. The largest process took "
        f"{memory:,.0f} MB; all faults together took {seconds / 60:.0f} minutes of a core."
    )


def write(trials: list[Trial]) -> None:
    """Write the table where docs/reliability.md has it."""
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(MARKS[0])[0], text.split(MARKS[1])[1]
    content = f"{before}{MARKS[0]}\n{conditions(trials)}\n\n{table(trials)}\n\n{MARKS[1]}{after}"
    PAGE.write_text(content, encoding="utf-8")
