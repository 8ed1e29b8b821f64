"""Atomic writes, locks, and checked reads of files that may be damaged or hostile."""

import contextlib
import csv
import io
import json
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import filelock
import torch

from d2l_softmax.errors import UserError

try:
    import fcntl
except ImportError:  # Windows; there nobody can remove a file that another has open
    fcntl = None  # type: ignore[assignment]

# a file that write_atomically writes, a folder that is downloaded to
UNFINISHED = re.compile(r"\.(.+\.[0-9a-f]{8}|[a-z0-9_]{8})\.part")


class OutputError(UserError):
    """Something can't be written; the message names it and says why."""


class DamagedFileError(ValueError):
    """A file does not have the content that it should have."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under a temporary name and rename it: a reader sees the old or the new one.

    Raises OutputError if that fails; the old file is then as it was.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    with writing(path):
        try:
            temporary.touch()
            with locked(temporary):
                with open(temporary, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())  # or a crash could leave the new name on an empty file
                temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock a file or folder in this context; `remove_stale_files` of other processes then keeps it.

    Where there are no locks (on Windows, on some network file systems) nothing is locked.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            lock(path, stack)
        yield


def lock(path: Path, stack: contextlib.ExitStack, wait: bool = True) -> None:
    """Lock a file or folder until the stack is left; OSError if that can't be.

    If another process has locked it, wait, or raise BlockingIOError.
    """
    if fcntl:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        stack.callback(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


@contextlib.contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Lock a folder in this context; OutputError if another process has locked it.

    Where a file system has no locks nothing is locked.
    """
    lock = filelock.FileLock(folder / ".lock")
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(lock.acquire(blocking=False))
        except filelock.Timeout as error:
            raise OutputError(
                f"another training writes to {folder};",
                "choose another directory with {output_dir}",
            ) from error
        except (NotImplementedError, OSError):
            pass  # no locks here
        yield


def remove_stale_files(folder: Path) -> None:
    """Remove unfinished files of processes that died; not those of a process that still writes."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if UNFINISHED.fullmatch(path.name):
                remove_if_stale(path)


def remove_if_stale(path: Path) -> None:
    """Remove an unfinished file or folder unless it is locked or cannot be removed."""
    with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
        lock(path, stack, wait=False)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def write_text(path: Path, text: str) -> None:
    r"""Write a text in UTF-8, with the line ends it has, whole or not at all; see above.

    Of a path in it, a byte that is no character is written as \udcff.
    """
    write_atomically(path, text.encode("utf-8", "backslashreplace"))


def write_json(path: Path, content: dict) -> None:
    """Write a dictionary as indented JSON, whole or not at all; see above."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def write_csv(path: Path, header: Iterable[object], rows: Iterable[Iterable[object]]) -> None:
    """Write a table as CSV, whole or not at all; see above. Numbers have all their digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, text.getvalue())


def remove(path: Path) -> None:
    """Remove a file if it is there; OutputError if that fails."""
    with writing(path):
        path.unlink(missing_ok=True)


def prepare_directory(path: Path) -> Path:
    """Make a directory, try whether files can be written there, and return it; or OutputError.

    What an earlier process left there that died while it wrote is removed.
    """
    with writing(path, "choose another directory with {output_dir}"):
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    remove_stale_files(path)
    return path


@contextlib.contextmanager
def writing(path: Path, remedy: str = "") -> Iterator[None]:
    """Turn an OSError of what is written meanwhile into an OutputError that names the path."""
    try:
        yield
    except OSError as error:
        problem = f"can't write to {path}: {error.strerror or error}"
        if sys.platform == "win32" and isinstance(error, PermissionError) and path.is_file():
            remedy = "is it open in another program, such as a spreadsheet?"
        raise OutputError(f"{problem};" if remedy else problem, remedy) from error


def read_saved(path: Path, most_bytes: int) -> Any:
    """Return the content of a file that torch.save wrote, on the CPU; it is bounded in size.

    Nothing in the file is executed. torch.load does not compare the checksums of the archive's
    members, so they are compared first; a checksum finds accidents, not forgery.

    Raises OSError if it can't be read, DamagedFileError if it is no regular file (it is then not
    opened), too large, damaged, or not written by torch.save.
    """
    content = read_regular_file(path, most_bytes)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise DamagedFileError("compressed")
            if sum(member.file_size for member in members) > len(content):
                raise DamagedFileError("members that overlap")
            if damaged := archive.testzip():
                raise DamagedFileError(f"the checksum of {damaged} does not match")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about formats that are refused anyway
            return torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    except Exception as error:  # corrupt input can raise arbitrary exceptions
        raise DamagedFileError(f"damaged, or not written by torch.save: {error}") from error


def read_regular_file(path: Path, most_bytes: int) -> bytes:
    """Return a file's bytes; OSError, or DamagedFileError if it is no regular file or too large."""
    # A pipe would be waited for, a device such as /dev/zero has no end; open refuses directories.
    kind = os.stat(path).st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise DamagedFileError("not a regular file")
    with open(path, "rb") as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise DamagedFileError(f"larger than {most_bytes:,} bytes")
    return content
