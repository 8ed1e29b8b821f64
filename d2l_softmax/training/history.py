"""The history of a training: a record for each epoch, written to and read from history.csv."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from d2l_softmax.io import write_csv


class EpochRecord(NamedTuple):
    """What is known after an epoch; the columns of history.csv.

    train_loss (nats) and train_acc are means over the epoch, each batch measured before its step;
    test_acc is measured after the epoch, as is valid_acc, which is there only if training images
    were held out; seconds are wall time of training and evaluation together.
    """

    epoch: int
    train_loss: float
    train_acc: float
    test_acc: float
    seconds: float
    valid_acc: float | None = None

    def measurements(self) -> dict[str, float]:
        """Return what was measured, by name."""
        return {name: value for name, value in self._asdict().items() if value is not None}

    def __str__(self) -> str:
        """Return the line that a run prints."""
        loss = f"{self.train_loss:.4f}" if self.train_loss < 1e4 else f"{self.train_loss:.3e}"
        valid = "" if self.valid_acc is None else f"valid acc {self.valid_acc:.4f}   "
        return (
            f"epoch {self.epoch:>3}   train loss {loss}   train acc {self.train_acc:.4f}   "
            f"{valid}test acc {self.test_acc:.4f}   {self.seconds:.2f} s"
        )


def save_history(path: Path, history: Sequence[EpochRecord]) -> None:
    """Write history.csv: a row for each epoch, numbers with all their digits, wall time in seconds.

    Raises OutputError if it can't be written.
    """
    rows = (record.measurements().values() for record in history)
    write_csv(path, history[0].measurements(), rows)


def load_history(path: Path) -> list[EpochRecord]:
    """Read a history.csv that save_history wrote."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        return [EpochRecord(int(row.pop("epoch")), *map(float, row.values())) for row in rows]
