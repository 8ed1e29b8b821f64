"""Errors that a user can fix. Any other exception is a bug."""

import re
from collections.abc import Callable


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
    """Return the command that installs an extra of this project, from its repository."""
    return f"python -m pip install -e '.[{extra}]'"


class DatasetError(UserError, ValueError):
    """A data set can't be read or used; the message names the file and the reason."""
