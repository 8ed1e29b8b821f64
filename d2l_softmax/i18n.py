"""The language of figures and pages: English, or Chinese where a person asks for it.

What a program draws or writes passes through `tr`; `i18n.json` has the Chinese for each text.
"""

import functools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import resources

LANGUAGES = ("en", "zh")
_current = ContextVar("language", default="en")


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Let figures and pages be in one of LANGUAGES meanwhile."""
    token = _current.set(language)
    try:
        yield
    finally:
        _current.reset(token)


def current_language() -> str:
    """Return the language in which figures and pages are now."""
    return _current.get()


def tr(text: str, **values: object) -> str:
    """Return a text in the current language, with the values in place of its {names}.

    A text without a translation stays English; a test finds those of ours.
    """
    if current_language() == "zh":
        text = chinese().get(text, text)
    return text.format(**values) if values else text


@functools.cache
def chinese() -> dict[str, str]:
    """Return the Chinese texts by their English."""
    file = resources.files(__package__).joinpath("i18n.json")
    return json.loads(file.read_text(encoding="utf-8"))
