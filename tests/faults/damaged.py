"""Files that were damaged, or made to do harm: models, checkpoints, data files."""

import functools
import io
import itertools
import os
import pickle
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from . import children
from .killed import results

TRAINING = ["--epochs=1", "--batch-size=32", "--lr=0.01", "--quiet"]
LARGE = 4_000_000_000


def flip(content: bytes, chance: random.Random) -> bytes:
    """Turn one bit round."""
    damaged = bytearray(content)
    damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def cut(content: bytes, chance: random.Random) -> bytes:
    """Leave the end off."""
    return content[: chance.randrange(len(content))]


def blank(content: bytes, chance: random.Random) -> bytes:
    """Set a block to zero, as a file system does that lost it."""
    start, size = chance.randrange(len(content)), chance.choice([1, 16, 512, 4096])
    return content[:start] + bytes(len(content[start : start + size])) + content[start + size :]


def swap(content: bytes, chance: random.Random) -> bytes:
    """Exchange two blocks."""
    size = chance.choice([1, 4, 64])
    one, other = sorted(chance.sample(range(0, len(content) - size, size), 2))
    parts = content[:one], content[one : one + size], content[one + size : other]
    return (
        b"".join([parts[0], content[other : other + size], parts[2], parts[1]])
        + (content[other + size :])
    )


def insert(content: bytes, chance: random.Random) -> bytes:
    """Put a few bytes in between, or at the end."""
    place = chance.choice([chance.randrange(len(content)), len(content)])
    return content[:place] + chance.randbytes(chance.choice([1, 7, 100])) + content[place:]


DAMAGES = [flip, flip, flip, cut, blank, swap, insert]


def hostile(content: bytes) -> dict[str, bytes]:
    """Return files that were made to do harm, by name; they have the members of a genuine one."""

    def archive(pickled: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
        """Return the genuine file with another pickle in it."""
        written = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(content)) as old,
            zipfile.ZipFile(written, "w", compression) as new,
        ):
            for member in old.infolist():
                is_pickle = member.filename.endswith("data.pkl")
                new.writestr(member.filename, pickled if is_pickle else old.read(member))
        return written.getvalue()

    nested: object = ()
    for _ in range(500):
        nested = (nested, nested)
    saved = io.BytesIO()
    torch.save({"W": torch.zeros(1).expand(20_000, 20_000), "b": torch.zeros(10)}, saved)
    return {
        "runs a program": archive(b"cos\nsystem\n(S'touch harmed'\ntR."),
        "a string of 4 GB": archive(b"\x80\x04\x8d" + LARGE.to_bytes(8, "little")),
        "tuples in tuples": archive(pickle.dumps(nested, protocol=2)),
        "zeros, deflated": archive(bytes(300_000_000), zipfile.ZIP_DEFLATED),
        "a tensor larger than its storage": saved.getvalue(),
        "a pickle that never ends": archive(b"(" * 1_000_000),
        "a plain pickle": pickle.dumps({"W": [1.0], "b": [2.0]}),
        "nothing": b"",
        "a picture": b"\x89PNG\r\n\x1a\n" + bytes(1000),
    }


def as_pipe(path: Path) -> None:
    """Put a pipe in the file's place: whoever opens it waits for ever."""
    os.mkfifo(path)


def as_device(path: Path) -> None:
    """Put a file without an end in its place."""
    path.symlink_to("/dev/zero")


def as_folder(path: Path) -> None:
    """Put a folder in its place."""
    path.mkdir()


def as_loop(path: Path) -> None:
    """Put a link to itself in its place."""
    path.symlink_to(path)


def large(path: Path) -> None:
    """Put a file of 4 GB in its place, of which the disk has nothing."""
    path.touch()
    os.truncate(path, LARGE)


OTHER_KINDS = [as_pipe, as_device, as_folder, as_loop, large]


Damages = Iterator[tuple[str, Callable[[Path], object]]]


def accidents(content: bytes, number: int) -> Damages:
    """Yield so many ways to damage a file of this content: a name, and what does it to a path."""

    def write(damage: Callable, seed: int, path: Path) -> None:
        path.write_bytes(damage(content, random.Random(seed)))

    for kind in OTHER_KINDS:
        yield str(kind.__doc__), kind
    for seed in range(number):
        damage = DAMAGES[seed % len(DAMAGES)]
        yield f"{damage.__doc__} {seed}", functools.partial(write, damage, seed)


def attacks(content: bytes) -> Damages:
    """Yield the ways to put a harmful file in the place of one of tensors."""
    for name, harmful in hostile(content).items():
        yield name, functools.partial(Path.write_bytes, data=harmful)


class Genuine:
    """A run that nothing happened to, and what the commands say of it."""

    def __init__(self, folder: Path, data_dir: Path):
        """Train, and evaluate the model."""
        self.folder, self.data_dir = folder / "run", data_dir
        self.argv = [f"--data-dir={data_dir}", *TRAINING]
        children.run("scratch", *self.argv, f"--output-dir={self.folder}", fault=draw_nothing)
        self.results = results(self.folder)
        self.evaluation = self.evaluate(self.folder / "model.pt", self.data_dir).out
        assert "accuracy" in self.evaluation

    def evaluate(self, model: Path, data_dir: Path) -> children.Outcome:
        """Return what `evaluate` makes of a model."""
        return children.run("d2l_softmax", "evaluate", model, f"--data-dir={data_dir}")


def draw_nothing() -> None:
    """In the child: leave out the figures, where it is about something else."""
    children.train.write_results = lambda *arguments: None


def damaged_model(genuine: Genuine, damage: Callable[[Path], object]) -> str:
    """Evaluate a damaged model; return what is wrong then."""
    path = genuine.folder.with_name(f"model-{os.getpid()}.pt")
    remove(path)
    damage(path)
    outcome = genuine.evaluate(path, genuine.data_dir)
    if outcome.status == 0 and outcome.out != genuine.evaluation:
        return f"accepted with other numbers: {outcome.out.splitlines()[0]}"
    return outcome.complaint((0, 1)) or harm()


def damaged_checkpoint(genuine: Genuine, damage: Callable[[Path], object]) -> str:
    """Resume from a damaged checkpoint; return what is wrong then."""
    folder = genuine.folder.with_name(f"resumed-{os.getpid()}")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(genuine.folder, folder)
    path = folder / "checkpoint.pt"
    path.unlink()
    damage(path)
    outcome = children.run(
        "scratch", *genuine.argv, f"--output-dir={folder}", "--resume", fault=draw_nothing
    )
    if outcome.status == 0 and results(folder) != genuine.results:
        return "accepted with other numbers"
    complaint = outcome.complaint((0, 1)) or harm()
    remove(path)
    return complaint


def damaged_data(genuine: Genuine, file: str, damage: Callable[[Path], object]) -> str:
    """Evaluate with a damaged file of the data; return what is wrong then, or the time after."""
    data_dir = genuine.folder.with_name(f"data-{os.getpid()}")
    shutil.rmtree(data_dir, ignore_errors=True)
    shutil.copytree(genuine.data_dir, data_dir)
    path = data_dir / "FashionMNIST" / "raw" / file
    path.unlink()
    damage(path)
    for _ in range(2):
        outcome = genuine.evaluate(genuine.folder / "model.pt", data_dir)
        if outcome.out != genuine.evaluation:
            return f"not healed: {outcome}"
        if complaint := outcome.complaint((0,)) or harm():
            return complaint
    shutil.rmtree(data_dir)
    return ""


def remove(path: Path) -> None:
    """Remove whatever is there."""
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def harm() -> str:
    """Return whether a file did what it was made for, "" if not."""
    return "a program was run" if Path("harmed").exists() else ""


def faults(folder: Path, data_dir: Path) -> Iterator[children.Fault]:
    """Yield the faults."""
    genuine = Genuine(folder, data_dir)
    for file, make in (("model.pt", damaged_model), ("checkpoint.pt", damaged_checkpoint)):
        content = (genuine.folder / file).read_bytes()
        for what, damage in itertools.chain(attacks(content), accidents(content, 500)):
            yield children.Fault(
                f"damaged and hostile {file}", what, functools.partial(make, genuine, damage)
            )
    raw = sorted(path.name for path in (data_dir / "FashionMNIST" / "raw").iterdir())
    for file in raw:
        content = (data_dir / "FashionMNIST" / "raw" / file).read_bytes()
        for what, damage in accidents(content, 50):
            yield children.Fault(
                "damaged data files",
                f"{file} {what}",
                functools.partial(damaged_data, genuine, file, damage),
            )
