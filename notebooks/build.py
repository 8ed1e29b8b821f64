"""Build an English and a Chinese notebook from each source, 1_ideas.py and so on.

`make notebook` builds all of them, runs each in a new kernel, and stores the outputs.
"""

import asyncio
import itertools
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from d2l_softmax.i18n import LANGUAGES, tr, use_language

from .exercises import texts_of

FOLDER = Path(__file__).parent
NAMES = ("1_ideas", "2_from_scratch", "3_with_the_library")
SUFFIXES = {"en": ".ipynb", "zh": ".zh-CN.ipynb"}
NOTEBOOKS = {
    (name, language): FOLDER / f"{name}{SUFFIXES[language]}"
    for name, language in itertools.product(NAMES, LANGUAGES)
}
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def source_of(name: str) -> NotebookNode:
    """Return the cells of a source; their metadata tell `cells_of` how to convert them."""
    return jupytext.read(FOLDER / f"{name}.py", fmt="py:percent")


def notebook_in(name: str, language: str) -> NotebookNode:
    """Return a notebook in a language, without outputs; the result is deterministic."""
    cells = [built for cell in source_of(name).cells for built in cells_of(cell, language)]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number:03}"
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})


def cells_of(cell: NotebookNode, language: str) -> list[NotebookNode]:
    """Convert a cell of a source to cells of the notebook in a language, none or several."""
    if cell.metadata.get("lang", language) != language:
        return []
    if cell.metadata.get("setup"):
        return [nbformat.v4.new_code_cell((FOLDER / "first_cell.py").read_text("utf-8").strip())]
    if cell.cell_type == "code":
        return [nbformat.v4.new_code_cell(cell.source)]
    texts = [cell.source]
    if section := cell.metadata.get("exercises"):
        with use_language(language):
            texts = [f"### {tr('Exercises')}", *texts_of(section, language)]
    return [nbformat.v4.new_markdown_cell(text) for text in texts]


async def run(notebook: NotebookNode) -> None:
    """Run a notebook in a new kernel and store its outputs; raise at the first error."""
    from nbclient import NotebookClient  # not needed by the tests

    # one output for all lines that a cell prints
    client = NotebookClient(notebook, record_timing=False, coalesce_streams=True)
    # the kernel warns about TCP connections, though it runs on the same machine
    client.extra_arguments = ["--IPKernelApp.log_level=ERROR"]
    client.resources = {"metadata": {"path": str(FOLDER)}}
    await client.async_execute()
    del notebook.metadata.language_info["version"]  # of this machine's Python


async def build() -> None:
    """Run all notebooks, and write them if none raised an error.

    Both languages of a notebook run at the same time.
    """
    notebooks = {key: notebook_in(*key) for key in NOTEBOOKS}
    for name in NAMES:
        await asyncio.gather(*(run(notebooks[name, language]) for language in LANGUAGES))
    for key, notebook in notebooks.items():
        nbformat.write(notebook, NOTEBOOKS[key])
        print(f"wrote {NOTEBOOKS[key]}")


if __name__ == "__main__":
    asyncio.run(build())
