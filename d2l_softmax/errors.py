"""Errors that a user can fix. Any other exception is a bug."""

import contextlib
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

# The packages of each extra that a message may ask for
PACKAGES = {
    "photos": "opencv-python-headless",
    "parquet": "pyarrow",
    "export": "onnx safetensors",
}


class UserError(Exception):
    """An error that the user can fix; its message has the problem and a remedy.

    Settings in the remedy are in braces: "try a smaller {lr}". `str(error)` writes them as Python
    names, `lr`; `error.for_command_line()` writes them as options, `--lr`.
    """

    def __init__(self, problem: str, remedy: str = ""):
        """Store the parts of the message, which are joined by a space."""
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        """Return the message, with settings as Python names."""
        return self._with_settings_as(lambda name: name)

    def for_command_line(self) -> str:
        """Return the message, with settings as command-line options."""
        return self._with_settings_as(lambda name: f"--{name.replace('_', '-')}")

    def _with_settings_as(self, spell: Callable[[str], str]) -> str:
        # Only the remedy is searched: a path in the problem may contain braces.
        remedy = re.sub(r"{(\w+)}", lambda setting: spell(setting[1]), self.remedy)
        return f"{self.problem} {remedy}" if remedy else self.problem


def install_command(extra: str) -> str:
    """Return the command that installs the packages of an extra, in any folder."""
    return f"{program('python')} -m pip install {PACKAGES[extra]}"


def program(name: str) -> str:
    """Return the command that starts a program of this Python's environment, such as `python`.

    It is the program's name if the environment is activated, else its path.
    """
    folder, found = Path(sys.executable).parent, shutil.which(name)
    if found and Path(found).parent == folder:
        return name
    path = Path(sys.executable) if name == "python" else folder / name
    with contextlib.suppress(ValueError, FileNotFoundError):  # in another folder, or a deleted one
        path = path.relative_to(Path.cwd())
    return str(path)


class DatasetError(UserError, ValueError):
    """A data set can't be read or used; the message names the file and the reason."""
