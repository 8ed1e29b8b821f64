"""A data set of images in memory, and the loader that looks its batches up."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

NUMPY_TYPES = {torch.float32: np.float32, torch.float64: np.float64}  # bfloat16 is none of them


class InMemoryImages(Dataset):
    """Images (uint8, as they are in the file) and labels, in memory; scaled when looked up.

    Looking up a quarter of the bytes and scaling after is as fast as looking up floats. On the CPU
    NumPy does both, on one thread: torch divides work this small among its threads, and where
    other programs keep the cores busy these wait for one another, up to hundreds of times longer.
    `classes` has the name of each class.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        classes: Sequence[str],
        *,
        resize: int | tuple[int, int] | None = None,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = "cpu",
    ):
        """Keep images (n, h, w) uint8 and labels (n,) int64 on the device.

        What is looked up is of the dtype, and of the size `resize`, in pixels, if that is given.
        Raises ValueError if there are no images, not as many labels, or if size or dtype can't be.
        """
        if not len(images) == len(labels) > 0:
            raise ValueError(
                f"{len(images)} images and {len(labels)} labels, expected as many of both, "
                "and at least one"
            )
        if not dtype.is_floating_point:
            raise ValueError(f"dtype is {dtype}, expected a floating-point type")
        self.images = images.unsqueeze(1).to(device)  # (n, 1, h, w)
        self.labels = labels.to(device)
        self.classes = tuple(classes)
        self.size = sides_of(resize)
        self.dtype = dtype

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    def __getitem__(self, index: int | Tensor) -> tuple[Tensor, Tensor]:
        """Return one image (1, h, w) and label, or for indices (n,) a batch of them."""
        if not isinstance(index, Tensor):
            image, label = self[torch.tensor([range(len(self))[index]], device=self.labels.device)]
            return image[0], label[0]
        index = index.to(self.labels.device)
        images = rows_of(self.images, index)
        if self.size:
            from torchvision.transforms.v2.functional import resize

            images = resize(images, self.size, antialias=True)
        return scaled(images, self.dtype), rows_of(self.labels, index)


class InMemoryLoader(DataLoader):
    """A DataLoader that looks up whole batches itself: no worker processes, no collating.

    What serves these costs 20 µs a batch, more than the look-up. `num_workers` and other
    arguments that concern them are not taken.
    """

    dataset: InMemoryImages
    batch_size: int

    def __init__(
        self,
        dataset: InMemoryImages,
        batch_size: int,
        *,
        shuffle: bool = False,
        generator: torch.Generator | None = None,
    ):
        """Read the data set in batches; with `shuffle` in a new random order in every pass.

        The order comes from the generator, a CPU one, or from torch's global one.
        """
        super().__init__(dataset, batch_size, shuffle=shuffle, generator=generator)
        self.shuffle = shuffle

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:  # type: ignore[override]
        """Yield a pass over the data: X (n, 1, h, w) and y (n,); the last batch may be smaller."""
        return map(self.dataset.__getitem__, self.order().split(self.batch_size))

    def order(self) -> Tensor:
        """Return the indices (n,) of a pass, drawn on the CPU: the same on every device."""
        n = len(self.dataset)
        if self.shuffle:
            order = torch.randperm(n, generator=self.generator, device="cpu")
        else:
            order = torch.arange(n, device="cpu")
        return order.to(self.dataset.labels.device)  # once a pass, not once a batch


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
    if len(sides) != 2 or not all(is_whole(side) and side >= 1 for side in sides):
        raise ValueError(f"resize is {resize!r}, expected a side or (height, width) in pixels")
    return sides


def is_whole(value: object) -> bool:
    """Tell whether something is a whole number; True and False are none here."""
    return isinstance(value, int) and not isinstance(value, bool)
