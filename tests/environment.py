"""The environment of the tests: the same on every machine.

`isolate()` runs before torch and matplotlib are imported; child processes inherit the result.
"""

import atexit
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import platformdirs

ISOLATED = "D2L_SOFTMAX_TESTS_HOME"  # set once a process of this run has isolated itself
# What would change the tests, from make, terminals, Python, matplotlib, or torchrun.
REMOVED = (
    *("ARGS", "IMAGE", "MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS"),
    *("CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "PY_COLORS"),
    *("PYTHONIOENCODING", "PYTHONOPTIMIZE", "PYTHONSAFEPATH", "PYTHONWARNINGS"),
    *("MATPLOTLIBRC", "MPLBACKEND"),
    *("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"),
    *("LANGUAGE", "LC_CTYPE", "LC_MESSAGES", "LC_NUMERIC", "LC_TIME"),
)
SIGNALS = ("SIGINT", "SIGTERM")  # not SIGHUP: `nohup make test` outlives its terminal


def isolate() -> None:
    """Give this process and its children a home, caches, a locale and signals of their own.

    The data set and Playwright's browsers, which are large, stay those of the user.
    """
    for name in SIGNALS:  # ignored where a shell without job control starts a background job
        signum = getattr(signal, name)
        if signal.getsignal(signum) is signal.SIG_IGN:
            handler = signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL
            signal.signal(signum, handler)
    os.umask(0o022)
    if ISOLATED in os.environ:  # a worker of pytest-xdist
        return
    kept = {
        "D2L_SOFTMAX_DATA": os.path.expanduser(os.environ.get("D2L_SOFTMAX_DATA", ""))
        or str(platformdirs.user_cache_path("d2l_softmax", appauthor=False, opinion=False)),
        "PLAYWRIGHT_BROWSERS_PATH": os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
        or str(browsers_of_playwright()),
    }
    for name in REMOVED:
        os.environ.pop(name, None)
    home = tempfile.mkdtemp(prefix="d2l_softmax-tests-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    homes = {"HOME": home, "USERPROFILE": home, ISOLATED: home}
    folders = {
        "XDG_CACHE_HOME": "cache",
        "XDG_CONFIG_HOME": "config",
        "XDG_DATA_HOME": "data",
        "MPLCONFIGDIR": "matplotlib",
        "HYPOTHESIS_STORAGE_DIRECTORY": "hypothesis",
    }
    os.environ |= kept | homes | {name: f"{home}/{folder}" for name, folder in folders.items()}
    os.environ |= {"LC_ALL": "C.UTF-8", "TZ": "UTC"}
    # As in an activated environment: messages name `python`, not its path.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    Path(home, "matplotlib").mkdir()


def browsers_of_playwright() -> Path:
    """Return the folder in which Playwright keeps its browsers by default."""
    if sys.platform == "win32":
        return Path.home() / "AppData" / "Local" / "ms-playwright"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "ms-playwright"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ms-playwright"
