"""Fixtures: the real data, small subsets of it, made-up files, training runs, browsers."""

import environment

environment.isolate()  # before torch and matplotlib are imported

import csv
import functools
import hashlib
import os
import signal
import struct
import subprocess
import sys
import types
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from browsers import NEEDS
from engines import Chromium, running_firefox, running_webkit
from hypothesis import HealthCheck, settings
from PIL import Image

import concise
import d2l_softmax
import scratch
from d2l_softmax.commands import train as training_command
from d2l_softmax.data import sources
from d2l_softmax.data.fashion_mnist import read_fashion_mnist
from d2l_softmax.models import read_tensors
from d2l_softmax.training import metrics
from d2l_softmax.training.fit import EpochRecord

TWINS = {"scratch": scratch, "concise": concise}
LESSON = Path(__file__).parents[1] / "docs" / "softmax.html"


@functools.cache
def find_data():
    """Return the directory of the real data, downloaded if needed; None if no source has them."""
    try:
        return sources.ensure_fashion_mnist()
    except sources.DataUnavailableError:
        return None


# Requirements besides packages. Without them, tests are skipped; with CI=true, they fail.
FINDERS = {name: find for name, (find, _) in NEEDS.items()} | {"Fashion-MNIST": find_data}
IN_CI = os.environ.get("CI") == "true"

# test_properties.py: the same examples in every run, no database, and no limit of time
settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")


def require(name):
    """Return the requirement `name`; if it is missing, skip the test, or fail it with CI=true."""
    if not (found := FINDERS[name]()):
        missing = f"needs {name}: make {'browser' if name in NEEDS else 'data'}"
        if IN_CI:
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    return found


def pytest_collection_modifyitems(items):
    """Mark the tests that use the fixture real_data, directly or through other fixtures."""
    for item in items:
        if "real_data" in item.fixturenames:
            item.add_marker("real_data")


def pytest_collection_finish(session):
    """Download the data before the first test, because each test has a time limit."""
    if any(item.get_closest_marker("real_data") for item in session.items):
        find_data()


def first_quick(parameters, number=1):
    """Return pytest parameters, all but the first `number` of them marked as slow.

    A tuple has a value for each argument.
    """
    values = [each if isinstance(each, tuple) else (each,) for each in parameters]
    marks = [()] * number + [pytest.mark.slow] * len(values)
    return [pytest.param(*each, marks=m) for each, m in zip(values, marks, strict=False)]


def write_idx(path, array):
    """Write a uint8 array in the format of MNIST's files (LeCun's IDX)."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


def write_dataset(folder, train_images, train_labels, test_images, test_labels):
    """Write four IDX files to the folder; return their SHA-256 by name."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {
        "train-images-idx3-ubyte": train_images,
        "train-labels-idx1-ubyte": train_labels,
        "t10k-images-idx3-ubyte": test_images,
        "t10k-labels-idx1-ubyte": test_labels,
    }
    for name, array in arrays.items():
        write_idx(folder / name, np.asarray(array))
    return {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in arrays}


def write_arrays(folder, train, test=(), classes=()):
    """Write a data set of .npy files, from (examples, labels); return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ("train_images", "train_labels", "test_images", "test_labels")
    for name, array in zip(names, (*train, *test), strict=False):
        np.save(folder / f"{name}.npy", array)
    if classes:
        (folder / "classes.txt").write_text("\n".join(classes))
    return folder


def write_grays(folder, shade, n=4, size=(8, 6), first=0):
    """Write n gray pictures; picture i is i.png and has the shade plus i."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(first, first + n):
        Image.new("L", size, shade + i).save(folder / f"{i}.png")


def all_of(loader):
    """Return all that a loader yields, as one batch."""
    X, y = zip(*loader, strict=True)
    return torch.cat(X), torch.cat(y)


def train_on(data, output_dir, *arguments, twin="scratch"):
    """Train a twin on a data set by its command; return the exit status."""
    argv = [f"--dataset={data}", f"--output-dir={output_dir}", *arguments]
    return training_command.main(TWINS[twin], twin, argv)


def results(folder):
    """Return what a run learned and measured, to the last bit."""
    model = torch.load(folder / "model.pt", weights_only=True)
    records = [record._replace(seconds=0) for record in load_history(folder / "history.csv")]
    return [tensor.numpy().tobytes() for tensor in model.values()], records


def complaints(opened, **options):
    """Return axe-core's violations in a page: the rule, and the first element that breaks it."""
    from axe_playwright_python.sync_playwright import Axe

    options["resultTypes"] = ["violations"]  # elements of other results take half of the time
    violations = Axe().run(opened, options=options).response["violations"]
    return [(found["id"], found["nodes"][0]["html"]) for found in violations]


def write_pictures(folder, sizes=((6, 4),), modes=("L", "RGB"), classes=("cat", "dog"), n=4):
    """Write n pictures of sizes (w, h) to each train/CLASS and test/CLASS; return the folder."""
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for k, name in enumerate(classes):
            (folder / split / name).mkdir(parents=True)
            for i in range(n):
                width, height = sizes[i % len(sizes)]
                pixels = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
                pixels[0, 0] = 255 * k % 256
                picture = Image.fromarray(pixels).convert(modes[i % len(modes)])
                picture.save(folder / split / name / f"{i}.png")
    return folder


@pytest.fixture
def notebook(monkeypatch):
    """Simulate a notebook's kernel; return a list of the requests to show, as (kind, figure)."""
    shown = []
    handle = types.SimpleNamespace(update=lambda figure: shown.append(("update", figure)))

    def display(figure, display_id):
        shown.append(("display", figure))
        return handle

    d2l_softmax.plt.switch_backend("agg")  # before pyplot asks IPython for its hooks
    kernel = types.SimpleNamespace(kernel=object())
    modules = {
        "IPython": {"get_ipython": lambda: kernel, "version_info": (9, 0)},
        "IPython.display": {"display": display},
        "matplotlib_inline": {},
        "matplotlib_inline.backend_inline": {
            "set_matplotlib_formats": lambda kind: shown.append(("format", kind))
        },
    }
    for name, attributes in modules.items():
        monkeypatch.setitem(sys.modules, name, types.SimpleNamespace(**attributes))
    return shown


@pytest.fixture(scope="session")
def real_data():
    """Return ((train images, labels), (test images, labels)), all of Fashion-MNIST."""
    data = read_fashion_mnist(require("Fashion-MNIST"))
    splits = (data.train, data.test)
    return tuple((torch.tensor(s.examples), torch.tensor(s.labels).long()) for s in splits)


@pytest.fixture
def accepted(tmp_path, monkeypatch):
    """Return a function that writes a data directory of arrays, accepted as Fashion-MNIST's."""

    def accepted(name, *arrays):
        digests = write_dataset(tmp_path / name / "FashionMNIST" / "raw", *arrays)
        for file, digest in digests.items():
            monkeypatch.setitem(sources.SHA256, file, digest)
        return tmp_path / name

    return accepted


@pytest.fixture
def made_up(accepted):
    """Return a data directory with 60 + 20 random images."""
    images = np.random.default_rng(0).integers(0, 256, (80, 28, 28))
    return accepted("data", images[:60], np.arange(60) % 10, images[60:], np.arange(20) % 10)


@pytest.fixture
def part_of_real(accepted, real_data):
    """Return a function that writes a data directory with the first images of the real data."""

    def part(num_train, num_test=10_000):
        (X, y), (X_test, y_test) = real_data
        split = (X[:num_train], y[:num_train], X_test[:num_test], y_test[:num_test])
        return accepted(f"first-{num_train}", *split)

    return part


def read_rows(path):
    """Return the rows of a table, as dictionaries."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def load_history(path):
    """Return the records of a history.csv."""
    numbers = [{k: float(v) for k, v in row.items()} for row in read_rows(path)]
    return [EpochRecord(**row | {"epoch": int(row["epoch"])}) for row in numbers]


def load_parameters(path, model):
    """Copy W and b of a model file into a model."""
    tensors = read_tensors(path, *model.W.shape)
    with torch.no_grad():
        model.W.copy_(tensors["W"])
        model.b.copy_(tensors["b"])


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Return a function that runs a twin's training command without figures.

    The function returns the history and the content of model.pt.
    """
    monkeypatch.setattr(training_command, "write_results", lambda *arguments: None)

    def train(twin, *arguments):
        output_dir = tmp_path / f"run-{twin}"
        argv = ["--quiet", "--device=cpu", f"--output-dir={output_dir}", *map(str, arguments)]
        assert training_command.main(TWINS[twin], twin, argv) == 0
        model = torch.load(output_dir / "model.pt", weights_only=True)
        return load_history(output_dir / "history.csv"), model

    return train


@pytest.fixture(params=TWINS)
def twin(request):
    """Return each twin in turn."""
    return TWINS[request.param]


@pytest.fixture(scope="session")
def trained(tmp_path_factory, real_data):
    """Return the output directory of scratch, trained for three epochs on the real data."""
    output_dir = tmp_path_factory.mktemp("trained")
    argv = ["--quiet", "--device=cpu", "--epochs=3", f"--output-dir={output_dir}"]
    assert training_command.main(TWINS["scratch"], "scratch", argv) == 0
    return output_dir


@pytest.fixture
def clock(monkeypatch):
    """Return a clock for timers, which shows `clock.now` until a test changes it."""
    clock = types.SimpleNamespace(now=1000.0)
    stopped = types.SimpleNamespace(perf_counter=lambda: clock.now)
    monkeypatch.setattr(metrics, "time", stopped)
    return clock


@pytest.fixture
def generator():
    """Return a seeded random generator."""
    return torch.Generator().manual_seed(0)


@pytest.fixture
def off_screen():
    """Seed torch; draw off screen, and close all figures at the end."""
    matplotlib.use("agg")
    torch.manual_seed(0)
    yield
    d2l_softmax.plt.close("all")


@pytest.fixture
def font_for_chinese():
    """Return the name of an installed font that has Chinese characters."""
    return require("a Chinese font")


@pytest.fixture
def default_signals():
    """Set the signal handlers of a program that is started in a terminal without nohup."""
    signals = [getattr(signal, s) for s in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, s)]
    before = {signum: signal.getsignal(signum) for signum in signals}
    for signum in signals:
        default = signal.default_int_handler if signum == signal.SIGINT else signal.SIG_DFL
        signal.signal(signum, default)
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


# Not once for all: while it is open, Playwright keeps an event loop running in this thread, and
# tests of other files (the notebook's) could not run theirs.
@pytest.fixture(scope="module")
def browser():
    """Return a headless Chromium, driven by Playwright."""
    path = require("Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def chromium(browser):
    """Return a tab of Chromium; see engines.py."""
    page = browser.new_page()
    yield Chromium(page)
    page.close()


@pytest.fixture(scope="module")
def firefox(tmp_path_factory):
    """Return the tab of a headless Firefox."""
    with running_firefox(require("Firefox"), tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture(scope="module")
def webkit(tmp_path_factory):
    """Return the tab of a WebKitGTK browser."""
    with running_webkit(require("WebKit"), tmp_path_factory.mktemp("pages")) as tab:
        yield tab


@pytest.fixture(scope="module", params=first_quick(["chromium", "firefox", "webkit"]))
def tab(request):
    """Return a tab of each browser in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def visit(browser):
    """Return a function that opens a file in the browser, with a width and a colour scheme.

    `script` runs before the page's. It returns Playwright's page, and the list of all requested
    addresses, the file's first, and of all that the page says on the console.
    """
    contexts = []

    def visit(path, width=1300, scheme="light", hash="", script="", **options):
        viewport = {"width": width, "height": 900}
        context = browser.new_context(viewport=viewport, color_scheme=scheme, **options)
        contexts.append(context)
        page, heard = context.new_page(), []
        page.on("request", lambda request: heard.append(request.url))
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.add_init_script(script)
        page.goto(path.as_uri() + hash)
        return page, heard

    yield visit
    for context in contexts:
        context.close()


def run_python(*arguments, cwd=None, **environment):
    """Run Python in a process of its own, with environment variables; return the ended process."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(LESSON.parents[1])} | environment,
        capture_output=True,
        encoding="utf-8",
    )


@pytest.fixture
def error_line(capsys):
    """Return a function that runs a command, checks its status, and returns its one error line."""

    def error_line(status, command, *arguments):
        capsys.readouterr()
        try:
            result = command(*arguments)
        except SystemExit as end:  # wrong usage
            result = end.code
        (line,) = capsys.readouterr().err.splitlines()
        assert result == status, line
        return line

    return error_line


READY = "html[data-ready]"  # the lesson, once its scripts have run


@pytest.fixture(params=["lesson", "report"])
def each_page(request):
    """Return the path of each page in turn."""
    if request.param == "lesson":
        return LESSON
    return request.getfixturevalue("trained") / "report.html"


@pytest.fixture(scope="module")
def lesson_in_chromium(browser):
    """Return docs/softmax.html, opened once for a module's tests that only compute in it."""
    page = browser.new_page()
    page.goto(LESSON.as_uri())
    page.wait_for_selector(READY)
    yield page
    page.close()


@pytest.fixture(scope="module")
def lesson(tab):
    """Return docs/softmax.html in each browser in turn."""
    tab.open(LESSON)
    tab.wait_for(READY)
    return tab


@pytest.fixture
def open_lesson(visit):
    """Return a function that opens the lesson at a hash and waits until it is ready.

    When the test is over, the page must have asked for nothing, and must have said nothing on the
    console. As in Firefox 113, elements have no ARIA properties.
    """
    opened = []
    without_aria = (
        "for (const name of Object.getOwnPropertyNames(Element.prototype))"
        "  if (/^aria[A-Z]/.test(name)) delete Element.prototype[name];"
    )

    def open_lesson(hash="", language="en", script="", **options):
        options = {"locale": language, "offline": True, "has_touch": True, **options}
        opened.append(visit(LESSON, hash=hash, script=without_aria + script, **options))
        page, _ = opened[-1]
        page.wait_for_selector(READY)
        return page

    yield open_lesson
    own = ("blob:", LESSON.as_uri())
    for page, heard in opened:
        page.close()
        assert [each for each in heard if not each.startswith(own)] == []
