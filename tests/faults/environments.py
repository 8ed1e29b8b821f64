"""Environments, streams and limits that a process can find itself in; each is a real process."""

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
from .killed import FILES

TRAIN = "-m scratch --epochs 1 --device cpu --output-dir {out}"
COMMANDS = [TRAIN, TRAIN.replace("scratch", "concise"), "-m d2l_softmax losses --output-dir {out}"]
WRONG = ["-m scratch --lr nonsense", "-m d2l_softmax evaluate nowhere/model.pt"]

# As a shell takes them: what goes before the command, and what after it.
STREAMS = ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full"]
STREAMS += [">/dev/full 2>/dev/full", "| true", "| head -c 1 >/dev/null", "2>&1 | true"]
VARIABLES = [
    ["MPLBACKEND=nonsense", "MPLBACKEND=tkagg", "MATPLOTLIBRC={rc}", "MPLCONFIGDIR=/dev/null/x"],
    ["LC_ALL=C PYTHONUTF8=0 PYTHONIOENCODING=ascii", "LC_ALL=zh_CN.gbk", "LANG=nonsense"],
    ["HOME=", "HOME=/dev/null", "HOME=relative", "-u HOME", "-i PATH=/usr/bin:/bin"],
    ["XDG_CACHE_HOME=/dev/null/x", "TMPDIR=/dev/null/x", "PYTHONWARNINGS=default", "TERM="],
    ["PYTHONOPTIMIZE=2", "PYTHONHASHSEED=1", "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1"],
    [
        "COLUMNS=1",
        "COLUMNS=abc",
        "TERM=nonsense NO_COLOR=1",
        "PYTHONDEVMODE=1 PYTHONWARNINGS=ignore",
    ],
    ["OMP_NUM_THREADS=1000", "OMP_NUM_THREADS=abc", "MKL_NUM_THREADS=0", "TZ=nonsense"],
    [
        "CUDA_VISIBLE_DEVICES=7",
        "CUDA_VISIBLE_DEVICES=",
        "KMP_AFFINITY=nonsense",
        "SOURCE_DATE_EPOCH=x",
    ],
    ["D2L_SOFTMAX_DATA=/dev/null/x", "D2L_SOFTMAX_DATA=~nosuchuser", "D2L_SOFTMAX_DATA={data}"],
]
LIMITS = ["ulimit -v 5000000;", "ulimit -n 20;", "ulimit -n 64;", "ulimit -f 0;", "ulimit -f 50;"]
LIMITS += ["ulimit -s 1024;", "ulimit -c 0;", "umask 777;", "umask 077;", "nice -n 19", "nohup"]
LIMITS += ["trap '' INT TERM;", "trap '' PIPE;", "cd {gone} && rmdir {gone} &&"]
FLAGS = ["-O", "-OO", "-B", "-E", "-s", "-X utf8=0", "-X dev -W ignore", "-W error"]
PATHS = [r"$'\xff\xe4'", "图片", "'a b'", "'{{lr}}'", "'%s'", "é", "-x", "$'a\\nb'", "long" * 50]


def lines(folder: Path) -> Iterator[str]:
    """Yield command lines for a shell; {out}, {gone}, {data} and {rc} stand for paths."""
    where, python = "D2L_SOFTMAX_DATA={data}", shlex.quote(sys.executable)
    turns = itertools.cycle(COMMANDS)
    for stream in STREAMS:
        for command in (*COMMANDS[:2], *WRONG):
            yield f"env {where} {python} {command} {stream}"
    for variable in itertools.chain.from_iterable(VARIABLES):
        yield f"env {variable} {'' if 'D2L' in variable else where} {python} {next(turns)}"
    for limit in LIMITS:
        yield f"{limit} env {where} {python} {next(turns)}"
    for flag in FLAGS:
        yield f"env {where} {python} {flag} {next(turns)}"
    for path in PATHS:
        yield f"env {where} {python} {next(turns)}".replace("{out}", f"{folder}/{path}")


def filled_in(line: str, folder: Path, number: int) -> str:
    """Return a line with its paths."""
    gone = folder / f"gone-{number}"
    gone.mkdir()
    paths = {"out": f"out-{number}", "gone": gone, "data": data.genuine, "rc": folder / "rc"}
    for name, path in paths.items():
        line = line.replace(f"{{{name}}}", str(path))
    return line


def in_surroundings(folder: Path, line: str) -> str:
    """Run a line in a shell, in a folder of its own; return what is wrong then."""
    place = folder / f"in-{os.getpid()}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        ["bash", "-c", f"set -o pipefail; {line}"],
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        out, err = process.communicate(timeout=children.PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        return "hangs"
    texts = [text.decode(errors="replace") for text in (out, err)]
    outcome = children.Outcome(process.returncode, *texts, 0, False)
    if outcome.status == 0 and "--epochs" in line and (missing := missing_from(place)):
        return f"status 0 without {missing}"
    closed = any(stream in line for stream in ("<&-", ">&-", "2>/dev/full"))
    if closed and "--epochs" in line and " >/dev/full" not in line and outcome.status:
        return f"status {outcome.status} for a closed or full stream that nothing depends on"
    silent = any(stream in line for stream in ("2>&-", "2>/dev/full", "| true", "| head"))
    if silent and outcome.status in (0, 1, 2) and not outcome.err:
        return ""
    many = 20 if "could not be fetched" in outcome.err or "rc" in line else 2
    return outcome.complaint(lines=many)


def missing_from(place: Path) -> set[str]:
    """Return which files of a run are not there, in any folder that it wrote."""
    folders = [path for path in place.iterdir() if path.name.startswith("out")]
    return FILES - {path.name for path in folders[0].iterdir()} if folders else set()


def faults(folder: Path, data_dir: Path) -> Iterator[children.Fault]:
    """Yield the faults."""
    folder.mkdir(parents=True)
    (folder / "rc").write_text("text.usetex: True\naxes.nonsense: 3\n", encoding="utf-8")
    for number, line in enumerate(lines(folder)):
        what = line.replace(str(folder), "…").replace(sys.executable, "python")
        line = filled_in(line, folder, number)
        yield children.Fault("environments", what, functools.partial(in_surroundings, folder, line))
