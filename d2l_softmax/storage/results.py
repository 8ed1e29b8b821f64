"""A run's model and history, as files: model.pt, the same for both twins, and history.csv."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from d2l_softmax.errors import UserError
from d2l_softmax.io import DamagedFileError, read_saved, write_atomically, write_csv
from d2l_softmax.training.evaluation import Model
from d2l_softmax.training.fit import EpochRecord


def save_parameters(path: Path, model: Model) -> None:
    """Write {"W": (d, q), "b": (q,)}, the same for both twins, on the CPU and contiguous."""
    tensors = {"W": model.W, "b": model.b}
    buffer = io.BytesIO()
    torch.save({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, buffer)
    write_atomically(path, buffer.getvalue())


OVERHEAD = 100_000  # bytes of a model file that are no numbers, at most; torch writes about 1,500
SomeModel = TypeVar("SomeModel", bound=Model)


class ModelFileError(UserError, ValueError):
    """A model file can't be used; the message names the file and says why."""


def load_parameters(path: Path, model: SomeModel) -> SomeModel:
    """Copy W and b from a file that either twin wrote into a model of the same shapes; return it.

    Nothing in the file is executed. Raises ModelFileError if it is missing, unreadable, of other
    content or shapes, or has numbers that are not finite; the model is then as it was.
    """
    parameters = {"W": model.W, "b": model.b}
    most_numbers = sum(parameter.numel() for parameter in parameters.values())
    loaded = read_tensors(path, most_bytes=8 * most_numbers + OVERHEAD)  # in float64
    if loaded.keys() != parameters.keys():
        raise ModelFileError(f"{path} has {sorted(loaded)}, expected W and b")
    for name, parameter in parameters.items():
        if loaded[name].shape != parameter.shape:
            raise ModelFileError(
                f"{path}: {name} has shape {tuple(loaded[name].shape)}, "
                f"expected {tuple(parameter.shape)}"
            )
        loaded[name] = loaded[name].to(parameter.dtype)
        if not loaded[name].isfinite().all():
            raise ModelFileError(f"{path}: {name} has numbers that are not finite")
    # No logit of pixels in [0, 1] is larger than this.
    if not (loaded["W"].abs().sum(dim=0) + loaded["b"].abs()).isfinite().all():
        raise ModelFileError(f"{path}: the numbers are too large for {model.W.dtype}")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(loaded[name])
    return model


def read_tensors(path: Path, most_bytes: int) -> dict[str, Tensor]:
    """Return the floating-point tensors of a file, by name; ModelFileError for other content."""
    try:
        loaded = read_saved(path, most_bytes)
    except FileNotFoundError as error:
        raise ModelFileError(
            f"there is no model {path};", "train one first: make train-scratch"
        ) from error
    except OSError as error:
        raise ModelFileError(f"{path} can't be read: {error.strerror}") from error
    except DamagedFileError as error:
        raise ModelFileError(f"{path} is damaged or not a model of this project") from error
    if not isinstance(loaded, dict) or not all(
        isinstance(name, str) and is_plain(tensor) for name, tensor in loaded.items()
    ):
        raise ModelFileError(f"{path} is not a model of this project")
    return loaded


def is_plain(tensor: object) -> bool:
    """Tell whether something is a dense tensor of ordinary floating-point numbers."""
    return (
        isinstance(tensor, Tensor)
        and tensor.layout == torch.strided
        and tensor.device.type == "cpu"
        and not tensor.is_nested
        and tensor.dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    )


def save_history(path: Path, history: Sequence[EpochRecord]) -> None:
    """Write history.csv: one row an epoch, numbers with all their digits, seconds of wall time."""
    rows = (record.measurements().values() for record in history)
    write_csv(path, history[0].measurements(), rows)


def load_history(path: Path) -> list[EpochRecord]:
    """Read what save_history wrote."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        return [EpochRecord(int(row.pop("epoch")), *map(float, row.values())) for row in rows]
