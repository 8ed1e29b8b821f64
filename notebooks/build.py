"""Builds the notebooks, one in each language, from one source: 1_ideas.py.

`make notebook` builds both, runs both at the same time in clean kernels, and stores the outputs.
"""

import asyncio
import itertools
import re
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from d2l_softmax.i18n import chinese, tr, use_language

from .exercises import texts_of

FOLDER = Path(__file__).parent
SOURCE = FOLDER / "1_ideas.py"
NOTEBOOKS = {
    "en": FOLDER / "softmax_regression.ipynb",
    "zh": FOLDER / "softmax_regression.zh-CN.ipynb",
}
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
USE_CHINESE = """# figures in Chinese, with a font that has its characters
from contextlib import ExitStack

from d2l_softmax.figures.style import default_style
from d2l_softmax.i18n import use_language

in_chinese = ExitStack()
in_chinese.enter_context(use_language("zh"))
in_chinese.enter_context(default_style());"""


def notebook_in(language: str) -> NotebookNode:
    """Return the notebook in a language, without outputs; equal sources give equal notebooks."""
    source = jupytext.read(SOURCE, fmt="py:percent")
    written = [cells_of(cell, language) for cell in source.cells]
    if language == "zh":
        setup = next(place for place, cell in enumerate(source.cells) if cell.cell_type == "code")
        written[setup].append(nbformat.v4.new_code_cell(USE_CHINESE))
    cells = list(itertools.chain.from_iterable(written))
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number:03}"
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})


def cells_of(cell: NotebookNode, language: str) -> list[NotebookNode]:
    """Return the cells of a notebook that a cell of the source becomes in a language."""
    if cell.cell_type == "code":
        return [nbformat.v4.new_code_cell(code_in(cell.source, language))]
    if section := cell.metadata.get("exercises"):
        with use_language(language):
            texts = [f"### {tr('Exercises')}", *texts_of(section, language)]
    else:
        texts = [cell.source] if cell.metadata["lang"] == language else []
    return [nbformat.v4.new_markdown_cell(text) for text in texts]


def code_in(source: str, language: str) -> str:
    """Return code with its string literals in a language, if i18n.json has the whole literal."""
    if language == "zh":
        source = re.sub(r'"(.*?)"', lambda text: f'"{chinese().get(text[1], text[1])}"', source)
    return source


async def run(notebook: NotebookNode) -> None:
    """Run a notebook in a clean kernel up to its first error."""
    from nbclient import NotebookClient  # not needed by the tests

    # one output for all that a cell prints
    client = NotebookClient(notebook, record_timing=False, coalesce_streams=True)
    # no warning about the TCP connection to the kernel, which is on this machine
    client.extra_arguments = ["--IPKernelApp.log_level=ERROR"]
    client.resources = {"metadata": {"path": str(FOLDER)}}
    await client.async_execute()
    del notebook.metadata.language_info["version"]  # of this machine's Python


async def build() -> None:
    """Write all notebooks with their outputs, after all of them ran without error."""
    notebooks = {language: notebook_in(language) for language in NOTEBOOKS}
    await asyncio.gather(*map(run, notebooks.values()))
    for language, notebook in notebooks.items():
        nbformat.write(notebook, NOTEBOOKS[language])
        print(f"wrote {NOTEBOOKS[language]}")


if __name__ == "__main__":
    asyncio.run(build())
