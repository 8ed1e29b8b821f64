"""What checkpoints cost: their share of the seconds of ten epochs, one after each."""

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.peers import TWINS, make_training
from benchmarks.tables import spread
from d2l_softmax.training.checkpoint import save_checkpoint

OPTIMIZERS = {"SGD, momentum": "--momentum=0.9", "Adam": "--optimizer=adam"}


def measure_checkpoints(rounds: int) -> list[dict]:
    """Return for each twin and optimizer the seconds of the epochs and of the checkpoints."""
    cases = [(name, optimizer) for name in TWINS for optimizer in OPTIMIZERS]
    records = [{"twin": n, "optimizer": o, "epochs": [], "checkpoints": []} for n, o in cases]
    for number in range(1 + rounds):  # the first does not count
        for record in records:
            epochs, checkpoints = train(record["twin"], OPTIMIZERS[record["optimizer"]])
            if number:
                record["epochs"].append(epochs)
                record["checkpoints"].append(checkpoints)
    return records


def train(name: str, *arguments: str) -> tuple[float, float]:
    """Train for ten epochs; return their seconds, and those that were spent on checkpoints."""
    with TemporaryDirectory() as folder:
        training = make_training(name, *arguments)
        path, seconds = Path(folder, "checkpoint.pt"), 0.0
        for _ in training.fit():
            begin = time.perf_counter()
            save_checkpoint(path, training.state_dict() | {"config": {}})
            seconds += time.perf_counter() - begin
    return sum(record.seconds for record in training.history), seconds


def shares(record: dict) -> list[float]:
    """Return the share of each round, in percent."""
    pairs = zip(record["checkpoints"], record["epochs"], strict=True)
    return [100 * checkpoints / epochs for checkpoints, epochs in pairs]


def compare_checkpoints(records: list[dict]) -> Iterator[tuple]:
    """Yield what a checkpoint takes, and its share of ten epochs."""
    yield "a checkpoint after each of ten epochs", "each takes", "share", "min to max"
    for record in records:
        milliseconds = [seconds / 10 * 1000 for seconds in record["checkpoints"]]
        share, extremes = spread(shares(record), 1, " %")
        name = f"{record['twin']}, {record['optimizer']}"
        yield name, spread(milliseconds, 1, " ms")[0], share, extremes
