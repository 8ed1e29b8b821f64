"""The plugin that lets pytest judge a learner's files, section_1.py and so on.

Each exercise is a test: it passes, fails, or is skipped where it isn't written yet.
"""

import re
import textwrap
from collections.abc import Callable

import pytest

from . import exercises_of
from .checking import NotWritten, fault
from .exercise import LANGUAGES, Exercise
from .words import entry, located

FILE = re.compile(r"section_([1-9])\.py")
WORDS = {
    "passed": ("right", "对"),
    "failed": ("wrong", "错"),
    "skipped": ("not written yet", "还没有写"),
}
MISSING = ("There is no function {} in {}.", "{1} 里没有函数 {0}。")
UNREADABLE = ("{} can't be run.\n{}", "{} 无法运行。\n{}")
NO_SUCH = ("no exercise is called that", "没有这样的练习")
COLORS = {"passed": {"green": True}, "failed": {"red": True}, "skipped": {}}


class Wrong(Exception):  # noqa: N818 - it is no error
    """A learner's function isn't right; the message says why."""


def pytest_addoption(parser):
    """Add --lang."""
    parser.addoption("--lang", choices=LANGUAGES, default="en", help="language of the messages")


def pytest_sessionstart(session):
    """Let a table take the place of pytest's own report."""
    session.config.pluginmanager.register(Table(session.config))


def pytest_collect_file(file_path, parent):
    """Take a learner's files, and nothing else, for tests."""
    if FILE.fullmatch(file_path.name):
        return Answers.from_parent(parent, path=file_path)


class Answers(pytest.File):
    """A learner's file: one test for each exercise of its section."""

    def collect(self):
        """Run the file; hand its functions to the tests."""
        functions, problem = {}, None
        try:
            exec(compile(self.path.read_bytes(), str(self.path), "exec"), functions)
        except (Exception, SystemExit) as error:
            problem = error
        section = int(FILE.fullmatch(self.path.name)[1])
        for number, exercise in exercises_of(section).items():
            test = Answer.from_parent(self, name=f"{number} {exercise.name}")
            test.exercise, test.problem = exercise, problem
            test.function = functions.get(exercise.name)
            yield test


class Answer(pytest.Item):
    """The test of one function; `problem` is why its file can't be run."""

    exercise: Exercise
    function: Callable | None
    problem: BaseException | None

    def runtest(self):
        """Judge the function."""
        pick = LANGUAGES.index(self.config.option.lang)
        if self.problem:
            reason = located(self.problem, str(self.path), pick)
            raise Wrong(UNREADABLE[pick].format(self.path.name, reason))
        if not callable(self.function):
            raise Wrong(MISSING[pick].format(self.exercise.name, self.path.name))
        try:
            message = fault(self.exercise, self.function, pick)
        except NotWritten:
            pytest.skip()
        if message:
            raise Wrong(message)
        self.user_properties.append(("remark", self.exercise.remark[pick]))

    def repr_failure(self, excinfo):
        """Return the message alone, without a traceback into this code."""
        return str(excinfo.value) if excinfo.errisinstance(Wrong) else super().repr_failure(excinfo)


class Table:
    """What a learner sees: a line for each exercise, and below it why it is wrong."""

    def __init__(self, config):
        self.terminal = config.pluginmanager.get_plugin("terminalreporter")
        self.pick = LANGUAGES.index(config.option.lang)
        self.counts = dict.fromkeys(WORDS, 0)
        self.file = self.text = None

    def pytest_report_teststatus(self, report):
        """Keep pytest from printing dots and letters."""
        return report.outcome, "", ""

    def pytest_runtest_logreport(self, report):
        """Print an exercise's line."""
        if report.when != "call":
            return
        file, name = report.nodeid.split("::")
        if file != self.file:
            self.file = file
            self.terminal.write_line(f"\n{file}")
        self.counts[report.outcome] += 1
        word = WORDS[report.outcome][self.pick]
        self.terminal.write_line(f"  {name:<35}{word}", **COLORS[report.outcome])
        text = dict(report.user_properties).get("remark", "")
        if report.failed:
            text = str(report.longrepr)
            if report.capstdout:
                text += "\n" + entry("printed", report.capstdout.rstrip(), self.pick)
        if text and text != self.text:  # a file that can't be run is so for each of its exercises
            self.text = text
            self.terminal.write_line(textwrap.indent(text, " " * 6))

    def pytest_sessionfinish(self, session):
        """Print how many are right; only all of them is success."""
        counts = [f"{n} {WORDS[outcome][self.pick]}" for outcome, n in self.counts.items() if n]
        self.terminal.write_line("\n" + (", ".join(counts) or NO_SUCH[self.pick]))
        if self.counts["skipped"]:
            session.exitstatus = 1
