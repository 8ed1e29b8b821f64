"""Labelled examples in an array, and the loader that looks their batches up.

The array is in memory, or in a file that is mapped into memory and may be larger than it.
"""

import itertools
import warnings
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from d2l_softmax.errors import UserError

NUMPY_TYPES = {torch.float32: np.float32, torch.float64: np.float64}  # bfloat16 is none of them
BLOCK = 1 << 20  # bytes that lie next to each other, when a pass is shuffled by blocks
WINDOW = 64  # blocks whose examples are shuffled among each other


class NotFiniteError(UserError, ValueError):
    """A feature is infinite or NaN; the message says in which example."""


class ArrayDataset(Dataset):
    """Examples in an array, as they are in a file, and their labels; prepared when looked up.

    Images are uint8: looking up a quarter of the bytes and scaling after is as fast as looking up
    floats. On the CPU NumPy does both, on one thread: torch divides work this small among its
    threads, and where other programs keep the cores busy these wait for one another, up to
    hundreds of times longer. `classes` has the name of each class.
    """

    def __init__(
        self,
        images: Tensor | np.ndarray,
        labels: Tensor,
        classes: Sequence[str],
        *,
        resize: int | tuple[int, int] | None = None,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = "cpu",
        rows: Tensor | None = None,
        name: str = "the data",
    ):
        """Keep images (n, h, w) or (n, h, w, c) uint8, or features (n, d), and labels (n,) int64.

        What is looked up is of the dtype and, if it is images, of the size `resize`, in pixels, if
        that is given. With `rows` only these are the data set; errors call it `name`. All is kept
        on the device, but a file that is mapped into memory stays where it is.

        Raises ValueError if there are no examples, not as many labels, or if size or dtype can't
        be.
        """
        if not len(images) == len(labels) > 0:
            raise ValueError(
                f"{len(images)} images and {len(labels)} labels, expected as many of both, "
                "and at least one"
            )
        if not dtype.is_floating_point:
            raise ValueError(f"dtype is {dtype}, expected a floating-point type")
        self.device = torch.device(device or "cpu")
        home = "cpu" if isinstance(images, np.memmap) else self.device
        self.images, self.labels = as_tensor(images).to(home), labels.to(home)
        self.rows = None if rows is None else rows.to(home)
        self.classes, self.name = tuple(classes), name
        self.size = sides_of(resize)
        self.dtype = dtype
        is_gray, is_kept = self.images.dim() == 3, self.size in ([], list(self.images.shape[1:]))
        self.gray = None  # (n, 1, h, w), where a look-up and a division make a batch
        if is_gray and is_kept and self.device.type == "cpu" and dtype in NUMPY_TYPES:
            self.gray = self.images.unsqueeze(1).numpy()

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of an example that is looked up: (c, h, w) or, for features, (d,)."""
        sides = self.images.shape[1:]
        if len(sides) == 1:
            return tuple(sides)
        height, width = self.size or sides[:2]
        return (sides[2] if len(sides) == 3 else 1, height, width)

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.labels if self.rows is None else self.rows)

    def __getitem__(self, index: int | Tensor) -> tuple[Tensor, Tensor]:
        """Return one example and label, or for indices (n,) a batch of them: (n, ...) and (n,)."""
        if not isinstance(index, Tensor):
            X, y = self[torch.tensor([range(len(self))[index]], device=self.labels.device)]
            return X[0], y[0]
        if self.gray is not None:  # the same as below, in far fewer calls
            rows = index.numpy() if self.rows is None else self.rows[index].numpy()
            X = np.divide(self.gray.take(rows, axis=0), 255, dtype=NUMPY_TYPES[self.dtype])
            return torch.from_numpy(X), torch.from_numpy(self.labels.numpy().take(rows))
        index = index.to(self.labels.device)
        if self.rows is not None:
            index = self.rows[index]
        X, y = rows_of(self.images, index), rows_of(self.labels, index).to(self.device)
        return (self.from_images(X) if X.dim() > 2 else self.from_features(X, index)), y

    def checksum(self) -> int:
        """Return a CRC-32 of all labels and of a thousand examples, which tells data apart."""
        n = len(self.labels)
        some = torch.arange(0, n, max(1, n // 1000), device=self.labels.device)
        checksum = zlib.crc32(repr((self.images.shape, self.classes, len(self))).encode())
        for part in (self.labels, rows_of(self.images, some)):
            checksum = zlib.crc32(part.numpy(force=True).tobytes(), checksum)
        return checksum

    def from_images(self, X: Tensor) -> Tensor:
        """Return images as the model's input (n, c, h, w), in [0, 1], on the device."""
        X = X.unsqueeze(1) if X.dim() == 3 else X.permute(0, 3, 1, 2).contiguous()
        X = X.to(self.device)
        if self.size not in ([], list(X.shape[2:])):
            from torchvision.transforms.v2.functional import resize

            X = resize(X, self.size, antialias=True)
        return scaled(X, self.dtype)

    def from_features(self, X: Tensor, index: Tensor) -> Tensor:
        """Return features (n, d) as the model's input, on the device; NotFiniteError for NaN."""
        X = X.to(self.dtype)
        finite = X.isfinite().all(dim=1)
        if not finite.all():
            raise NotFiniteError(
                f"{self.name}: example {int(index[~finite][0])}, from 0, has a feature that is "
                "infinite or NaN;",
                "replace it, or leave the example out",
            )
        return X.to(self.device)


class ArrayLoader(DataLoader):
    """A DataLoader that looks up whole batches itself: no worker processes, no collating.

    What serves these costs 20 µs a batch, more than the look-up. `num_workers` and other
    arguments that concern them are not taken.
    """

    dataset: ArrayDataset
    batch_size: int

    def __init__(
        self,
        dataset: ArrayDataset,
        batch_size: int,
        *,
        shuffle: bool = False,
        by_blocks: bool = False,
        generator: torch.Generator | None = None,
    ):
        """Read the data set in batches; with `shuffle` in a new random order in every pass.

        The order comes from the generator, a CPU one, or from torch's global one. With `by_blocks`
        it is such that a disk is read in long runs: see `windows`.
        """
        super().__init__(dataset, batch_size, shuffle=shuffle, generator=generator)
        self.shuffle, self.by_blocks = shuffle, by_blocks

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:  # type: ignore[override]
        """Yield a pass over the data: X (n, ...) and y (n,); the last batch may be smaller."""
        return self.batches()

    def batches(self, first: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield a pass from the batch `first` (from 0) on; those before are not looked up."""
        return map(self.dataset.__getitem__, itertools.islice(self.indices(), first, None))

    def indices(self) -> Iterator[Tensor]:
        """Yield the indices (n,) of each batch, drawn on the CPU: the same on every device."""
        n, size = len(self.dataset), self.batch_size
        if self.shuffle and self.by_blocks:
            yield from regrouped(self.windows(), size)
        elif self.shuffle:
            order = torch.randperm(n, generator=self.generator, device="cpu")
            yield from order.to(self.dataset.labels.device).split(size)  # moved once a pass
        else:
            for start in range(0, n, size):
                yield torch.arange(start, min(start + size, n), device=self.dataset.labels.device)

    def windows(self) -> Iterator[Tensor]:
        """Yield the indices of a pass, window by window.

        The data are cut into blocks, and the blocks shuffled; a window is some of them, whose
        examples are shuffled among each other. So a disk is read in runs of a block.
        """
        n, example = len(self.dataset), self.dataset.images[0]
        size = max(1, BLOCK // (example.numel() * example.element_size()))  # examples in a block
        blocks = torch.randperm(-(-n // size), generator=self.generator, device="cpu")
        for window in blocks.split(WINDOW):
            indices = (window.unsqueeze(1) * size + torch.arange(size, device="cpu")).flatten()
            indices = indices[indices < n]
            order = torch.randperm(len(indices), generator=self.generator, device="cpu")
            yield indices[order]


def regrouped(pieces: Iterator[Tensor], size: int) -> Iterator[Tensor]:
    """Yield the numbers in the pieces (m,) again, as pieces (size,); the last may be smaller."""
    rest = torch.empty(0, dtype=torch.int64, device="cpu")
    for piece in pieces:
        *whole, rest = torch.cat([rest, piece]).split(size)
        yield from whole
    if len(rest):
        yield rest


def as_tensor(array: Tensor | np.ndarray) -> Tensor:
    """Return an array as a tensor that shares its memory."""
    if isinstance(array, Tensor):
        return array
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a mapped file can't be written to, and isn't
        return torch.from_numpy(array)


def rows_of(table: Tensor, index: Tensor) -> Tensor:
    """Return the rows at the indices (n,), which are on the table's device, in their order."""
    if table.device.type == "cpu":
        return torch.from_numpy(table.numpy().take(index.numpy(), axis=0))
    return table.index_select(0, index)  # 5 to 10 times faster than table[index]


def scaled(images: Tensor, dtype: torch.dtype) -> Tensor:
    """Return uint8 images in [0, 1], each pixel divided by 255 in the dtype."""
    if images.device.type == "cpu" and dtype in NUMPY_TYPES:
        return torch.from_numpy(np.divide(images.numpy(), 255, dtype=NUMPY_TYPES[dtype]))
    return images.to(dtype).div_(255)


def sides_of(resize: int | tuple[int, int] | None) -> list[int]:
    """Return [height, width] in pixels, empty if images keep their size; ValueError if neither."""
    if resize is None:
        return []
    sides = [resize, resize] if isinstance(resize, int) else list(resize)
    if len(sides) != 2 or not all(map(is_positive_int, sides)):
        raise ValueError(f"resize is {resize!r}, expected a side or (height, width) in pixels")
    return sides


def is_positive_int(value: object) -> bool:
    """Return True if a value is an int of at least 1; True itself is not."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
