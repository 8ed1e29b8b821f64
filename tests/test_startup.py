"""How a command starts: the handlers and streams of the process, and those of other programs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from d2l_softmax.commands import cli

ROOT = Path(__file__).parents[1]


def test_the_programs_of_others_keep_their_handlers():
    code = (
        "import signal, sys, os, scratch, concise, d2l_softmax\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
        "assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL\n"
        "assert sys.excepthook is sys.__excepthook__\n"
        "assert 'MPLBACKEND' not in os.environ\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, cwd=ROOT)


@pytest.mark.usefixtures("default_signals")
@pytest.mark.parametrize(("signum", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_any_command_in_one_line(signum, status, capsys):
    if not hasattr(signal, signum):
        pytest.skip("no such signal here")

    def work():
        signal.raise_signal(getattr(signal, signum))
        raise AssertionError("it continued")

    assert cli.exit_status("python -m d2l_softmax losses", work) == status
    assert capsys.readouterr().err == "python -m d2l_softmax losses: interrupted\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="closes streams as a shell does")
@pytest.mark.parametrize("streams", ["<&-", "<&- >&- 2>&-"])
def test_a_closed_stream_does_not_become_a_file_of_ours(streams, tmp_path):
    """The first file that is opened would get its number, and what is printed would go there."""
    out = tmp_path / "out"
    line = f'"{sys.executable}" -m d2l_softmax losses --output-dir="{out}" {streams}'
    subprocess.run(["sh", "-c", line], check=True, cwd=ROOT)
    assert (out / "losses.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in out.iterdir()] == ["losses.png"]


def test_characters_that_a_terminal_lacks_are_printed_with_backslashes(monkeypatch, tmp_path):
    path = tmp_path / "out.txt"
    with open(path, "w", encoding="ascii") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        cli.open_closed_streams()
        print("\u56fe")
    assert path.read_text() == "\\u56fe\n"
