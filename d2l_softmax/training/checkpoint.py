"""Write and read checkpoint.pt: the state of a training run, a dictionary, written atomically.

Its keys: model, optimizer, scheduler, generators, epoch (completed epochs), batch (completed
batches of the next epoch), metric (sums over these batches), history, config, and the other keys of
`Training.state_dict`. It is written before the other files of a run, which can be restored from it.
"""

import io
from pathlib import Path
from typing import Any

import torch

from d2l_softmax.errors import UserError
from d2l_softmax.io import DamagedFileError, read_saved, write_atomically
from d2l_softmax.training.fit import Training

NAME = "checkpoint.pt"
MOST_BYTES = 1_000_000_000  # larger than any checkpoint of this project


class CheckpointError(UserError, ValueError):
    """A checkpoint can't be loaded; the message names the file and the reason."""


def save_checkpoint(path: Path, checkpoint: dict[str, Any]) -> None:
    """Write a training's state_dict and config; an OutputError leaves the old file unchanged."""
    buffer = io.BytesIO()
    torch.save(checkpoint, buffer)
    write_atomically(path, buffer.getvalue())


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """Read a checkpoint; None if there is no such file.

    Nothing in the file is executed, and its checksums are verified. Raises CheckpointError if the
    file is damaged or not a checkpoint.
    """
    try:
        checkpoint = read_saved(path, MOST_BYTES)
        counts = checkpoint["epoch"], checkpoint["batch"], epochs_of(checkpoint)
        if not all(isinstance(count, int) and count >= 0 for count in counts):
            raise ValueError("invalid number of epochs or batches")
        if not isinstance(checkpoint["config"]["twin"], str):
            raise ValueError("not a twin")
        return checkpoint
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror}") from error
    except (DamagedFileError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(
            f"{path} is damaged or not a checkpoint of this version;",
            "leave {resume} out to start over",
        ) from error


def resume_from(
    checkpoint: dict[str, Any], training: Training, checksums: list[int], path: Path
) -> None:
    """Load a checkpoint into a training; CheckpointError if it belongs to another training."""
    try:
        if checkpoint["config"]["checksums"] != checksums:
            raise ValueError("the data have changed since the training started")
        training.load_state_dict(checkpoint)
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} is damaged or belongs to another training: {error};",
            "leave {resume} out to start over",
        ) from error


def epochs_of(checkpoint: dict[str, Any]) -> int:
    """Return the total number of epochs of the training that wrote the checkpoint."""
    return checkpoint["config"]["options"]["epochs"]


def is_finished(checkpoint: dict[str, Any]) -> bool:
    """Return True if all epochs are completed."""
    return checkpoint["epoch"] >= epochs_of(checkpoint)


def position(checkpoint: dict[str, Any]) -> str:
    """Describe the position of a checkpoint, such as `after epoch 3 of 10`."""
    epoch, epochs = checkpoint["epoch"], epochs_of(checkpoint)
    if batch := checkpoint["batch"]:
        return f"in epoch {epoch + 1} of {epochs}, after batch {batch}"
    return f"after epoch {epoch} of {epochs}"
