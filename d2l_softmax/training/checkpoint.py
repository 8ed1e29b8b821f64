"""checkpoint.pt: all that a training needs to go on, in one file, written whole or not at all.

Every other file of a run can be made from it again. So it is written first, and where the others
say something else, they are behind.
"""

import io
import itertools
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from d2l_softmax.errors import UserError
from d2l_softmax.io import DamagedFileError, read_saved, write_atomically
from d2l_softmax.training.fit import EpochRecord

NAME = "checkpoint.pt"
NUM_SUMS = 3  # that a page keeps in an epoch: losses, correct predictions, examples
MOST_BYTES = 1_000_000_000  # more than this project's models can need


class CheckpointError(UserError, ValueError):
    """A checkpoint can't be used; the message names the file and says why."""


class Checkpoint(NamedTuple):
    """Where a training stands.

    `config` is what config.json says; `history` has the epochs that ended; `progress` the position
    in the epoch under way, its sums, the seconds spent in it, and the optimizer's settings;
    `tensors` are W, b, what the optimizer remembers and the generators' states, by name.
    """

    config: dict[str, Any]
    history: list[EpochRecord]
    progress: dict[str, Any]
    tensors: dict[str, Tensor]

    @property
    def epochs_asked_for(self) -> int:
        """Return how many epochs the training was to have."""
        return self.config["options"]["epochs"]

    @property
    def is_finished(self) -> bool:
        """Tell whether the training had all its epochs."""
        return len(self.history) >= self.epochs_asked_for

    def place(self) -> str:
        """Return where the training stands, in words."""
        if batch := self.progress["batch"]:
            return f"in epoch {len(self.history) + 1}, after batch {batch}"
        return f"after epoch {len(self.history)} of {self.epochs_asked_for}"


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; what is no tensor is JSON, whose numbers have all their digits."""
    config, history, progress, tensors = checkpoint
    text = json.dumps({"config": config, "history": history, "progress": progress})
    tensors = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    buffer = io.BytesIO()
    torch.save({"text": text, "tensors": tensors}, buffer)
    write_atomically(path, buffer.getvalue())


def load_checkpoint(path: Path) -> Checkpoint | None:
    """Read what save_checkpoint wrote; None if there is no such file.

    Nothing in the file is executed, and its checksums are compared. Raises CheckpointError if it
    is no checkpoint, or damaged.
    """
    try:
        saved = read_saved(path, MOST_BYTES)
        text = json.loads(saved["text"])
        history = [EpochRecord(*record) for record in text["history"]]
        checkpoint = Checkpoint(text["config"], history, text["progress"], saved["tensors"])
        check(checkpoint)
        return checkpoint
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror}") from error
    except (DamagedFileError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(
            f"{path} is damaged or not a checkpoint of this project;",
            "leave {resume} out to start afresh",
        ) from error


def check(checkpoint: Checkpoint) -> None:
    """Raise TypeError, KeyError or ValueError unless all but the tensors is of its kind."""
    config, history, progress, _ = checkpoint
    numbers = [progress["seconds"], *progress["optimizer"].values()]
    widths = set()
    if progress["batch"]:
        sums = progress["sums"]
        rows = [sums["sums"], *sums["waiting"]]
        widths = set(map(len, rows))
        numbers += [sums["additions"], *itertools.chain(*rows)]
    for record in history:
        numbers += record.measurements().values()
    whole = [config["options"]["epochs"], progress["batch"], *(record.epoch for record in history)]
    if not (
        isinstance(config["run"], str)
        and all(isinstance(number, int) and number >= 0 for number in whole)
        and all(math.isfinite(number) for number in numbers)
        and widths <= {NUM_SUMS}
    ):
        raise ValueError("of other content")
