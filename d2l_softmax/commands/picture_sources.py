"""Where the pictures that `predict` is asked about come from, and how each becomes an input."""

import argparse
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

from d2l_softmax.data.pictures import load_picture, to_example
from d2l_softmax.data.preprocessing import THE_PICTURE, Preprocessed, preprocess
from d2l_softmax.description import AS_FASHION_MNIST, Description
from d2l_softmax.errors import UserError
from d2l_softmax.figures.style import as_pixels
from d2l_softmax.models import OtherDataError, load_test_data


class Source(NamedTuple):
    """A picture's name, the stem of its drawing's, and what reads it."""

    name: str
    stem: str
    read: Callable[[], Preprocessed]


def sources_of(
    options: argparse.Namespace, paths: Sequence[Path], description: Description
) -> list[Source]:
    """Return the sources of the pictures, or of the image of the test set, that options name."""
    if options.index is not None:
        X = example_of(options, description)
        name = f"test-{options.index}"
        return [Source(name, name, lambda: Preprocessed(X, {}, ()))]
    if paths and not description.has_images:
        raise OtherDataError(
            f"the model is for {description.in_words()}, which are features; a picture can't be one"
        )
    return [
        Source(
            str(path),
            path.stem,
            functools.partial(read_picture, path, description, options.invert),
        )
        for path in paths
    ]


def example_of(options: argparse.Namespace, description: Description) -> Tensor:
    """Return the example (1, ...) of the test data that --index names."""
    dataset = load_test_data(options, description).dataset
    if options.index >= len(dataset):
        raise UserError(
            f"there is no test example {options.index:,};",
            f"choose one with {{index}} from 0 to {len(dataset) - 1:,}",
        )
    return dataset[options.index][0].unsqueeze(0)


def read_picture(file: Path, description: Description, invert: str) -> Preprocessed:
    """Read a picture file and make it the model's input; the first step is the picture itself."""
    picture = load_picture(file)
    if description.pictures != AS_FASHION_MNIST:
        return Preprocessed(to_example(description.shape, picture, invert), {THE_PICTURE: picture})
    prepared = preprocess(picture, invert)
    if not description.resize:
        return prepared
    size = list(description.resize)
    X = torch.nn.functional.interpolate(prepared.X, size, mode="bilinear", antialias=True)
    return prepared._replace(X=X)


def as_picture(X: Tensor) -> Image.Image | None:
    """Return an image (1, c, h, w) in [0, 1] as a picture, None for features (1, d)."""
    if X.dim() == 2:
        return None
    pixels = (X[0] * 255).round().to(torch.uint8)
    return Image.fromarray(as_pixels(pixels).astype("uint8"))
