"""model.json: what a model's inputs and outputs are, written beside model.pt."""

import json
import math
from pathlib import Path
from typing import NamedTuple

from d2l_softmax.storage.files import write_json
from d2l_softmax.storage.results import ModelFileError
from d2l_softmax.storage.tensors import DamagedFileError, read_regular_file

MOST_BYTES = 100_000_000  # a class's name may be long, and there may be 100,000


class Description(NamedTuple):
    """The data that a model was trained on, the names of its classes, and what it is given.

    An example is of the `shape` (c, h, w), pixels in [0, 1], or (d,), features. `resize` is the
    size (h, w) that images were brought to, None if they kept theirs.
    """

    data: str
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    resize: tuple[int, int] | None

    @property
    def num_inputs(self) -> int:
        """Return d, how many numbers an example has."""
        return math.prod(self.shape)

    @property
    def has_images(self) -> bool:
        """Tell whether examples are images, not features."""
        return len(self.shape) == 3

    def in_words(self) -> str:
        """Return shape and number of classes, such as `3x32x32 in 40 classes`."""
        return f"{'x'.join(map(str, self.shape))} in {len(self.classes):,} classes"


def path_beside(model: Path) -> Path:
    """Return the path of the description of a model.pt."""
    return model.with_suffix(".json")


def save_description(model: Path, description: Description) -> None:
    """Write what a model's inputs and outputs are, beside it."""
    write_json(path_beside(model), description._asdict())


def load_description(model: Path, if_missing: Description) -> Description:
    """Read what is said of a model beside it; ModelFileError if that is nothing of the kind."""
    path = path_beside(model)
    try:
        content = json.loads(read_regular_file(path, MOST_BYTES))
        description = Description(
            content["data"],
            tuple(content["classes"]),
            tuple(content["shape"]),
            content["resize"] and tuple(content["resize"]),
        )
        check(description)
        return description
    except FileNotFoundError:
        return if_missing
    except OSError as error:
        raise ModelFileError(f"{path} can't be read: {error.strerror}") from error
    except (DamagedFileError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelFileError(f"{path} is damaged or does not describe a model") from error


def check(description: Description) -> None:
    """Raise ValueError unless a description can be that of a model."""
    data, classes, shape, resize = description
    if not (
        all(isinstance(text, str) for text in (data, *classes))
        and all(type(side) is int and side > 0 for side in (*shape, *(resize or ())))
        and len(classes) == len(set(classes)) >= 2
        and len(shape) in (1, 3)
        and (resize is None or (len(shape) == 3 and resize == shape[1:]))
    ):
        raise ValueError("of other content")
