"""model.json: what a model's inputs and outputs are, written beside model.pt."""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

from d2l_softmax.io import DamagedFileError, read_regular_file, write_json
from d2l_softmax.storage.results import ModelFileError

MOST_BYTES = 100_000_000  # a class's name may be long, and there may be 100,000
# how pictures of one's own become examples, where examples are images
AS_FASHION_MNIST = "as Fashion-MNIST was made"  # see data/pictures.py
RESIZED = "resized"


class Description(NamedTuple):
    """The data that a model was trained on, the names of its classes, and what it is given.

    An example is of the `shape` (c, h, w), pixels in [0, 1], or (d,), features. `resize` is the
    size (h, w) that images were brought to, None if they kept theirs. `pictures` says how a
    picture of one's own becomes an example: AS_FASHION_MNIST, RESIZED, or None for features.
    """

    data: str
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    resize: tuple[int, int] | None
    pictures: str | None

    @property
    def num_inputs(self) -> int:
        """Return d, how many numbers an example has."""
        return math.prod(self.shape)

    @property
    def has_images(self) -> bool:
        """Tell whether examples are images, not features."""
        return len(self.shape) == 3

    @property
    def scale(self) -> float | None:
        """Return what pixels of 0 to 255 are multiplied by; None for features, taken as is."""
        return 1 / 255 if self.has_images else None

    def as_json(self) -> dict[str, Any]:
        """Return what model.json says."""
        return self._asdict() | {"scale": self.scale}

    def in_words(self) -> str:
        """Return shape and number of classes, such as `3x32x32 in 40 classes`."""
        return f"{'x'.join(map(str, self.shape))} in {len(self.classes):,} classes"


def path_beside(model: Path) -> Path:
    """Return the path of the description of a model.pt."""
    return model.with_suffix(".json")


def save_description(model: Path, description: Description) -> None:
    """Write what a model's inputs and outputs are, beside it."""
    write_json(path_beside(model), description.as_json())


def load_description(model: Path, if_missing: Description) -> Description:
    """Read what is said of a model beside it; ModelFileError if that is nothing of the kind."""
    path = path_beside(model)
    try:
        content = json.loads(read_regular_file(path, MOST_BYTES))
        data, classes = content["data"], tuple(content["classes"])
        # Earlier versions did not write it. Data of one's own may have the same name.
        is_alike = (data, classes) == (if_missing.data, if_missing.classes)
        pictures = content.get("pictures", if_missing.pictures if is_alike else RESIZED)
        resize = content["resize"] and tuple(content["resize"])
        description = Description(data, classes, tuple(content["shape"]), resize, pictures)
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
    data, classes, shape, resize, pictures = description
    if not (
        all(isinstance(text, str) for text in (data, *classes))
        and all(type(side) is int and side > 0 for side in (*shape, *(resize or ())))
        and len(classes) == len(set(classes)) >= 2
        and len(shape) in (1, 3)
        and (resize is None or (len(shape) == 3 and resize == shape[1:]))
        and pictures in (AS_FASHION_MNIST, RESIZED, None)
        and (pictures != AS_FASHION_MNIST or shape == (1, *(resize or (28, 28))))
    ):
        raise ValueError("of other content")
