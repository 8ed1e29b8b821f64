"""Environment variables, streams and limits, each for a process started by a shell."""

import functools
import itertools
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from . import children, data

TRAIN = "-m scratch --epochs 1 --device cpu --output-dir {out}"
COMMANDS = [TRAIN, TRAIN.replace("scratch", "concise"), "-m d2l_softmax losses --output-dir {out}"]
WRONG = ["-m scratch --lr nonsense", "-m d2l_softmax evaluate nowhere/model.pt"]

# In the shell's syntax: STREAMS follow the command, VARIABLES and LIMITS precede it.
STREAMS = "| true; | head -c 1 >/dev/null; 2>&1 | true"
VARIABLES = """
MPLBACKEND=nonsense; MPLBACKEND=tkagg; MATPLOTLIBRC={rc}; MPLCONFIGDIR=/dev/null/x
LC_ALL=C PYTHONUTF8=0 PYTHONIOENCODING=ascii; LC_ALL=zh_CN.gbk; LANG=nonsense
HOME=; HOME=/dev/null; HOME=relative; -u HOME; -i PATH=/usr/bin:/bin
XDG_CACHE_HOME=/dev/null/x; TMPDIR=/dev/null/x; PYTHONWARNINGS=default; TERM=
PYTHONOPTIMIZE=2; PYTHONHASHSEED=1; PYTHONUNBUFFERED=1; PYTHONDONTWRITEBYTECODE=1
COLUMNS=1; COLUMNS=abc; TERM=nonsense NO_COLOR=1; PYTHONDEVMODE=1 PYTHONWARNINGS=ignore
OMP_NUM_THREADS=1000; OMP_NUM_THREADS=abc; MKL_NUM_THREADS=0; TZ=nonsense
CUDA_VISIBLE_DEVICES=7; CUDA_VISIBLE_DEVICES=; KMP_AFFINITY=nonsense; SOURCE_DATE_EPOCH=x
D2L_SOFTMAX_DATA=/dev/null/x; D2L_SOFTMAX_DATA=~nosuchuser; D2L_SOFTMAX_DATA={data}
"""
LIMITS = """
ulimit -v 5000000 &&; ulimit -n 20 &&; ulimit -n 64 &&; ulimit -f 0 &&; ulimit -f 50 &&
ulimit -s 1024 &&; ulimit -c 0 &&; umask 777 &&; umask 077 &&; nice -n 19; nohup
trap '' INT TERM &&; trap '' PIPE &&; cd {gone} && rmdir {gone} &&
"""
FLAGS = "-O; -OO; -B; -E; -s; -X utf8=0; -X dev -W ignore; -W error"
PATHS = [r"$'\xff\xe4'", "图片", "'a b'", "'{{lr}}'", "'%s'", "é", "-x", "$'a\\nb'", "long" * 50]


def listed(text: str) -> list[str]:
    """Split a text at semicolons and line breaks."""
    return [entry.strip() for entry in text.replace("\n", ";").split(";") if entry.strip()]


def lines(folder: Path) -> Iterator[str]:
    """Yield command lines for a shell, with the fields {out}, {gone}, {data} and {rc} for paths."""
    where, python = "D2L_SOFTMAX_DATA={data}", shlex.quote(sys.executable)
    turns = itertools.cycle(COMMANDS)
    for stream in listed(STREAMS):
        for command in (*COMMANDS[:2], *WRONG):
            yield f"env {where} {python} {command} {stream}"
    for variable in listed(VARIABLES):
        yield f"env {variable} {'' if 'D2L' in variable else where} {python} {next(turns)}"
    for limit in listed(LIMITS):
        yield f"{limit} env {where} {python} {next(turns)}"
    for flag in listed(FLAGS):
        yield f"env {where} {python} {flag} {next(turns)}"
    for path in PATHS:
        yield f"env {where} {python} {next(turns)}".replace("{out}", f"{folder}/{path}")


def run_line(folder: Path, line: str) -> str:
    """Run a line in a shell, in an empty folder; return a complaint."""
    place = folder / f"in-{os.getpid()}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = ["bash", "-c", f"set -o pipefail; {line}"]
    try:
        done = subprocess.run(
            command, cwd=place, env=environment, capture_output=True, timeout=children.PATIENCE
        )
    except subprocess.TimeoutExpired:
        return "hangs"
    out, err = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
    outcome, trains = children.Outcome(done.returncode, out, err), "--epochs" in line
    outputs = [path for path in place.iterdir() if path.name.startswith("out")]
    missing = children.FILES - {path.name for path in outputs[0].iterdir()} if outputs else None
    if outcome.status == 0 and trains and missing:
        return f"status 0 without {missing}"
    silent = "| true" in line or "| head" in line
    if silent and outcome.status in (0, 1, 2) and not err:
        return ""
    many = 20 if "could not be fetched" in err or "rc" in line else 2  # a line for each source
    return outcome.complaint(lines=many)


def faults(folder: Path, data_dir: Path) -> Iterator[children.Fault]:
    """Yield the faults."""
    rc = folder / "rc"
    rc.write_text("text.usetex: True\naxes.nonsense: 3\n", encoding="utf-8")
    for number, line in enumerate(lines(folder)):
        what = line.replace(str(folder), "…").replace(sys.executable, "python")
        gone = folder / f"gone-{number}"
        gone.mkdir()
        paths = {"out": f"out-{number}", "gone": gone, "data": data.genuine, "rc": rc}
        for name, path in paths.items():
            line = line.replace(f"{{{name}}}", str(path))
        yield children.Fault("environments", what, functools.partial(run_line, folder, line))
