"""What a run writes to disk and what is read back; every file is whole or not there."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from d2l_softmax.files import write_atomically
from d2l_softmax.training import EpochRecord


class Model(Protocol):
    """What is needed of a twin's model here: its parameters by their names in the mathematics."""

    W: Tensor  # (d, q)
    b: Tensor  # (q,)


def save_model(path: Path, model: Model) -> None:
    """Write {"W": (d, q), "b": (q,)}, the same for both twins, on the CPU and contiguous."""
    tensors = {"W": model.W, "b": model.b}
    buffer = io.BytesIO()
    torch.save({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, buffer)
    write_atomically(path, buffer.getvalue())


def save_history(path: Path, history: Sequence[EpochRecord]) -> None:
    """Write history.csv: one row an epoch, numbers with all their digits, seconds of wall time."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(EpochRecord._fields)
    writer.writerows(history)
    write_atomically(path, text.getvalue().encode())


def load_history(path: Path) -> list[EpochRecord]:
    """Read what save_history wrote."""
    with open(path, newline="") as file:
        rows = csv.DictReader(file)
        return [EpochRecord(int(r.pop("epoch")), *map(float, r.values())) for r in rows]


def save_config(path: Path, config: dict) -> None:
    """Write config.json: the options and versions that the run was made with."""
    write_atomically(path, (json.dumps(config, indent=2) + "\n").encode())
