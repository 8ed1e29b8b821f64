"""A table of trainings, as CSV: what each was asked for, and what came of it."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from d2l_softmax.errors import UserError
from d2l_softmax.io import DamagedFileError, read_regular_file, write_csv

MOST_BYTES = 100_000_000  # of a table; a training takes about 150
FINISHED, DIVERGED = "finished", "diverged"
Settings = tuple[str, ...]  # what a training was asked for, column by column, as the file has it


class TableError(UserError, ValueError):
    """A table can't be read; the message names the file and says why."""


class Result(NamedTuple):
    """What came of a training: the last columns of its row.

    The accuracies (0 to 1) and the loss (nats) are measured after the last epoch, those of
    `valid_…` on held-out images; all are NaN if the training diverged. `best_epoch` is the one
    after which `valid_acc` was highest, 0 if none ended; seconds are wall time.
    """

    state: str
    train_acc: float
    valid_acc: float
    valid_loss: float
    best_epoch: int
    seconds: float


class Table:
    """The trainings of a file, by what they were asked for; see `Result` for the rest of a row."""

    def __init__(self, path: Path, columns: Sequence[str]):
        """Read the file, if it is there; TableError if it has other columns, or no such rows."""
        self.path, self.columns = path, (*columns, *Result._fields)
        self.results: dict[Settings, Result] = {}
        try:
            text = read_regular_file(path, MOST_BYTES).decode("utf-8")
            head, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
            if tuple(head) != self.columns:
                raise ValueError("other columns")
            self.results = dict(read_row(row, len(columns)) for row in rows)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise TableError(f"{path} can't be read: {error.strerror}") from error
        except (DamagedFileError, ValueError, csv.Error) as error:
            raise TableError(
                f"{path} is damaged or not a table of this command;",
                "remove it, or choose another directory with {output_dir}",
            ) from error

    def add(self, settings: Settings, result: Result, first: Iterable[Settings]) -> None:
        """Add a training and write the file; `first` are those that come before all others.

        Raises OutputError if that fails; file and table are then as they were.
        """
        results = self.results | {settings: result}
        order = dict.fromkeys([*first, *results])
        write_csv(self.path, self.columns, ((*s, *results[s]) for s in order if s in results))
        self.results = results


def read_row(row: list[str], width: int) -> tuple[Settings, Result]:
    """Return the settings, the first so many columns, and the result; ValueError for others."""
    state, *accuracies_and_loss, best_epoch, seconds = row[width:]
    train_acc, valid_acc, valid_loss = map(float, accuracies_and_loss)
    if state not in (FINISHED, DIVERGED):
        raise ValueError(f"{state!r} is no state of a training")
    result = Result(state, train_acc, valid_acc, valid_loss, int(best_epoch), float(seconds))
    return tuple(row[:width]), result
