"""The files that a learner fills in, made from the solutions."""

import importlib
import inspect
from pathlib import Path

from d2l_softmax.io import write_text, writing

from . import SECTIONS, exercises_of

HEAD = '''"""{title}

Put your own code in place of each line that raises NotImplementedError; then see what is right:
把每一行 raise NotImplementedError 换成你自己的代码，然后检查对不对：

    make check ARGS="-k section_{section}"
    make check ARGS="-k section_{section} --lang zh"
"""
'''


def skeleton_of(section: int) -> str:
    """Return the text of a section's file: its imports, and functions without their bodies."""
    module = importlib.import_module(f".section_{section}", __package__)
    imports = inspect.getsource(module).split('"""')[2].split("from .")[0].strip()
    head = HEAD.format(title=inspect.getdoc(module), section=section) + "\n" + imports
    functions = [exercise.skeleton(number) for number, exercise in exercises_of(section).items()]
    return "\n\n\n".join([head, *functions]) + "\n"


def lay_out(folder: Path) -> tuple[list[Path], list[Path]]:
    """Write the sections' files that aren't there yet; return those written, and those kept.

    Raises OutputError if they can't be written.
    """
    written, kept = [], []
    with writing(folder):
        folder.mkdir(exist_ok=True)
    for section in SECTIONS:
        path = folder / f"section_{section}.py"
        if path.exists():
            kept.append(path)
        else:
            write_text(path, skeleton_of(section))
            written.append(path)
    return written, kept
