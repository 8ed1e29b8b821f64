"""Passes over a file of 2,000,000 images that is not read into memory: their speed and memory."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch

from benchmarks.command import megabytes
from benchmarks.tables import Ratio, in_one_cell
from d2l_softmax import load_data, load_data_fashion_mnist

NUM_IMAGES = 2_000_000
IN_MEMORY = "Fashion-MNIST, in memory"
BY_BLOCKS = "on the disk, by blocks"
COLD_BLOCKS, COLD_FULL = f"{BY_BLOCKS}, cold", "on the disk, full order, cold"


def measure_disk(rounds: int) -> list[dict]:
    """Return the nanoseconds an image takes in passes, and the anonymous memory of each."""
    with TemporaryDirectory(dir=".") as folder:
        write_images(Path(folder))
        records = {
            name: {"pass": name, "nanoseconds": [], "megabytes": []}
            for name in (IN_MEMORY, BY_BLOCKS, COLD_BLOCKS, COLD_FULL)
        }
        for number in range(1 + rounds):  # the first does not count
            for name, record in records.items():
                if name in (COLD_BLOCKS, COLD_FULL):
                    forget(Path(folder, "train_images.npy"))
                with ProcessPoolExecutor(1, get_context("spawn")) as process:
                    nanoseconds, memory = process.submit(a_pass, name, folder).result()
                if number:
                    record["nanoseconds"].append(nanoseconds)
                    record["megabytes"].append(memory)
    return list(records.values())


def write_images(folder: Path) -> None:
    """Write Fashion-MNIST's training images again and again, as one array on the disk."""
    for split, loader in zip(("train", "test"), load_data_fashion_mnist(256), strict=True):
        X, y = loader.dataset.images.numpy(), loader.dataset.labels.numpy()
        n = NUM_IMAGES if split == "train" else len(y)
        np.save(folder / f"{split}_labels.npy", np.resize(y, n))
        with open(folder / f"{split}_images.npy", "wb") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": (n, 28, 28)}
            np.lib.format.write_array_header_1_0(file, header)
            for start in range(0, n, len(X)):
                X[: n - start].tofile(file)
            file.flush()
            os.fsync(file.fileno())


def forget(path: Path) -> None:
    """Let the system forget what it read of a file, so that the disk is read again."""
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def a_pass(name: str, folder: str) -> tuple[float, float]:
    """Return the nanoseconds an image takes in a pass, and the anonymous memory in megabytes."""
    torch.set_num_threads(1)
    if name == IN_MEMORY:
        train_iter = load_data_fashion_mnist(256)[0]
    else:
        train_iter = load_data(folder, 256, shuffle="full" if name == COLD_FULL else "block")[0]
    if name in (IN_MEMORY, BY_BLOCKS):
        for _ in train_iter:  # what is mapped is in the page cache, and its pages are known
            pass
    begin = time.perf_counter()
    for _ in train_iter:
        pass
    seconds = time.perf_counter() - begin
    memory = megabytes("/proc/self/status", "RssAnon") or 0.0
    return seconds / len(train_iter.dataset) * 1e9, memory


def compare_disk(records: list[dict]) -> Iterator[tuple]:
    """Yield the nanoseconds of each pass, times those in memory, and the anonymous memory."""
    yield f"a pass, {NUM_IMAGES:,} images on the disk", "ns an image", "times in memory", "RssAnon"
    in_memory = records[0]["nanoseconds"]
    for record in records:
        ratio = Ratio.of(record["nanoseconds"], in_memory)
        memory = f"{median(record['megabytes']):,.0f} MB"
        yield record["pass"], in_one_cell(record["nanoseconds"], 0), str(ratio), memory
