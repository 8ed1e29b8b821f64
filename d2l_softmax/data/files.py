"""Read a user's files: regular files only, and parsers' errors name the file."""

import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from d2l_softmax.errors import DatasetError

LONGEST_REASON = 200  # characters of a parser's message, which may quote the file


@contextmanager
def reading(path: Path, expected: str) -> Iterator[None]:
    """Convert any exception of a parser in this context to a DatasetError that names the file.

    For damaged and hostile files, parsers can raise arbitrary exceptions. Their warnings are
    silenced.
    """
    try:
        check_regular(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except DatasetError:
        raise
    except OSError as error:
        raise DatasetError(f"{path} can't be read: {error.strerror or error}") from error
    except Exception as error:
        reason = " ".join(str(error).split())[:LONGEST_REASON] or type(error).__name__
        raise DatasetError(f"{path} is damaged or not {expected}: {reason}") from error


def check_regular(path: Path, most_bytes: int | None = None, remedy: str = "") -> None:
    """Raise DatasetError unless the path is a regular file of at most `most_bytes` bytes.

    Opening a named pipe would block forever, and a device such as /dev/zero has no end. Raises
    OSError if there is no such file.
    """
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise DatasetError(f"{path} is a directory, expected a file")
    if not stat.S_ISREG(status.st_mode):
        raise DatasetError(f"{path} is not a regular file")
    if most_bytes is not None and status.st_size > most_bytes:
        problem = f"{path} has {status.st_size:,} bytes, expected at most {most_bytes:,}"
        raise DatasetError(f"{problem};" if remedy else problem, remedy)
