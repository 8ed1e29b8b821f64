"""The first second of a command, while PyTorch is imported, and the programs of others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMMANDS = ["scratch", "concise", "d2l_softmax"]


@pytest.fixture
def run(tmp_path):
    """Return a function that runs a program that finds another torch: the code of that is given."""

    def run(module, torch, *arguments, **options):
        (tmp_path / "torch").mkdir()
        (tmp_path / "torch" / "__init__.py").write_text(torch, encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, **options
        )

    return run


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.usefixtures("default_signals")
@pytest.mark.parametrize(("signal", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_signal_while_torch_is_imported_ends_in_one_line(name, signal, status, run):
    torch = f"import signal, time; signal.raise_signal(signal.{signal}); time.sleep(60)"
    done = run(name, torch, timeout=50)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr == f"python -m {name}: interrupted\n"


@pytest.mark.parametrize("error", ["ImportError('libfoo.so\\nis gone')", "OSError(12, 'no room')"])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_library_that_cannot_be_loaded_is_one_line(name, error, run):
    done = run(name, f"raise {error}")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"python -m {name}: a library can't be loaded: ")


def test_a_mistake_in_a_library_keeps_its_traceback(run):
    done = run("scratch", "1 / 0")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.parametrize("how", ["-m", "-c"])
def test_the_programs_of_others_keep_their_handlers(how, tmp_path):
    code = (
        "import signal, sys, os, scratch, concise, d2l_softmax\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
        "assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL\n"
        "assert sys.excepthook is sys.__excepthook__\n"
        "assert 'MPLBACKEND' not in os.environ\n"
    )
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "__init__.py").write_text(code, encoding="utf-8")
    (tmp_path / "theirs" / "__main__.py").write_text("", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    environment["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{ROOT}"
    command = [sys.executable, how, "theirs" if how == "-m" else code]
    subprocess.run(command, env=environment, check=True)


@pytest.mark.skipif(sys.platform == "win32", reason="closes streams as a shell does")
@pytest.mark.parametrize("streams", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_does_not_become_a_file_of_ours(streams, tmp_path):
    """The first file that is opened would get its number, and what is printed would go there."""
    out = tmp_path / "out"
    line = f'"{sys.executable}" -m d2l_softmax losses --output-dir="{out}" {streams}'
    subprocess.run(["sh", "-c", line], check=True, cwd=ROOT)
    assert (out / "losses.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in out.iterdir()] == ["losses.png"]
