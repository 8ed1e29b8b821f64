"""The history of a training run: a record per epoch, written to history.csv."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from d2l_softmax.io import write_csv


class EpochRecord(NamedTuple):
    """The measurements after an epoch; the columns of history.csv.

    train_loss (nats) and train_acc are running means: each batch is measured before its step. The
    test and validation values are measured after the epoch. valid_acc and valid_loss are None
    unless training images were held out. seconds is the wall time of training and evaluation.
    """

    epoch: int
    train_loss: float
    train_acc: float
    test_acc: float
    test_loss: float
    seconds: float
    valid_acc: float | None = None
    valid_loss: float | None = None

    def measurements(self) -> dict[str, float]:
        """Return the measurements that are not None, by name."""
        return {name: value for name, value in self._asdict().items() if value is not None}

    def __str__(self) -> str:
        """Return the line that is printed after an epoch."""
        pairs = {
            "train": (self.train_loss, self.train_acc),
            "valid": (self.valid_loss, self.valid_acc),
            "test": (self.test_loss, self.test_acc),
        }
        measured = "   ".join(
            f"{name} loss {format_loss(loss)}   {name} acc {acc:.4f}"
            for name, (loss, acc) in pairs.items()
            if loss is not None
        )
        return f"epoch {self.epoch:>3}   {measured}   {self.seconds:.2f} s"


def format_loss(loss: float) -> str:
    """Format a loss with four digits: 0.5317 or, if it is large, 1.234e+05."""
    return f"{loss:.4f}" if loss < 1e4 else f"{loss:.3e}"


def save_history(path: Path, history: Sequence[EpochRecord]) -> None:
    """Write history.csv: a row per epoch, with numbers in full precision.

    Raises OutputError if it can't be written.
    """
    names = history[-1].measurements()
    write_csv(path, names, ([getattr(record, name) for name in names] for record in history))
