"""Atomic writes, locks, and checked reads of files that may be damaged or hostile."""

import contextlib
import csv
import io
import json
import os
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

PART = ".d2l-part"  # suffix of temporary files and folders, which are hidden


class OutputError(UserError):
    """A file or directory can't be written; the message names it and the reason."""


class DamagedFileError(ValueError):
    """A file does not have the expected content."""


# Text from users


def escape_controls(text: str) -> str:
    r"""Escape the unprintable characters of a text: a newline becomes \n."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def escape_surrogates(text: str) -> str:
    r"""Escape bytes of a path that are not UTF-8, which Python holds as surrogates, as \udcff."""
    return text.encode("utf-8", "backslashreplace").decode()


# Atomic writes


def write_atomically(path: Path, content: bytes) -> None:
    """Write a temporary file and rename it, so that readers see the old or the new content.

    Raises OutputError if that fails; the old file is then unchanged.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PART}")
    with reporting_output_errors(path):
        try:
            with open(temporary, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # otherwise a crash could leave an empty file
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    r"""Write a text atomically, in UTF-8, with its line endings unchanged.

    Bytes of a path that are not UTF-8 are written as escapes such as \udcff.
    """
    write_atomically(path, escape_surrogates(text).encode())


def write_json(path: Path, content: dict) -> None:
    """Write a dictionary atomically as indented JSON."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def write_csv(path: Path, header: Iterable[object], rows: Iterable[Iterable[object]]) -> None:
    """Write a table atomically as CSV, with floats in full precision."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([header, *rows])
    write_text(path, text.getvalue())


def remove(path: Path) -> None:
    """Remove a file if it exists; OutputError if that fails."""
    with reporting_output_errors(path):
        path.unlink(missing_ok=True)


def prepare_directory(path: Path, dataset: Path | None = None) -> Path:
    """Create an output directory and return it; OutputError if it is not writable.

    A directory inside the custom data set `dataset` is refused, too: output could overwrite the
    user's files, and figures could be read as images of a class. If `dataset` is a file, only the
    directory that contains it is refused.
    """
    remedy = "choose another directory with {output_dir}"
    if dataset:
        output, data = Path(os.path.realpath(path)), Path(os.path.realpath(dataset))
        if output.is_relative_to(data) or (os.path.isfile(data) and output == data.parent):
            raise OutputError(
                f"{path} is inside the directory of the data, where output could overwrite files;",
                remedy,
            )
    with reporting_output_errors(path, remedy):
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    return path


@contextlib.contextmanager
def reporting_output_errors(path: Path, remedy: str = "") -> Iterator[None]:
    """Convert an OSError in this context to an OutputError that names the path."""
    try:
        yield
    except OSError as error:
        problem = f"can't write to {path}: {error.strerror or error}"
        if sys.platform == "win32" and isinstance(error, PermissionError) and path.is_file():
            remedy = "is it open in another program, such as a spreadsheet?"
        raise OutputError(f"{problem};" if remedy else problem, remedy) from error


# Locks


@contextlib.contextmanager
def locked(folder: Path, wait: bool = True) -> Iterator[None]:
    """Lock a folder in this context, and remove temporary files of processes that were killed.

    If another process has locked it, wait; with `wait=False`, raise OutputError. On file systems
    without locks nothing is locked or removed.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(filelock.FileLock(folder / ".lock").acquire(blocking=wait))
        except filelock.Timeout as error:
            raise OutputError(
                f"another training is writing to {folder};",
                "choose another directory with {output_dir}",
            ) from error
        except (NotImplementedError, OSError):
            pass  # the file system has no locks
        else:
            for path in folder.glob(f".*{PART}"):
                with contextlib.suppress(OSError):
                    if path.is_dir():
                        shutil.rmtree(path)
                    else:
                        path.unlink()
        yield


# Checked reads


def read_saved(path: Path, max_bytes: int) -> Any:
    """Load a file written by torch.save, with its tensors on the CPU.

    Nothing in the file is executed. torch.load does not verify the checksums of the archive's
    members, so they are verified first. Checksums detect accidental damage, not forgery.

    Raises OSError if the file can't be read. Raises DamagedFileError if it is not a regular file,
    is larger than `max_bytes`, or is damaged or not written by torch.save.
    """
    content = read_regular_file(path, max_bytes)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise DamagedFileError("compressed")
            if sum(member.file_size for member in members) > len(content):
                raise DamagedFileError("overlapping members")
            if damaged := archive.testzip():
                raise DamagedFileError(f"the checksum of {damaged} does not match")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about formats that are rejected anyway
            return torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    except Exception as error:  # corrupt input can raise arbitrary exceptions
        raise DamagedFileError(f"damaged, or not written by torch.save: {error}") from error


def read_regular_file(path: Path, max_bytes: int) -> bytes:
    """Return the bytes of a regular file; OSError if it can't be read.

    Raises DamagedFileError if it is not a regular file, or is larger than `max_bytes`.
    """
    # Reading a pipe would block, and a device such as /dev/zero has no end. `open` itself raises
    # OSError for directories.
    status = os.stat(path)
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise DamagedFileError("not a regular file")
    if status.st_size > max_bytes:
        raise DamagedFileError(f"larger than {max_bytes:,} bytes")
    return path.read_bytes()
