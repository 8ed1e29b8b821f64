"""Reading what torch.save wrote without trusting it: a file can be damaged, or made to do harm.

torch.load with weights_only executes nothing, but it doesn't compare the checksums that its files
carry, and a few bytes can ask it for gigabytes. So the file is looked at first, as what it is: a
zip archive of stored members, one of which is a pickle, a little program that says how to put
tensors together.
"""

import io
import os
import pickletools
import stat
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

MOST_STEPS = 1_000  # of the pickle; a model's has 50, each tensor more adds 20
HARMLESS = {
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    *(f"torch {name}Storage" for name in ("BFloat16", "Half", "Float", "Double", "Byte", "Long")),
}


class DamagedFileError(ValueError):
    """A file is not what torch.save wrote of tensors, or no longer."""


def read_saved(path: Path, most_bytes: int) -> Any:
    """Return what torch.save wrote to a file of at most so many bytes, on the CPU.

    Raises OSError if it can't be read, DamagedFileError if it is no regular file (it is then not
    opened), too large, damaged, or anything but tensors in lists, tuples and dictionaries.
    """
    content = read_regular_file(path, most_bytes)
    try:
        check_archive(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about formats that are refused anyway
            return torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    except Exception as error:  # a wrong file's bytes can make zipfile and torch raise anything
        raise DamagedFileError(f"damaged, or not made by torch.save: {error}") from error


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


def check_archive(content: bytes) -> None:
    """Raise DamagedFileError unless checksums fit and unpacking takes no more than the file has."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise DamagedFileError("compressed")
        if sum(member.file_size for member in members) > len(content):
            raise DamagedFileError("members that overlap")
        if damaged := archive.testzip():
            raise DamagedFileError(f"the checksum of {damaged} does not fit")
        (pickle,) = (each for each in members if each.filename.endswith("/data.pkl"))
        check_pickle(archive.read(pickle))


def check_pickle(pickle: bytes) -> None:
    """Raise DamagedFileError unless a pickle, which is not run, puts together tensors only."""
    for step, (operation, argument, _) in enumerate(pickletools.genops(pickle)):
        is_name = operation.name in ("GLOBAL", "STACK_GLOBAL", "INST")
        if step > MOST_STEPS or (is_name and argument not in HARMLESS):
            raise DamagedFileError(f"a pickle of more than tensors: {argument!s:.50}")
