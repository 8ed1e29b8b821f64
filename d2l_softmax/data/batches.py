"""Data sets of labelled arrays, in memory or memory-mapped, and loaders of their batches."""

import copy
import itertools
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from numbers import Integral

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from d2l_softmax.data.augmentation import NUM_DRAWS, Augmentation
from d2l_softmax.errors import DatasetError

NUMPY_TYPES = {torch.float32: np.float32, torch.float64: np.float64}  # bfloat16 has no NumPy type
BLOCK = 1 << 20  # bytes that are read contiguously from a file
WINDOW = 64  # blocks whose examples are shuffled together
LARGEST_SIDE = 2048  # of resized images, in pixels


class ArrayDataset(Dataset):
    """Labelled examples in the format of their file, converted when they are looked up.

    Images are uint8: looking up a quarter of the bytes and scaling them is as fast as looking up
    floats. On the CPU, NumPy does both on one thread. torch would divide this little work among its
    threads, which wait for each other; under CPU contention that can take hundreds of times
    longer. `classes` has the name of each class.
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
        transform: Callable[[Tensor], Tensor] | None = None,
        notes: tuple[str, ...] = (),
    ):
        """Store images uint8 (n, h, w) or (n, h, w, c), or features (n, d), and labels int64 (n,).

        Looked-up examples have `dtype`, and images the size `resize`, in pixels, if it is given.
        `rows` selects a subset. `name` is used in error messages. Arrays are moved to the device,
        except memory-mapped ones.

        Raises ValueError if there are no examples, if the numbers of images and labels differ, or
        if the size or the dtype is invalid.
        """
        if not len(images) == len(labels) > 0:
            raise ValueError(
                f"{len(images)} images and {len(labels)} labels, expected equal numbers, "
                "and at least one"
            )
        if not dtype.is_floating_point:
            raise ValueError(f"dtype is {dtype}, expected a floating-point type")
        self.device = torch.device(device or "cpu")
        self.precision = torch.float64
        if self.device.type == "mps":  # Apple's GPU has no float64
            self.precision = torch.float32
            if not isinstance(images, np.memmap) and images.dtype in (np.float64, torch.float64):
                images = as_tensor(images).to(torch.float32)
        stored_on = "cpu" if isinstance(images, np.memmap) else self.device
        self.images, self.labels = as_tensor(images).to(stored_on), labels.to(stored_on)
        self.rows = None if rows is None else rows.to(stored_on)
        self.classes, self.name = tuple(classes), name
        self.transform, self.notes = transform, notes
        self.size = parse_size(resize)
        self.dtype = dtype
        is_gray, is_kept = self.images.dim() == 3, self.size in ([], list(self.images.shape[1:]))
        self.standardization: tuple[Tensor, Tensor] | None = None
        self.gray = None  # (n, 1, h, w), if batches need only a look-up and a division
        is_plain = is_gray and is_kept and not transform
        if is_plain and self.device.type == "cpu" and dtype in NUMPY_TYPES:
            self.gray = self.images.unsqueeze(1).numpy()

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of a looked-up example: (c, h, w) or, for features, (d,)."""
        sides = self.images.shape[1:]
        if len(sides) == 1:
            return tuple(sides)
        height, width = self.size or sides[:2]
        return (sides[2] if len(sides) == 3 else 1, height, width)

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.labels if self.rows is None else self.rows)

    def __getitem__(self, index: int | Tensor) -> tuple[Tensor, Tensor]:
        """Look up an example and its label, or for indices (n,) a batch: X (n, ...) and y (n,)."""
        if not isinstance(index, Tensor):
            X, y = self[torch.tensor([range(len(self))[index]], device=self.labels.device)]
            return X[0], y[0]
        if self.gray is None:
            return self.look_up(index)
        rows = index.numpy() if self.rows is None else self.rows[index].numpy()
        X = np.divide(self.gray.take(rows, axis=0), 255, dtype=NUMPY_TYPES[self.dtype])
        return torch.from_numpy(X), torch.from_numpy(self.labels.numpy().take(rows))

    def look_up(
        self, index: Tensor, vary: Callable[[Tensor], Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Look up a batch of any kind of examples; change images by `vary` if it is given."""
        index = index.to(self.labels.device)
        if self.rows is not None:
            index = self.rows[index]
        X, y = take_rows(self.images, index), take_rows(self.labels, index).to(self.device)
        X = self.convert_images(X) if X.dim() > 2 else self.convert_features(X, index)
        X = vary(X) if vary else X
        if self.standardization:
            mean, std = self.standardization
            X = (X.to(self.precision) - mean) / std
        X = X.to(self.dtype)
        return (self.transform(X) if self.transform else X), y

    def standardized(self, mean: Tensor, std: Tensor) -> "ArrayDataset":
        """Return a copy with standardized examples, (X - mean) / std; arrays are shared.

        `mean` and `std` are per channel (c,), or per feature (d,).
        """
        dataset = copy.copy(self)
        dataset.gray = None
        shape = len(mean), *[1] * (len(self.shape) - 1)
        mean, std = (each.to(self.precision).reshape(shape).to(self.device) for each in (mean, std))
        dataset.standardization = mean, std
        return dataset

    def largest_class(self) -> tuple[float, str]:
        """Return the share of the largest class, 0 to 1, and its name."""
        labels = self.labels if self.rows is None else self.labels[self.rows]
        counts = torch.bincount(labels, minlength=len(self.classes))
        largest = int(counts.argmax())
        return float(counts[largest]) / len(labels), self.classes[largest]

    def checksum(self) -> int:
        """Return a CRC-32 of all labels and about a thousand examples, to recognize the data."""
        n = len(self.labels)
        sample = torch.arange(0, n, max(1, n // 1000), device=self.labels.device)
        checksum = zlib.crc32(repr((self.images.shape, self.classes, len(self))).encode())
        for tensor in (self.labels, take_rows(self.images, sample)):
            checksum = zlib.crc32(tensor.numpy(force=True).tobytes(), checksum)
        return checksum

    def convert_images(self, X: Tensor) -> Tensor:
        """Convert images uint8 to the model's input (n, c, h, w), in [0, 1], on the device."""
        X = X.unsqueeze(1) if X.dim() == 3 else X.permute(0, 3, 1, 2).contiguous()
        X = X.to(self.device)
        if self.size not in ([], list(X.shape[2:])):
            from torchvision.transforms.v2.functional import resize

            X = resize(X, self.size, antialias=True)
        if self.device.type == "cpu" and self.dtype in NUMPY_TYPES:
            return torch.from_numpy(np.divide(X.numpy(), 255, dtype=NUMPY_TYPES[self.dtype]))
        return X.to(self.dtype).div_(255)

    def convert_features(self, X: Tensor, index: Tensor) -> Tensor:
        """Return features (n, d) on the device; DatasetError if one is infinite or NaN."""
        X = X.to(self.dtype if self.standardization is None else self.precision)
        finite = X.isfinite().all(dim=1)
        if not finite.all():
            raise DatasetError(
                f"{self.name}: example {int(index[~finite][0])} (from 0) has a feature that is "
                f"infinite, NaN or too large for {X.dtype};",
                "replace it, or remove the example",
            )
        return X.to(self.device)


class ArrayLoader(DataLoader):
    """A DataLoader that looks up whole batches, without worker processes and collating.

    The standard iteration of a DataLoader costs 20 µs a batch, more than the look-up. `num_workers`
    and related arguments are not available.
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
        drop_last: bool = False,
        augment: Augmentation | None = None,
    ):
        """Read the data set in batches; with `shuffle`, in a new random order in every epoch.

        The order is drawn on the CPU, from `generator` or torch's global generator. With
        `by_blocks`, disk reads are nearly sequential, see `windows`. With `augment`, images are
        varied at random in every epoch; DatasetError if the data set has features.
        """
        if augment and len(dataset.shape) != 3:
            raise DatasetError(
                f"{dataset.name} has features;", "leave {augment} out, or the recipe with it"
            )
        if is_positive_int(batch_size):
            batch_size = int(batch_size)  # a DataLoader refuses NumPy's integers
        super().__init__(
            dataset, batch_size, shuffle=shuffle, generator=generator, drop_last=drop_last
        )
        self.shuffle, self.by_blocks, self.augment = shuffle, by_blocks, augment

    def with_dataset(self, dataset: ArrayDataset, batch_size: int | None = None) -> "ArrayLoader":
        """Return a loader of another data set, and batch size if given, with the same settings."""
        return ArrayLoader(
            dataset,
            batch_size or self.batch_size,
            shuffle=self.shuffle,
            by_blocks=self.by_blocks,
            generator=self.generator,
            drop_last=self.drop_last,
            augment=self.augment,
        )

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:  # type: ignore[override]
        """Yield an epoch's batches X (n, ...) and y (n,); the last may be smaller."""
        return self.batches()

    def batches(self, first: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield an epoch's batches from number `first` (from 0); earlier ones are not looked up."""
        steps = self.steps(first)
        if self.drop_last:
            steps = (each for each in steps if len(each[0]) == self.batch_size)
        return (self.look_up(*step) for step in steps)

    def steps(self, first: int = 0) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Yield the indices (n,) and the draws of each batch from number `first` (from 0).

        The draws (n, NUM_DRAWS) are the random numbers of the augmentation, None without it. They
        depend only on a seed for the epoch and on the batch's number. So a training that is resumed
        at a batch, or divided among ranks, has the same draws.
        """
        seed = None
        if self.augment:
            seed = int(torch.randint(2**62, (), generator=self.generator, device="cpu"))
        for number, indices in itertools.islice(enumerate(self.indices()), first, None):
            draws = None
            if seed is not None:
                generator = torch.Generator().manual_seed(seed + number)
                draws = torch.rand(len(indices), NUM_DRAWS, generator=generator, device="cpu")
            yield indices, draws

    def look_up(self, indices: Tensor, draws: Tensor | None) -> tuple[Tensor, Tensor]:
        """Look up a batch X (n, ...) and y (n,), augmented with the draws if there are any."""
        augment = self.augment
        if augment is None or draws is None:
            return self.dataset[indices]
        return self.dataset.look_up(indices, lambda X: augment(X, draws))

    def indices(self) -> Iterator[Tensor]:
        """Yield the indices (n,) of each batch; they are the same for every device."""
        n, size = len(self.dataset), self.batch_size
        if self.shuffle and self.by_blocks:
            yield from rebatch(self.windows(), size)
        elif self.shuffle:
            order = torch.randperm(n, generator=self.generator, device="cpu")
            yield from order.to(self.dataset.labels.device).split(size)  # moved once per epoch
        else:
            for start in range(0, n, size):
                yield torch.arange(start, min(start + size, n), device=self.dataset.labels.device)

    def windows(self) -> Iterator[Tensor]:
        """Yield the indices of an epoch in windows (m,).

        The data are divided into contiguous blocks, which are shuffled. A window is WINDOW blocks,
        whose examples are shuffled together. So the disk is read in whole blocks.
        """
        n, example = len(self.dataset), self.dataset.images[0]
        size = max(1, BLOCK // (example.numel() * example.element_size()))  # examples in a block
        blocks = torch.randperm(-(-n // size), generator=self.generator, device="cpu")
        for window in blocks.split(WINDOW):
            indices = (window.unsqueeze(1) * size + torch.arange(size, device="cpu")).flatten()
            indices = indices[indices < n]
            order = torch.randperm(len(indices), generator=self.generator, device="cpu")
            yield indices[order]


def rebatch(windows: Iterator[Tensor], size: int) -> Iterator[Tensor]:
    """Regroup windows of indices (m,) into batches (size,); the last may be smaller."""
    rest = torch.empty(0, dtype=torch.int64, device="cpu")
    for window in windows:
        *full, rest = torch.cat([rest, window]).split(size)
        yield from full
    yield rest


def as_tensor(array: Tensor | np.ndarray) -> Tensor:
    """Return an array as a tensor that shares its memory."""
    if isinstance(array, Tensor):
        return array
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the array is read-only, and nothing writes to it
        return torch.from_numpy(array)


def take_rows(table: Tensor, index: Tensor) -> Tensor:
    """Return the rows at the indices (n,), which have to be on the table's device."""
    if table.device.type == "cpu":
        return torch.from_numpy(table.numpy().take(index.numpy(), axis=0))
    return table.index_select(0, index)  # 5 to 10 times faster than table[index]


def parse_size(resize: int | tuple[int, int] | None) -> list[int]:
    """Return [height, width] in pixels, [] for None; ValueError for other values.

    A side has at most LARGEST_SIDE pixels.
    """
    if resize is None:
        return []
    size = list(resize) if isinstance(resize, Iterable) else [resize, resize]
    if len(size) != 2 or not all(is_positive_int(side) and side <= LARGEST_SIDE for side in size):
        raise ValueError(
            f"resize is {resize!r}, expected a side or (height, width) of 1 to {LARGEST_SIDE:,} "
            "pixels"
        )
    return [int(side) for side in size]


def is_positive_int(value: object) -> bool:
    """Return True if a value is an integer of at least 1, of Python or NumPy, but not a bool."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1
