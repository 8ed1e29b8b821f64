"""`python -m notebooks.exercises` lays out the exercises, with `check` it says which are right."""

import sys
from pathlib import Path

from d2l_softmax.commands.console import silence
from d2l_softmax.errors import UserError

from .skeletons import lay_out

FOLDER = Path("exercises")
WHAT_NEXT = """Write the functions in {first} and so on, in your editor; then: make check
在编辑器里打开 {first} 等文件，写出其中的函数；然后运行：make check ARGS="--lang zh\""""


def main(arguments: list[str]) -> int:
    """Lay the exercises out, or check them; return the exit status."""
    try:
        written, kept = lay_out(FOLDER)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments[:1] == ["check"]:
        return check(arguments[1:])
    for what, paths in (("wrote", written), ("kept what you have in", kept)):
        if paths:
            print(f"{what} {FOLDER}: {', '.join(path.name for path in paths)}")
    print(WHAT_NEXT.format(first=FOLDER / "section_1.py"))
    return 0


def check(options: list[str]) -> int:
    """Let pytest judge the learner's files; pytest's options choose among them."""
    try:
        import pytest
    except ImportError:
        print("pytest is missing: python -m pip install pytest", file=sys.stderr)
        return 1
    settings = ["addopts=", "filterwarnings=", "console_output_style=classic"]
    settings += [f"testpaths={FOLDER}"]
    plain = ["-qq", "--no-header", "--no-summary", *(f"-o{setting}" for setting in settings)]
    plugins = ["-p", f"{__package__}.plugin", "-p", "no:python"]
    try:
        return int(pytest.main([*plain, *plugins, *options]))
    except BrokenPipeError:  # nobody reads on, as after `| head`
        silence(sys.stdout)
        return 1


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")  # not every terminal has Chinese characters
    sys.exit(main(sys.argv[1:]))
