"""Writing to disk so that a file is whole or not there."""

import contextlib
import json
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

from d2l_softmax.errors import UserError


class OutputError(UserError):
    """Something can't be written; the message names it and says why."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under a temporary name and rename it: a reader sees the old or the new one.

    Raises OutputError if that fails; the old file is then as it was.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    with writing(path):
        try:
            with open(temporary, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # or a crash could leave the new name on an empty file
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8, with the line ends it has, whole or not at all; see above."""
    write_atomically(path, text.encode("utf-8"))


def write_json(path: Path, content: dict) -> None:
    """Write a dictionary as indented JSON, whole or not at all; see above."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def remove(path: Path) -> None:
    """Remove a file if it is there; OutputError if that fails."""
    with writing(path):
        path.unlink(missing_ok=True)


def prepare_directory(path: Path) -> Path:
    """Make a directory, try whether files can be written there, and return it; or OutputError."""
    probe = path / f".{os.getpid()}.part"
    with writing(path, "choose another directory with {output_dir}"):
        path.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
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
