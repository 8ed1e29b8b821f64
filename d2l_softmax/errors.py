"""Errors that a person can do something about. What else is raised is a mistake of ours."""

import re
from collections.abc import Callable


class UserError(Exception):
    """An error whose message says what came, what was expected and what to do.

    The remedy names settings in braces, "try a smaller {lr}". The message calls them as Python
    does, `lr`; a command shows `for_command_line()`, which calls them by its options, `--lr`.
    """

    def __init__(self, problem: str, remedy: str = ""):
        """Keep what happened, with its last punctuation mark, and what to do about it."""
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        """Return the message in the words of Python."""
        return self._with_settings_as(lambda name: name)

    def for_command_line(self) -> str:
        """Return the message in the words of the command line."""
        return self._with_settings_as(lambda name: f"--{name.replace('_', '-')}")

    def _with_settings_as(self, spell: Callable[[str], str]) -> str:
        # Only the remedy is searched: a path in the problem may have braces of its own.
        remedy = re.sub(r"{(\w+)}", lambda setting: spell(setting[1]), self.remedy)
        return f"{self.problem} {remedy}" if remedy else self.problem


class DatasetError(UserError, ValueError):
    """A data set can't be used; the message names the file and the reason."""
