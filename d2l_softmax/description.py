"""model.json: the inputs and classes of a model, written beside model.pt."""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

from d2l_softmax.data.appearance import Appearance
from d2l_softmax.data.fashion_mnist import CLASSES, FASHION_MNIST
from d2l_softmax.errors import UserError
from d2l_softmax.io import DamagedFileError, read_regular_file, write_json

# The preprocessing of picture files, for models of images
AS_FASHION_MNIST = "as Fashion-MNIST was made"  # see data/preprocessing.py
RESIZED = "resized"
LOWEST_TEMPERATURE = 0.01  # far below any fitted value; float32 logits do not overflow
MAX_BYTES = 100_000_000  # enough for 100,000 classes with long names


class ModelFileError(UserError, ValueError):
    """A model file can't be loaded or saved; the message names the file and the reason."""


class Photographs(NamedTuple):
    """A model's results on photographs: it classified `right` of `of` photographs correctly.

    Dividing the logits of photographs by `temperature` gives calibrated probabilities.
    """

    temperature: float
    right: int
    of: int

    def check(self) -> None:
        """Raise ValueError unless the values are valid."""
        temperature, right, of = self
        if not (
            type(temperature) in (int, float)
            and LOWEST_TEMPERATURE <= temperature <= 1 / LOWEST_TEMPERATURE
            and type(right) is type(of) is int
            and 0 <= right <= of
            and of > 0
        ):
            raise ValueError("not results on photographs")


# For the models of Fashion-MNIST of each recipe, measured on 264 photographs by ordinary people,
# the validation split of clothing-dataset-small (`python -m benchmarks photographs` of 329f275).
PHOTOGRAPHS = {
    "book": Photographs(2.86, 82, 264),
    "best": Photographs(3.23, 86, 264),
    "photos": Photographs(1.76, 126, 264),
}


class Description(NamedTuple):
    """The inputs and classes of a model: the content of model.json.

    `data` is the name of the data set. `shape` is that of an example: (c, h, w) for images with
    pixels in [0, 1], (d,) for features. `resize` is the size (h, w) to which images were resized,
    or None. `pictures` is the preprocessing of picture files: AS_FASHION_MNIST, RESIZED, or None
    for features. `appearance` describes custom training images, and `photographs` has the accuracy
    on photographs; each is None if it was not measured.
    """

    data: str
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    resize: tuple[int, int] | None
    pictures: str | None
    appearance: Appearance | None = None
    photographs: Photographs | None = None

    @property
    def num_inputs(self) -> int:
        """Return d, the number of values in an example."""
        return math.prod(self.shape)

    @property
    def has_images(self) -> bool:
        """Return True if examples are images, False if they are features."""
        return len(self.shape) == 3

    @property
    def temperature(self) -> float:
        """Return the temperature for photographs, 1 if it was not measured."""
        return self.photographs.temperature if self.photographs else 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return the content of model.json; `scale` is the factor for pixels from 0 to 255."""
        appearance = self.appearance and self.appearance._asdict()
        photographs = self.photographs and self.photographs._asdict()
        scale = 1 / 255 if self.has_images else None
        return self._asdict() | {
            "appearance": appearance,
            "photographs": photographs,
            "scale": scale,
        }

    def in_words(self) -> str:
        """Return the shape and the number of classes, such as `3x32x32 in 40 classes`."""
        if self.has_images:
            shape = "x".join(map(str, self.shape))
        else:
            shape = f"{self.num_inputs:,} feature{'s' if self.num_inputs > 1 else ''}"
        return f"{shape} in {len(self.classes):,} classes"

    def check(self) -> None:
        """Raise ValueError or TypeError unless the inputs and classes are consistent."""
        data, classes, shape, resize, pictures, appearance, photographs = self
        if not (
            all(isinstance(text, str) for text in (data, *classes))
            and all(type(side) is int and side > 0 for side in (*shape, *(resize or ())))
            and len(classes) == len(set(classes)) >= 2
            and len(shape) in (1, 3)
            and (resize is None or (len(shape) == 3 and resize == shape[1:]))
            and pictures in (AS_FASHION_MNIST, RESIZED, None)
            and (pictures != AS_FASHION_MNIST or shape == (1, *(resize or (28, 28))))
            and (appearance is None or pictures == RESIZED)
            and (photographs is None or pictures == AS_FASHION_MNIST)
        ):
            raise ValueError("not a description of a model")
        if photographs:
            photographs.check()


# For a model.pt without model.json, as early versions wrote it
OF_FASHION_MNIST = Description(FASHION_MNIST, CLASSES, (1, 28, 28), None, AS_FASHION_MNIST)


def description_path(model_path: Path) -> Path:
    """Return the path of model.json for a model file: the suffix is replaced by .json."""
    return model_path.with_suffix(".json")


def save_description(model_path: Path, description: Description) -> None:
    """Write the description of a model beside the model file; OutputError if that fails."""
    write_json(description_path(model_path), description.to_dict())


def load_description(model_path: Path) -> Description:
    """Read the description beside a model file; without one, return OF_FASHION_MNIST.

    Raises ModelFileError if the description is damaged or invalid.
    """
    path = description_path(model_path)
    try:
        content = json.loads(read_regular_file(path, MAX_BYTES))
        appearance, photographs = content["appearance"], content["photographs"]
        description = Description(
            content["data"],
            tuple(content["classes"]),
            tuple(content["shape"]),
            content["resize"] and tuple(content["resize"]),
            content["pictures"],
            appearance and Appearance.from_dict(appearance),
            photographs and Photographs(**photographs),
        )
        description.check()
        return description
    except FileNotFoundError:
        return OF_FASHION_MNIST
    except OSError as error:
        raise ModelFileError(f"{path} can't be read: {error.strerror}") from error
    except (DamagedFileError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelFileError(f"{path} is damaged or does not describe a model") from error
