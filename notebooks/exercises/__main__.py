"""Write the exercises as files: python -m notebooks.exercises. With `check`, check the answers."""

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
from d2l_softmax.i18n import LANGUAGES, tr, use_language
from d2l_softmax.io import reporting_output_errors, write_text

from . import SECTIONS, exercises_of
from .checking import CORRECT, NOT_WRITTEN, WRONG, entry, judge, located

FOLDER = Path("exercises")
HEAD = '''"""{title}

Put your own code in place of each line that raises NotImplementedError; then check it:
把每一行 raise NotImplementedError 换成你自己的代码，然后检查对不对：

    make check ARGS="-k section_{section}"
    make check ARGS="-k section_{section} --lang zh"
"""
'''
WHAT_NEXT = """Write the functions in {first} and so on, in your editor; then: make check
在编辑器里打开 {first} 等文件，写出其中的函数；然后运行：make check ARGS="--lang zh\""""


def main(arguments: list[str]) -> int:
    """Write the exercises or, with `check`, check the answers; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m notebooks.exercises", description=__doc__)
    check_ = parser.add_subparsers(dest="command").add_parser("check", help="check your answers")
    check_.add_argument("-k", default="", metavar="NAME", help="only section_3, 3.1, softmax, …")
    check_.add_argument("--expected", action="store_true", help="show the expected values, too")
    check_.add_argument("--lang", choices=LANGUAGES, default="en", help="language of the messages")
    options = parser.parse_args(arguments)
    try:
        written, kept = lay_out(FOLDER)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    if options.command:
        with use_language(options.lang):
            return check(options.k, options.expected)
    for what, names in (("wrote", written), ("kept what you have in", kept)):
        if names:
            print(f"{what} {FOLDER}: {', '.join(names)}")
    print(WHAT_NEXT.format(first=FOLDER / "section_1.py"))
    return 0


def lay_out(folder: Path) -> tuple[list[str], list[str]]:
    """Write the skeletons of sections whose file does not exist; return names written, names kept.

    Raises OutputError if a file cannot be written.
    """
    written, kept = [], []
    with reporting_output_errors(folder):
        folder.mkdir(exist_ok=True)
    for section in SECTIONS:
        path = folder / f"section_{section}.py"
        (kept if path.exists() else written).append(path.name)
        if not path.exists():
            write_text(path, skeleton_of(section))
    return written, kept


def skeleton_of(section: int) -> str:
    """Return the source of a section's skeleton: imports, and functions without bodies."""
    module = importlib.import_module(f".section_{section}", __package__)
    imports = inspect.getsource(module).split('"""')[2].split("from .")[0].strip()
    head = HEAD.format(title=inspect.getdoc(module), section=section) + "\n" + imports
    functions = [exercise.skeleton(number) for number, exercise in exercises_of(section).items()]
    return "\n\n\n".join([head, *functions]) + "\n"


def check(chosen: str, show_expected: bool) -> int:
    """Check the functions whose file, number or name contains `chosen`; return the exit status."""
    counts = Counter()
    for section in SECTIONS:
        path = FOLDER / f"section_{section}.py"
        exercises = {
            f"{number} {exercise.name}": exercise
            for number, exercise in exercises_of(section).items()
            if chosen in f"{path}::{number} {exercise.name}"
        }
        if not exercises:
            continue
        print(f"\n{path}", flush=True)
        functions, problem = {}, None
        try:
            exec(compile(path.read_bytes(), str(path), "exec"), functions)
        except (Exception, SystemExit) as error:
            message = located(error, str(path))
            problem = tr("{file} cannot be run:\n{error}", file=path.name, error=message)
        for name, exercise in exercises.items():
            function = functions.get(exercise.name)
            print(f"  {name:<35}", end="", flush=True)  # Ctrl-C ends a function that hangs
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                if problem is not None:
                    verdict, text, problem = WRONG, problem, ""  # once per file
                elif not callable(function):
                    verdict = WRONG
                    text = tr("{file} has no function {name}.", file=path.name, name=exercise.name)
                else:
                    verdict, text = judge(exercise, function, show_expected)
            if verdict == WRONG and printed.getvalue():
                text += "\n" + entry(tr("printed"), printed.getvalue().rstrip())
            counts[verdict] += 1
            print(tr(verdict))
            if text:
                print(textwrap.indent(text, " " * 6))
    sums = [f"{counts[each]} {tr(each)}" for each in (CORRECT, WRONG, NOT_WRITTEN) if counts[each]]
    none = tr("no exercise matches; -k takes section_3, 3.1, or a name such as softmax")
    print("\n" + (", ".join(sums) or none))
    if counts[WRONG] and not show_expected:
        print(tr("With --expected the expected values are shown, too."))
    return 0 if set(counts) == {CORRECT} else 1


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # warnings of a learner's code
    sys.stdout.reconfigure(errors="replace")  # some terminals have no Chinese characters
    sys.exit(main(sys.argv[1:]))
