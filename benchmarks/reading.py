"""Reading custom data: a large CSV file, and a folder of photographs without and with cache."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.shared import median_and_range
from d2l_softmax.data.fashion_mnist import read_fashion_mnist
from d2l_softmax.data.sources import ensure_fashion_mnist

PHOTOGRAPHS, SIZE, QUALITY = 3_068, (400, 533), 85  # as in clothing-dataset-small
CSV, FIRST, AGAIN = "CSV, 60,000 × 785", "3,068 JPEG files of 400 × 533", "the same, from the cache"
# A program that prints the seconds of reading, without imports, and its peak megabytes.
READ = """
import json, resource, sys, time
import torchvision
from d2l_softmax.data import folders, tables
from d2l_softmax import load_data
begin = time.perf_counter()
load_data(sys.argv[1], 64, **json.loads(sys.argv[2]))
seconds = time.perf_counter() - begin
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6]))
"""


def measure(rounds: int) -> dict[str, dict]:
    """Return for each case the "seconds" of each round, and the peak memory in "megabytes"."""
    results: dict[str, dict] = {
        name: {"seconds": [], "megabytes": 0} for name in (CSV, FIRST, AGAIN)
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_csv(folder / "fashion-mnist_train.csv")
        write_photographs(folder / "photographs")
        for _ in range(rounds):
            for cache in (folder / "photographs").glob(".d2l_softmax/*"):
                remove_cache(cache)
            for name, path, settings in (
                (CSV, folder / "fashion-mnist_train.csv", {}),
                (FIRST, folder / "photographs", {"resize": 28}),
                (AGAIN, folder / "photographs", {"resize": 28}),
            ):
                seconds, megabytes = read(path, settings)
                results[name]["seconds"].append(seconds)
                results[name]["megabytes"] = max(results[name]["megabytes"], megabytes)
    return results


def remove_cache(path: Path) -> None:
    """Remove the files of a cache."""
    for file in path.glob("*"):
        file.unlink()


def read(path: Path, settings: dict) -> tuple[float, float]:
    """Read a data set in a new process; return its seconds and peak megabytes."""
    line = [sys.executable, "-c", READ, str(path), json.dumps(settings)]
    output = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    seconds, megabytes = json.loads(output)
    return seconds, megabytes


def write_csv(path: Path) -> None:
    """Write Fashion-MNIST's training data as a CSV file with a header, label first."""
    train = read_fashion_mnist(ensure_fashion_mnist()).train
    rows = np.column_stack([train.labels, train.examples.reshape(len(train.labels), -1)])
    names = ["label", *(f"pixel{i}" for i in range(1, rows.shape[1]))]
    np.savetxt(path, rows, fmt="%d", delimiter=",", header=",".join(names), comments="")


def write_photographs(folder: Path, number: int = PHOTOGRAPHS) -> None:
    """Write test images, enlarged, coloured and noisy, as JPEG files in a folder per class."""
    test = read_fashion_mnist(ensure_fashion_mnist()).test
    rng = np.random.default_rng(0)
    for i in range(number):
        large = Image.fromarray(test.examples[i]).resize(SIZE, Image.Resampling.BICUBIC)
        shades = np.asarray(large, np.float32)[..., None] * rng.uniform(0.5, 1, 3)
        shades += rng.normal(0, 6, shades.shape)
        place = folder / str(test.labels[i])
        place.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(shades.clip(0, 255).astype(np.uint8))
        picture.save(place / f"{i}.jpg", quality=QUALITY)


def table(results: dict[str, dict]) -> Iterator[tuple]:
    """Yield a table of seconds and memory."""
    yield "reading custom data", "median", "min to max", "peak memory"
    for name, each in results.items():
        yield name, *median_and_range(each["seconds"], 2, " s"), f"{each['megabytes']:,.0f} MB"
