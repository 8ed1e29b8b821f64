"""`python -m notebooks.exercises` lays out the exercises; with `check` it says which are right."""

import argparse
import contextlib
import importlib
import inspect
import io
import sys
import textwrap
import warnings
from collections import Counter
from pathlib import Path

from d2l_softmax.errors import UserError
from d2l_softmax.io import reporting_output_errors, write_text

from . import SECTIONS, exercises_of
from .checking import NOT_WRITTEN, RIGHT, WRONG, entry, judge, located
from .exercise import LANGUAGES

FOLDER = Path("exercises")
HEAD = '''"""{title}

Put your own code in place of each line that raises NotImplementedError; then see what is right:
把每一行 raise NotImplementedError 换成你自己的代码，然后检查对不对：

    make check ARGS="-k section_{section}"
    make check ARGS="-k section_{section} --lang zh"
"""
'''
WHAT_NEXT = """Write the functions in {first} and so on, in your editor; then: make check
在编辑器里打开 {first} 等文件，写出其中的函数；然后运行：make check ARGS="--lang zh\""""
MISSING = ("There is no function {} in {}.", "{1} 里没有函数 {0}。")
UNREADABLE = ("{} can't be run.\n{}", "{} 无法运行。\n{}")
NO_SUCH = ("no exercise is called that", "没有这样的练习")
PRINTED = ("printed", "打印内容")
COLORS = {RIGHT: "\033[32m{}\033[0m", WRONG: "\033[31m{}\033[0m"}


def main(arguments: list[str]) -> int:
    """Lay the exercises out, or check them; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m notebooks.exercises", description=__doc__)
    check_ = parser.add_subparsers(dest="command").add_parser("check", help="say which are right")
    check_.add_argument("-k", default="", metavar="NAME", help="only section_3, 3.1, softmax, …")
    check_.add_argument("--lang", choices=LANGUAGES, default="en", help="language of the messages")
    options = parser.parse_args(arguments)
    try:
        written, kept = lay_out(FOLDER)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    if options.command:
        return check(options.k, LANGUAGES.index(options.lang))
    for what, paths in (("wrote", written), ("kept what you have in", kept)):
        if paths:
            print(f"{what} {FOLDER}: {', '.join(path.name for path in paths)}")
    print(WHAT_NEXT.format(first=FOLDER / "section_1.py"))
    return 0


def lay_out(folder: Path) -> tuple[list[Path], list[Path]]:
    """Write the sections' files that aren't there yet; return those written, and those kept.

    Raises OutputError if they can't be written.
    """
    written, kept = [], []
    with reporting_output_errors(folder):
        folder.mkdir(exist_ok=True)
    for section in SECTIONS:
        path = folder / f"section_{section}.py"
        if path.exists():
            kept.append(path)
        else:
            write_text(path, skeleton_of(section))
            written.append(path)
    return written, kept


def skeleton_of(section: int) -> str:
    """Return the text of a section's file: its imports, and functions without their bodies."""
    module = importlib.import_module(f".section_{section}", __package__)
    imports = inspect.getsource(module).split('"""')[2].split("from .")[0].strip()
    head = HEAD.format(title=inspect.getdoc(module), section=section) + "\n" + imports
    functions = [exercise.skeleton(number) for number, exercise in exercises_of(section).items()]
    return "\n\n\n".join([head, *functions]) + "\n"


def check(chosen: str, pick: int) -> int:
    """Judge the functions whose file, number or name has `chosen` in it; return the exit status."""
    counts = Counter()
    for section in SECTIONS:
        path = FOLDER / f"section_{section}.py"
        exercises = [
            (f"{number} {exercise.name}", exercise)
            for number, exercise in exercises_of(section).items()
            if chosen in f"{path}::{number} {exercise.name}"
        ]
        if not exercises:
            continue
        print(f"\n{path}")
        functions, problem = {}, None
        try:
            exec(compile(path.read_bytes(), str(path), "exec"), functions)
        except (Exception, SystemExit) as error:
            problem = UNREADABLE[pick].format(path.name, located(error, str(path), pick))
        for name, exercise in exercises:
            function = functions.get(exercise.name)
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                if problem is not None:
                    verdict, text, problem = WRONG, problem, ""  # once for the whole file
                elif not callable(function):
                    verdict, text = WRONG, MISSING[pick].format(exercise.name, path.name)
                else:
                    verdict, text = judge(exercise, function, pick)
            if verdict is WRONG and printed.getvalue():
                text += "\n" + entry(PRINTED, printed.getvalue().rstrip(), pick)
            counts[verdict] += 1
            line = f"  {name:<35}{verdict[pick]}"
            print(COLORS.get(verdict, "{}").format(line) if sys.stdout.isatty() else line)
            if text:
                print(textwrap.indent(text, " " * 6))
    sums = [f"{counts[each]} {each[pick]}" for each in (RIGHT, WRONG, NOT_WRITTEN) if counts[each]]
    print("\n" + (", ".join(sums) or NO_SUCH[pick]))
    return 0 if set(counts) == {RIGHT} else 1


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # those of a learner's code
    sys.stdout.reconfigure(errors="replace")  # not every terminal has Chinese characters
    sys.exit(main(sys.argv[1:]))
