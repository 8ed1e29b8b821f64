"""Read a user's files: regular files only, and parsers' errors name the file."""

import math
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from d2l_softmax.errors import DatasetError

LONGEST_REASON = 200  # characters of a parser's message, which may quote the file


@contextmanager
def reading(path: Path, expected: str, max_bytes: float = math.inf) -> Iterator[None]:
    """Check a file that is parsed in this context, and convert all exceptions to DatasetError.

    The message names the file and the `expected` format. Parsers can raise arbitrary exceptions
    for damaged files; their warnings are silenced. Only regular files of at most `max_bytes` are
    accepted: opening a named pipe would block, and a device such as /dev/zero has no end.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise DatasetError(f"{path} is not a regular file")
        if status.st_size > max_bytes:
            raise DatasetError(
                f"{path} has {status.st_size:,} bytes, expected at most {max_bytes:,}; save large "
                "data as .npy files, which are memory-mapped"
            )
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


@contextmanager
def reading_text(path: Path, expected: str, max_bytes: float) -> Iterator[None]:
    """Do as `reading`, and say so if the file is in another encoding than UTF-8."""
    with reading(path, expected, max_bytes):
        try:
            yield
        except UnicodeDecodeError as error:
            raise DatasetError(f"{path} is not UTF-8 text; save it as UTF-8") from error
