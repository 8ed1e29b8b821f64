"""Damaged and hostile files: models, checkpoints, data files."""

import functools
import io
import os
import pickle
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from . import children
from .children import SPECIAL_FILES, results, sparse

TRAINING = ["--epochs=1", "--batch-size=32", "--lr=0.01", "--quiet"]
LARGE = 4_000_000_000
RAW = Path("FashionMNIST", "raw")  # in a data directory
Damage = Callable[[Path], object]  # writes a damaged file, or something else, to a path


def flip(content: bytes, chance: random.Random) -> bytes:
    """Flip one bit."""
    damaged = bytearray(content)
    damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def cut(content: bytes, chance: random.Random) -> bytes:
    """Cut the end off."""
    return content[: chance.randrange(len(content))]


def blank(content: bytes, chance: random.Random) -> bytes:
    """Set a block to zero, like a file system that lost the block."""
    start, size = chance.randrange(len(content)), chance.choice([1, 16, 512, 4096])
    return content[:start] + bytes(len(content[start : start + size])) + content[start + size :]


def swap(content: bytes, chance: random.Random) -> bytes:
    """Exchange two blocks."""
    size = chance.choice([1, 4, 64])
    i, j = sorted(chance.sample(range(0, len(content) - size, size), 2))
    one, other = content[i : i + size], content[j : j + size]
    return content[:i] + other + content[i + size : j] + one + content[j + size :]


def insert(content: bytes, chance: random.Random) -> bytes:
    """Insert a few bytes, or append them."""
    place = chance.choice([chance.randrange(len(content)), len(content)])
    return content[:place] + chance.randbytes(chance.choice([1, 7, 100])) + content[place:]


DAMAGES = [flip, flip, flip, cut, blank, swap, insert]


def accidents(content: bytes, number: int) -> Iterator[tuple[str, Damage]]:
    """Yield damages of a file, by name: special files, then random changes of `content`."""

    def write(damage: Callable, seed: int, path: Path) -> None:
        path.write_bytes(damage(content, random.Random(seed)))

    yield from SPECIAL_FILES.items()
    yield "4 GB of zeros", sparse(LARGE)
    for seed in range(number):
        damage = DAMAGES[seed % len(DAMAGES)]
        yield f"{damage.__name__} {seed}", functools.partial(write, damage, seed)


def attacks(content: bytes) -> Iterator[tuple[str, Damage]]:
    """Yield hostile files by name; most are archives with the members of a genuine file."""

    def archive(pickled: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
        """Return the genuine archive with another pickle."""
        written = io.BytesIO()
        old = zipfile.ZipFile(io.BytesIO(content))
        with old, zipfile.ZipFile(written, "w", compression) as new:
            for member in old.infolist():
                is_pickle = member.filename.endswith("data.pkl")
                new.writestr(member.filename, pickled if is_pickle else old.read(member))
        return written.getvalue()

    nested: object = ()
    for _ in range(500):
        nested = (nested, nested)
    expanded = io.BytesIO()
    torch.save({"W": torch.zeros(1).expand(20_000, 20_000), "b": torch.zeros(10)}, expanded)
    hostile = {
        "runs a program": archive(b"cos\nsystem\n(S'touch harmed'\ntR."),
        "a string of 4 GB": archive(b"\x80\x04\x8d" + LARGE.to_bytes(8, "little")),
        "tuples in tuples": archive(pickle.dumps(nested, protocol=2)),
        "zeros, deflated": archive(bytes(300_000_000), zipfile.ZIP_DEFLATED),
        "a tensor larger than its storage": expanded.getvalue(),
        "a pickle that never ends": archive(b"(" * 1_000_000),
        "a plain pickle": pickle.dumps({"W": [1.0], "b": [2.0]}),
        "nothing": b"",
        "a picture": b"\x89PNG\r\n\x1a\n" + bytes(1000),
    }
    for name, harmful in hostile.items():
        yield name, functools.partial(Path.write_bytes, data=harmful)


class Genuine:
    """An undamaged run, and the output of `evaluate` for it."""

    def __init__(self, folder: Path, data_dir: Path):
        """Train, and evaluate the model."""
        self.folder, self.data_dir = folder / "run", data_dir
        self.argv = [f"--data-dir={data_dir}", *TRAINING]
        output = f"--output-dir={self.folder}"
        children.run("scratch", *self.argv, output, before=children.draw_nothing)
        self.results = results(self.folder)
        self.evaluation = self.evaluate(self.folder / "model.pt", data_dir).out
        assert "accuracy" in self.evaluation

    def evaluate(self, model: Path, data_dir: Path) -> children.Outcome:
        """Evaluate a model file in a child process."""
        return children.run("d2l_softmax", "evaluate", model, f"--data-dir={data_dir}")


def damaged_copy(folder: Path, file: str | Path, damage: Damage) -> Path:
    """Return a new copy of a folder with a damaged file; each process has its own."""
    copy = folder.with_name(f"{folder.name}-{os.getpid()}")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    (copy / file).unlink()
    damage(copy / file)
    return copy


def damaged_model(genuine: Genuine, damage: Damage) -> str:
    """Evaluate a damaged model; return a complaint unless it is refused or gives equal results."""
    folder = damaged_copy(genuine.folder, "model.pt", damage)
    outcome = genuine.evaluate(folder / "model.pt", genuine.data_dir)
    if outcome.status == 0 and outcome.out != genuine.evaluation:
        return f"accepted with other numbers: {outcome.out.splitlines()[0]}"
    return outcome.complaint((0, 1))


def damaged_checkpoint(genuine: Genuine, damage: Damage) -> str:
    """Resume from a damaged checkpoint; return a complaint unless refused, or results are equal."""
    folder = damaged_copy(genuine.folder, "checkpoint.pt", damage)
    argv = [*genuine.argv, f"--output-dir={folder}", "--resume"]
    outcome = children.run("scratch", *argv, before=children.draw_nothing)
    if outcome.status == 0 and results(folder) != genuine.results:
        return "accepted with other numbers"
    return outcome.complaint((0, 1))


def damaged_data(genuine: Genuine, file: Path, damage: Damage) -> str:
    """Evaluate twice with a damaged data file; return a complaint unless the file is replaced."""
    data_dir = damaged_copy(genuine.data_dir, file, damage)
    for _ in range(2):
        outcome = genuine.evaluate(genuine.folder / "model.pt", data_dir)
        if outcome.out != genuine.evaluation:
            return f"not replaced: {outcome}"
        if complaint := outcome.complaint((0,)):
            return complaint
    return ""


def faults(folder: Path, data_dir: Path) -> Iterator[children.Fault]:
    """Yield the faults."""
    genuine = Genuine(folder, data_dir)
    for file, check in (("model.pt", damaged_model), ("checkpoint.pt", damaged_checkpoint)):
        content = (genuine.folder / file).read_bytes()
        for what, damage in (*attacks(content), *accidents(content, 500)):
            inject = functools.partial(check, genuine, damage)
            yield children.Fault(f"damaged and hostile {file}", what, inject)
    for path in sorted((data_dir / RAW).iterdir()):
        for what, damage in accidents(path.read_bytes(), 50):
            inject = functools.partial(damaged_data, genuine, RAW / path.name, damage)
            yield children.Fault("damaged data files", f"{path.name} {what}", inject)
