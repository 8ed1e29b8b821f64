"""The option --lang: the language of a command's figures and report."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from d2l_softmax.commands.console import print_error
from d2l_softmax.figures.style import chinese_font, default_style
from d2l_softmax.i18n import LANGUAGES, use_language


def add_language(parser: argparse.ArgumentParser) -> None:
    """Add the option --lang."""
    parser.add_argument(
        "--lang", choices=LANGUAGES, default="en", help="language of the figures and of the report"
    )


@contextmanager
def drawn_in(language: str) -> Iterator[None]:
    """Draw figures and write pages in a language meanwhile; in English if no font is there."""
    if language == "zh" and not chinese_font():
        print_error(
            "no installed font has Chinese characters, so figures and report are in English; "
            "install one, on Debian and Ubuntu: apt-get install fonts-noto-cjk"
        )
        language = "en"
    with use_language(language), default_style():
        yield
