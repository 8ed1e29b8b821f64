"""Fashion-MNIST's files as tensors: parsed by torchvision once, then kept in parsed.pt beside them.

Importing torchvision takes a second, as long as a whole training; reading tensors back, 0.1 s.
"""

import contextlib
import hashlib
import io
import struct
from pathlib import Path

import torch
from torch import Tensor

from d2l_softmax.data.sources import SHA256
from d2l_softmax.storage.files import OutputError, sweep, write_atomically
from d2l_softmax.storage.tensors import read_saved

MOST_BYTES = 100_000_000  # parsed.pt has 55 MB
Splits = tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]


def read_fashion_mnist(data_dir: Path) -> Splits:
    """Return ((train images, labels), (test images, labels)) as torchvision parses the files.

    Images are uint8 (n, 28, 28), labels int64 (n,). They are kept in FashionMNIST/parsed.pt and
    used from there if they are still the original's.
    """
    path = data_dir / "FashionMNIST" / "parsed.pt"
    # A kept file that is damaged or of another version is no reason to fail: it is written anew.
    with contextlib.suppress(Exception):
        splits = read_saved(path, MOST_BYTES, checksums=False)  # SHA-256 is better
        if are_genuine(splits):
            return splits
    splits = parse_with_torchvision(data_dir)
    content = io.BytesIO()
    torch.save(splits, content)
    sweep(path.parent)
    with contextlib.suppress(OutputError):  # can't be kept here: parsed again next time
        write_atomically(path, content.getvalue())
    return splits


def parse_with_torchvision(data_dir: Path) -> Splits:
    """Return what torchvision makes of the files."""
    from torchvision.datasets import FashionMNIST

    train, test = (FashionMNIST(data_dir, train=split) for split in (True, False))
    return (train.data, train.targets), (test.data, test.targets)


def are_genuine(splits: Splits) -> bool:
    """Tell whether the tensors, written as files again, have the SHA-256 of the originals."""
    tensors = (tensor for split in splits for tensor in split)
    return all(
        tensor.dtype == dtype
        and torch.equal(tensor, tensor.to(torch.uint8))  # a label of 256 is no 0
        and sha256_as_file(tensor.to(torch.uint8)) == digest
        for tensor, dtype, digest in zip(
            tensors, (torch.uint8, torch.int64) * 2, SHA256.values(), strict=True
        )
    )


def sha256_as_file(tensor: Tensor) -> str:
    """Return the SHA-256 that a uint8 tensor has as a file in LeCun's IDX format."""
    header = struct.pack(f">{1 + tensor.dim()}I", 0x0800 + tensor.dim(), *tensor.shape)
    digest = hashlib.sha256(header)
    digest.update(tensor.numpy().data)
    return digest.hexdigest()
