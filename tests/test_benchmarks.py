"""The benchmarks: peers that learn the same thing, and documents that show what was measured."""

import contextlib
import csv
import itertools
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import __main__ as program
from benchmarks import (
    agreement,
    backgrounds,
    busy,
    command,
    documents,
    doubts,
    peers,
    photographs,
    shared,
)
from d2l_softmax.commands.options import RECIPES
from d2l_softmax.data.fashion_mnist import CLASSES
from d2l_softmax.data.pictures import load_picture
from d2l_softmax.data.preprocessing import preprocess
from d2l_softmax.errors import UserError
from d2l_softmax.photographs import Answer, measure_unlikeness, read_components
from d2l_softmax.training.evaluation import wilson_interval

FOLDER = Path(__file__).parents[1] / "benchmarks"
SAME_IN_CHINESE = {
    *("scratch", "concise", "torch", "PyTorch", "scikit-learn", "JAX", "NumPy", "SGD", "Adam"),
    *("Keras", "TensorFlow", "optax", "float", "uint", "epsilon", "MB", "CPU", "McNemar"),
}


@pytest.fixture(scope="module")
def results():
    """Return the stored results."""
    return documents.read_results()


def read(document):
    """Return the text of a document."""
    return (FOLDER.parent / document).read_text(encoding="utf-8")


# Documents


@pytest.mark.parametrize("name", documents.DOCUMENTS)
def test_documents_show_what_was_measured(name, results):
    text, words = read(name), documents.DOCUMENTS[name]
    first, *_ = re.findall(r"^<!-- (\w+) -->$", text, re.MULTILINE)
    assert documents.fill(text, results, words) == text
    with pytest.raises(ValueError, match="substring not found"):
        documents.fill(text.replace(f"<!-- /{first} -->", ""), results, words)
    with pytest.raises(KeyError, match="speed"):
        documents.fill(text.replace(f"<!-- {first} -->", "<!-- speed -->"), results, words)


def test_every_section_is_in_one_page_of_measurements(results):
    pages = [name for name, language in documents.DOCUMENTS.items() if language == "en"]
    text = "".join(read(name) for name in pages if name != "README.md")
    marks = re.findall(r"^<!-- (\w+) -->$", text, re.MULTILINE)
    assert sorted([*marks, "results"]) == sorted(documents.sections_of(results))  # the READMEs'


def test_the_summary_has_the_numbers_of_the_full_tables(results):
    sections = documents.sections_of(results)
    title, *_ = documents.summary(results)
    assert title[1:] == peers.TWINS
    for cell in re.findall(r"0\.\d{4}(?= ±)", sections["results"]):
        assert f" {cell} (" in sections["accuracy"]
    _, _, (_, *seconds), _, (_, *memory) = documents.summary(results)
    for twin, epoch, peak in zip(peers.TWINS, seconds, memory, strict=True):
        (row,) = (line for line in sections["epoch"].splitlines() if line.startswith(f"| {twin} "))
        assert f" {epoch} " in row
        assert f" {peak} |" in sections["command"]


@pytest.mark.parametrize("name", documents.MEASURES)
def test_every_row_of_a_table_has_a_cell_in_each_column(results, name):
    head, *rows = documents.MEASURES[name].table(results[name])
    assert rows
    assert all(len(row) == len(head) for row in rows)


def test_results_are_those_of_todays_peers(results):
    for name, today in (("loading", peers.PASSES), ("epoch", peers.EPOCHS)):
        measured = dict.fromkeys(record["peer"] for record in results[name])
        assert list(measured) == list(today), "peers.py has changed: run make bench"


@pytest.mark.parametrize("name", [n for n, words in documents.DOCUMENTS.items() if words == "zh"])
def test_the_chinese_tables_are_chinese(name):
    tables = re.findall(r"^<!-- (\w+) -->\n\n(\|.*?)\n\n<!--", read(name), re.M | re.S)
    assert tables
    for section, table in tables:
        words = re.findall(r"(?<![\d.])[A-Za-z][A-Za-z-]+", re.sub(r"`[^`]*`", "", table))
        assert set(words) <= SAME_IN_CHINESE, section


def test_the_recipe_is_the_best_of_the_search():
    _, table = read("benchmarks/README.md").split("## Choosing the recipe")
    best = re.search(r"^\| 20 .*$", table, re.M)[0].split("|")[1:6]
    names = ("epochs", "batch_size", "momentum", "lr", "lr_decay")
    recipe = RECIPES["best"]
    assert [cell.strip() for cell in best] == [str(getattr(recipe, name)) for name in names]


@pytest.mark.parametrize("name", ["docs/training.md", "docs/zh/training.md"])
def test_the_page_on_predict_says_how_often_it_is_right(results, name):
    (paragraph,) = (line for line in read(name).splitlines() if "synthetic-backgrounds" in line)
    counts = results["photographs"]["counts"]
    keys = {"collection": "validation", "group": photographs.ALL}
    before = photographs.find(counts, preparation=photographs.BEFORE, model="best", **keys)
    now = photographs.find(counts, preparation=photographs.WITH, model="photos", **keys)
    assert f"{before['n']}" in paragraph
    shares = [f"{100 * each['right'] / each['n']:.0f}" for each in (before, now)]
    judged = [each for each in results["backgrounds"] if each["background"] in backgrounds.KINDS]
    right, n = (sum(each[key] for each in judged) for key in ("correct", "pictures"))
    assert f"{n:,}" in paragraph
    low, high = wilson_interval(right / n, n)
    shares += [f"{100 * share:.0f}" for share in (right / n, low, high)]
    assert set(shares) <= set(re.findall(r"\d+", paragraph))


def test_each_source_of_photographs_is_named_and_covers_all_classes():
    with photographs.LIST.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    text = read("docs/photographs.md")
    assert len(rows) >= 60
    assert {row["class"] for row in rows} == set(CLASSES)
    assert {row["direction"] for row in rows} >= {"left", "right"}
    for repo, number in Counter(row["repo"] for row in rows).items():
        assert f"[{repo}](https://github.com/{repo}) ({number})" in text


# Photographs


def write_photographs(folder):
    """Write a photograph of each garment in both splits, and the clone that a table names."""
    for split, garment in itertools.product(photographs.SPLITS, photographs.GARMENTS):
        (folder / "clothing" / split / garment).mkdir(parents=True)
        picture = Image.new("RGB", (60, 80), "white")
        picture.paste((90, 20, 20), (15, 10, 45, 70))
        picture.save(folder / "clothing" / split / garment / "1.jpg")
    (folder / "other" / "a" / "b").mkdir(parents=True)
    picture.save(folder / "other" / "a" / "b" / "boot.jpg")
    table = "repo,path,commit,class,group,direction\na/b,boot.jpg,0,ankle boot,plain,right\n"
    (folder / "table.csv").write_text(table, encoding="utf-8")


def test_photographs_are_counted_in_their_groups(tmp_path):
    write_photographs(tmp_path)
    read = photographs.read_clothing(tmp_path / "clothing")
    read += photographs.read_other(tmp_path / "other", tmp_path / "table.csv")
    assert len(read) == 13
    y_hat = torch.eye(10)[[0] * 12 + [9]]
    answers = [Answer(torch.zeros(1), {}, ("doubt",) * (i % 2), y_hat[i]) for i in range(13)]
    answers[0] = answers[0]._replace(y_hat=None)  # the T-shirt for training
    counts = photographs.count_groups(read, answers, photographs.WITH, "best")
    find = partial(photographs.find, counts)
    train = find(collection="train", group=photographs.ALL)
    assert (train["n"], train["right"], train["nothing"], train["warned_wrong"]) == (6, 0, 1, 4)
    valid = find(collection="validation", group=photographs.ALL)
    assert (valid["right"], valid["warned_right"], valid["warned_wrong"]) == (1, 0, 3)
    for group in ("plain", photographs.EVEN, photographs.ALL, "right", "ankle boot"):
        assert find(collection="other", group=group)["right"] == 1
    before = {**train, "preparation": photographs.BEFORE}
    kept = photographs.merge({"counts": [valid]}, {"counts": [before, valid, train]})
    assert kept["counts"] == [before, train, valid]


def test_photographs_are_prepared_as_predict_does(tmp_path):
    write_photographs(tmp_path)
    (path,) = (tmp_path / "other").rglob("*.jpg")
    prepared = photographs.read(path)
    assert prepared.found
    assert torch.equal(prepared.X, preprocess(load_picture(path)).X)


def test_the_temperature_is_the_one_that_calibrates():
    logits = torch.randn(2000, 10, generator=torch.Generator().manual_seed(0)) * 2
    y = torch.multinomial(logits.softmax(1), 1, generator=torch.Generator().manual_seed(1))[:, 0]
    answers = [Answer(torch.zeros(1), {}, (), row) for row in (logits * 3).softmax(dim=1)]
    answers.append(Answer(torch.zeros(1), {}, (), None))
    fitted = photographs.fit(answers, [*y.tolist(), 0])
    assert fitted.temperature == pytest.approx(3, rel=0.1)
    assert fitted[1:] == (int((logits.argmax(1) == y).sum()), 2001)


def test_missing_photographs_are_named_with_the_command_that_gets_them(tmp_path, monkeypatch):
    for read, repo in (
        (photographs.read_clothing, "alexeygrigorev"),
        (photographs.read_other, "Abiddy/Clothes-Dectection"),
    ):
        with pytest.raises(UserError, match=rf"git clone https://github\.com/{repo}"):
            read(tmp_path)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "photographs"])
    monkeypatch.setattr(program, "find_spec", lambda name: True)
    with pytest.raises(SystemExit):
        program.main()


# Peers


def first_epoch(peer):
    """Return what a peer yields after its first epoch."""
    torch.manual_seed(0)
    work = peer()
    next(work)
    return next(work)


@pytest.mark.parametrize(
    "name",
    [
        each
        for each in peers.EPOCHS
        if not re.search("book|bound|products|compile|float32 in", each)
    ],
)
@pytest.mark.usefixtures("real_data")
def test_peers_learn_the_same(name):
    peer = peers.EPOCHS[name]
    if "JAX" in name:  # in another process: where JAX has run, every later fork warns
        pytest.importorskip("jax")
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            measured = process.submit(first_epoch, peer).result()
    else:
        measured = first_epoch(peer)
    assert measured[:2] == pytest.approx((0.783, 0.75), abs=0.01)
    assert 0.74 < measured[2] < 0.82


@pytest.mark.usefixtures("real_data")
def test_numpy_agrees_with_the_twins_over_two_epochs():
    twin, weights = agreement.train_twin("scratch", agreement.SGD)
    epochs, others = agreement.train(agreement.numpy_by_hand, agreement.SGD)
    np.testing.assert_allclose(epochs[:, 0], twin[:, 0], atol=1e-12)
    np.testing.assert_array_equal(epochs[:, 1:], twin[:, 1:])
    np.testing.assert_allclose(others, weights, atol=1e-12)


def test_the_largest_differences_are_described():
    twin = np.array([[1.0, 0.5, 0.5], [0.5, 0.75, 0.5]]), np.array([[0.0, 1.0]])
    other = np.array([[1.25, 0.5, 0.5], [0.5, 0.5, 0.5]]), np.array([[0.0, -1.0]])
    twins = {"scratch": twin, "concise": twin}
    described = agreement.describe("NumPy", agreement.SGD, other, twins)
    _, row = agreement.table([described])
    assert row == ("NumPy: SGD at 0.1", *["0.25", "0.25", "2"] * 2)


# Turns


def test_peers_take_turns(monkeypatch):
    turns, beside = [], [0]

    def submit(name, function):
        assert function is shared.take_turn
        turns.append((name, beside[-1]))
        future = Future()
        future.set_result(len(turns))  # each turn takes a second more
        return future

    @contextlib.contextmanager
    def busy_processes(number):
        beside.append(number)
        yield
        beside.append(0)

    def start(peer):
        return contextlib.nullcontext(SimpleNamespace(submit=partial(submit, peer.name)))

    monkeypatch.setattr(shared, "start_process", start)
    monkeypatch.setattr(shared, "busy_processes", busy_processes)
    two = [shared.Peer("one", "a", 1), shared.Peer("other", "b", 2)]
    records = shared.take_turns(two, rounds=2, warm_up=1, busy=(0, 2))
    quiet, loud = [("one", 0), ("other", 0)], [("one", 2), ("other", 2)]
    assert turns == [*quiet, *quiet, *loud, *quiet, *loud]
    assert [tuple(record.values()) for record in records] == [
        ("one", 1, 0, [3, 7]),
        ("other", 2, 0, [4, 8]),
        ("one", 1, 2, [5, 9]),
        ("other", 2, 2, [6, 10]),
    ]


def test_short_work_is_repeated_and_its_mean_time_taken(monkeypatch):
    seconds = itertools.count(0.0, 0.2)
    clock = SimpleNamespace(sleep=lambda pause: None, perf_counter=seconds.__next__)
    monkeypatch.setattr(shared, "time", clock)
    monkeypatch.setattr(shared, "work", iter("abcdef"), raising=False)
    assert shared.take_turn() == pytest.approx(0.2)
    assert next(shared.work) == "d"


def write_threads():
    """Write, as a peer, its process and threads to the file that its environment names."""
    yield
    while True:
        time.sleep(shared.SHORTEST_TURN)
        with open(os.environ["TURNS"], "a", encoding="utf-8") as file:
            print(os.getpid(), torch.get_num_threads(), os.environ["NPROC"], file=file)
        yield


@pytest.mark.slow
def test_a_peer_works_in_its_process_on_its_threads(tmp_path, monkeypatch):
    monkeypatch.setenv("TURNS", str(tmp_path / "turns"))
    two = [shared.Peer(name, write_threads, threads) for name, threads in (("a", 1), ("b", 2))]
    records = shared.take_turns(two, rounds=1, warm_up=0)
    lines = [line.split() for line in (tmp_path / "turns").read_text().splitlines()]
    assert [line[1:] for line in lines] == [["1", "1"], ["2", "2"]]
    assert len({os.getpid(), *(int(line[0]) for line in lines)}) == 3
    assert all(record["seconds"][0] >= shared.SHORTEST_TURN for record in records)
    assert "NPROC" not in os.environ


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs Linux's list of processes")
def test_busy_processes_are_busy():
    def read(file):
        return Path(f"/proc/{file}").read_text(encoding="utf-8").split()

    def children():
        return set(read(f"self/task/{threading.get_native_id()}/children"))

    before = children()
    with shared.busy_processes(2):
        started = children() - before
        assert len(started) == 2
        deadline = time.monotonic() + 30  # a machine with more to do lets them wait
        while any(int(read(f"{pid}/stat")[13]) <= 5 for pid in started):  # 1/100 s at work
            assert time.monotonic() < deadline, "a busy process does not work"
    assert children() <= before


# Cells


def test_a_ratio_is_that_of_the_medians_and_its_spread_that_of_the_rounds():
    assert shared.ratio([1.0, 2.0, 4.0], [4.0, 1.0, 2.0]) == "1.00 (0.25 to 2.00)"
    assert shared.ratio([100.0, 90.0], [2.0, 1.0]) == "63 (50 to 90)"


def records_of(*measured):
    """Return records of (peer, threads, busy processes, seconds)."""
    return [
        {"peer": peer, "threads": threads, "busy": beside, "seconds": [seconds]}
        for peer, threads, beside, seconds in measured
    ]


def test_peers_are_compared_on_their_best_threads():
    a = ("a", 1, 0, 3.0), ("a", 2, 0, 2.0), ("a", 2, 1, 9.0)
    records = records_of(*a, ("b", 1, 0, 6.0), ("b", 2, 0, 8.0))
    assert shared.seconds_of(records, "a") == [2]
    assert shared.seconds_of(records, "a", threads=1) == [3]
    assert shared.seconds_of(records, "a", threads=2, busy=1) == [9]
    head, a, b = shared.seconds_table("an epoch", "b", records)
    assert (a[1], a[3], a[-1], b[-1]) == ("3.000 s", "2.000 s", "3.0", "1.0")
    assert len(head) == len(a)


def test_goals_are_ratios_on_one_thread(monkeypatch):
    wanted = ("epoch", "scratch", "lean", 1.1), ("epoch", "scratch", "new", 1.2)
    monkeypatch.setattr(documents, "GOALS", wanted)
    twin = ("scratch", 1, 0, 4.0), ("scratch", 2, 0, 1.0)
    records = records_of(*twin, ("lean", 1, 0, 2.0), ("lean", 2, 0, 1.0))
    _, *rows = documents.goals({"epoch": records})
    assert rows == [
        ("epoch: scratch to lean", "≤ 1.1", "2.00 (2.00 to 2.00)"),
        ("epoch: scratch to new", "≤ 1.2", "not yet"),
    ]


def test_busy_peers_are_drawn_beside_their_names(results):
    (axes,) = busy.draw(results["busy"]).axes
    names = {label.get_text(): label.get_position()[1] for label in axes.get_yticklabels()}
    medians = [line.get_xydata()[0] for line in axes.lines if len(line.get_xydata()) == 1]
    for record, (x, y) in zip(results["busy"], medians, strict=True):
        assert x == pytest.approx(median(record["seconds"]))
        assert y == pytest.approx(names[busy.label_of(record)], abs=0.3)


# Commands


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="needs Linux")
def test_memory_of_a_process_and_of_its_children():
    code = "input(); x = bytearray(b'x') * 50_000_000; print(flush=True); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as child:
        alone, together = command.memory_of_tree(child.pid), command.memory_of_tree(os.getpid())
        child.stdin.write(b"\n")
        child.stdin.flush()
        child.stdout.readline()
        assert command.memory_of_tree(child.pid) > alone + 40
        assert command.memory_of_tree(os.getpid()) > together + 40
        child.communicate(b"\n")
    assert command.memory_of_tree(child.pid) is None


def test_commands_are_timed_and_watched(monkeypatch):
    write = (
        "import sys, time; open(sys.argv[1] + '/history.csv', 'w').write('seconds\\n1\\n2.5\\n')"
    )
    monkeypatch.setattr(command, "COMMANDS", {"a": ("-c", write), "b": ("-c", "0")})
    results = command.measure(rounds=2)
    assert results["a"]["epochs"] == [3.5, 3.5]
    assert results["b"]["epochs"] == []
    assert all(len(each["seconds"]) == 2 for each in results.values())
    assert (results["b"]["megabytes"] or 0) > 0 or not Path("/proc").exists()
    monkeypatch.setitem(command.COMMANDS, "none", ("-m", "benchmarks.no_such_module"))
    with pytest.raises(subprocess.CalledProcessError, match=r"benchmarks\.no_such_module"):
        command.run("none")


def test_what_a_command_takes_beside_the_import_and_its_epochs():
    times = ((command.SCRATCH, 5.0, [1.5]), (command.BOOK, 20.0, []), (command.IMPORT, 1.0, []))
    measured = {n: {"megabytes": 9.0, "seconds": [s], "epochs": e} for n, s, e in times}
    _, *rows = command.table(measured)
    assert [row[1] for row in rows] == ["5.0 s", "20.0 s", "1.0 s", "2.5 s"]
    assert [row[3] for row in rows] == ["4.0", "1.0", "20.0", ""]


# python -m benchmarks


@pytest.mark.parametrize("arguments", [[], ["agreement"], ["loading", "epoch"], ["--fill"]])
def test_what_a_run_writes(results, tmp_path, monkeypatch, capsys, arguments):
    (tmp_path / "benchmarks").mkdir()
    pages = {name: read(name) for name in documents.DOCUMENTS}
    for name, page in pages.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(page.replace("1", "7"), encoding="utf-8")
    measured = [name for name in documents.MEASURES if name not in program.EXTRAS]
    if arguments:
        measured = [name for name in arguments if name in documents.MEASURES]
    stored = tmp_path / "benchmarks" / "results.json"
    machines = results["machines"] | dict.fromkeys(measured, results["machines"]["photographs"])
    older = json.loads(json.dumps({name: results[name] for name in measured}).replace(".1", ".2"))
    older |= {"machines": machines}
    stored.write_text(json.dumps(results | older), encoding="utf-8")
    described = (results["machines"][name] for name in measured)
    for name, module in documents.MEASURES.items():
        monkeypatch.setattr(module, "measure", lambda rounds, name=name: results[name])
    monkeypatch.setattr(documents, "FOLDER", tmp_path / "benchmarks")
    monkeypatch.setattr(program, "find_spec", lambda name: True)
    monkeypatch.setattr(program, "describe_machine", lambda: next(described))
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    program.main()
    assert json.loads(stored.read_text(encoding="utf-8")) == results
    for name, page in pages.items():
        marked = re.compile(r"^<!-- (\w+) -->$.*?^<!-- /\1 -->$", re.MULTILINE | re.DOTALL)
        written = (tmp_path / name).read_text(encoding="utf-8")
        texts = [[found[0] for found in marked.finditer(text)] for text in (written, page)]
        assert texts[0] == texts[1]
    assert (tmp_path / "benchmarks" / "busy.png").read_bytes().startswith(b"\x89PNG")
    assert "wrote results.json and busy.png to benchmarks/" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("speed", "speed; there are loading, epoch"),
        ("loading", "jax, tabulate missing; python -m pip install -e '.[bench]'"),
        ("agreement", "sklearn, tensorflow, keras, optax, jax, tabulate missing"),
        ("--repeats=1", "--repeats"),
    ],
)
def test_wrong_calls_are_refused(monkeypatch, capsys, arguments, message):
    monkeypatch.setattr(program, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["benchmarks", arguments])
    with pytest.raises(SystemExit, match=r"^2$"):
        program.main()
    assert message in capsys.readouterr().err


# The warning of predict


def test_the_warning_s_components_are_fashion_mnist_s(real_data):
    """No other 64 directions leave much less of the images; rounding costs next to nothing."""
    X = real_data[0][0][:20_000].unsqueeze(1) / 255
    mean, components = read_components()
    assert torch.allclose(components @ components.T, torch.eye(64), atol=1e-5)
    flat = X.flatten(1)
    assert torch.allclose(mean, flat.mean(dim=0), atol=0.01)
    variances = torch.linalg.eigvalsh(torch.cov(flat.T))
    least = float(variances[:-64].sum())
    assert float(measure_unlikeness(X)[0].square().mean()) == pytest.approx(least, rel=0.01)


def test_the_warning_keeps_the_farthest_from_what_is_accepted():
    probability = torch.linspace(0.2, 0.9, 50)
    wrong, right, ordinary = cases = doubts.Cases(
        *(
            torch.stack([probability, torch.full((50,), residual), torch.full((50,), texture)])
            for residual, texture in ((4.0, 0.1), (4.0, 0.3), (1.0, 0.1))
        )
    )
    slope, usual, weight = doubts.fit([cases])
    shares = [
        float((p < slope * (residual - weight * texture - usual)).float().mean())
        for p, residual, texture in (wrong, right, ordinary)
    ]
    assert shares[0] > 0.75
    assert shares[1] < 0.1
    assert shares[2] <= doubts.WARNED
