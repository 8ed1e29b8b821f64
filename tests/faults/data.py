"""A small data set instead of Fashion-MNIST: a thousand images that are accepted as genuine."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np

from d2l_softmax.data import sources

NUM_TRAIN, NUM_TEST = 800, 200
genuine: Path


def idx_of(array: np.ndarray, code: int = 8, shape: tuple[int, ...] | None = None) -> bytes:
    """Return an IDX file of an array; `shape` replaces the shape in its header."""
    shape = array.shape if shape is None else shape
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape) + array.tobytes()


def make(folder: Path) -> Path:
    """Write the data set, accept it as Fashion-MNIST in this process; return its directory.

    The directory SYSTEM_COPY has the files, too, so that damaged files can be replaced. `genuine`
    is set to the real data's directory, for processes that are not forked from this one.
    """
    global genuine
    genuine = sources.ensure_fashion_mnist()
    rng = np.random.default_rng(0)
    raw, copy = folder / "data" / "FashionMNIST" / "raw", folder / "copy"
    for each in (raw, copy):
        each.mkdir(parents=True)
    patterns = rng.integers(0, 200, (10, 28, 28))
    for name, number in (("train", NUM_TRAIN), ("t10k", NUM_TEST)):
        labels = rng.integers(0, 10, number)
        images = patterns[labels] + rng.integers(0, 56, (number, 28, 28))
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            content = idx_of(array.astype(np.uint8))
            file = f"{name}-{kind}-ubyte"
            (raw / file).write_bytes(content)
            (copy / f"{file}.gz").write_bytes(gzip.compress(content))
            sources.SHA256[file] = hashlib.sha256(content).hexdigest()
    sources.SYSTEM_COPY = copy
    sources.from_torchvision = sources.from_debian = no_network
    return folder / "data"


def no_network(raw: Path, missing: list[str]) -> None:
    """Raise the error of a source without a network."""
    raise OSError("no network")
