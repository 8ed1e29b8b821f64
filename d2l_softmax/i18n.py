"""The language of figures, pages and exercises: English by default, or Chinese.

`tr` translates a text; `i18n.json` is the catalogue of translations.
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
def use_language(language: str) -> Iterator[None]:
    """Set the current language, one of LANGUAGES, in this context."""
    token = _current.set(language)
    try:
        yield
    finally:
        _current.reset(token)


def current_language() -> str:
    """Return the current language."""
    return _current.get()


def tr(text: str, **values: object) -> str:
    """Translate a text into the current language, and format it with the values.

    A text that is not in the catalogue, such as a user's class name, is not translated.
    """
    if current_language() == "zh":
        text = chinese().get(text, text)
    return text.format(**values) if values else text


@functools.cache
def chinese() -> dict[str, str]:
    """Return the catalogue: the Chinese translation of each English text."""
    file = resources.files(__package__).joinpath("i18n.json")
    return json.loads(file.read_text(encoding="utf-8"))
