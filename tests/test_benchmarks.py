"""The benchmarks: peers that learn the same thing, and documents that say what was measured."""

import contextlib
import itertools
import json
import math
import multiprocessing
import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ProcessPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from benchmarks import __main__ as command
from benchmarks import (
    accuracy,
    busy,
    disk,
    peers,
    processes,
    samples,
    startup,
    tables,
)
from benchmarks import (
    command as costs,
)
from benchmarks import (
    shared as rounds,
)
from d2l_softmax.commands.options import RECIPES

FOLDER = Path(__file__).parents[1] / "benchmarks"


# What is called the same in Chinese.
NAMES = set(
    re.findall(
        r"\S+",
        "scratch concise torch scikit-learn JAX NumPy SGD Adam Keras TensorFlow optax lbfgs saga "
        "float uint epsilon MB",
    )
)


@pytest.fixture(scope="module")
def results():
    """Return what the last full run measured."""
    return json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", command.DOCUMENTS)
def test_documents_say_what_was_measured(name, results):
    pytest.importorskip("pandas")
    pytest.importorskip("tabulate")
    text = (FOLDER.parent / name).read_text(encoding="utf-8")
    words = command.DOCUMENTS[name]
    assert text.count("<!-- /") >= 4
    assert command.fill(text, results, words) == text
    section = re.search(r"<!-- (\w+) -->", text)[1]
    with pytest.raises(ValueError, match="substring not found"):
        command.fill(text.replace(f"<!-- /{section} -->", ""), results, words)
    with pytest.raises(KeyError, match="speed"):
        command.fill(text.replace(f"<!-- {section} -->", "<!-- speed -->"), results, words)


def test_every_section_stands_in_a_document(results):
    pytest.importorskip("pandas")
    pytest.importorskip("tabulate")
    texts = [(FOLDER.parent / name).read_text(encoding="utf-8") for name in command.DOCUMENTS]
    for name in command.sections_of(results):
        assert any(f"\n<!-- {name} -->\n" in text for text in texts), name


def test_results_are_those_of_todays_peers(results):
    assert results["peers"] == command.hash_of_peers(), "peers.py has changed: run make bench"


def test_the_chinese_tables_are_chinese(results):
    pytest.importorskip("pandas")
    pytest.importorskip("tabulate")
    text = (FOLDER.parent / "README.zh-CN.md").read_text(encoding="utf-8")
    tables_ = re.findall(r"^<!-- (\w+) -->\n\n(\|.*?)\n\n<!-- /", text, re.MULTILINE | re.DOTALL)
    assert len(tables_) >= 5
    for name, table in tables_:
        plain = re.sub(r"`[^`]*`", "", table)
        words = set(re.findall(r"(?<![\d.])[A-Za-z][A-Za-z-]+", plain))
        assert words <= NAMES, name


@pytest.mark.parametrize("name", command.MEASURES)
def test_every_row_of_a_table_has_a_cell_in_each_column(results, name):
    head, *rows = command.MEASURES[name].compare(results[name])
    assert rows or name == "gpu"
    assert all(len(row) == len(head) for row in rows)


def test_a_gpu_would_have_a_table():
    records = [
        {"peer": name, "threads": 1, "busy": 0, "seconds": [1.0 + n, 2.0 + n]}
        for n, name in enumerate(peers.ON_GPU)
    ]
    _, *rows = command.MEASURES["gpu"].compare(records)
    assert [row[0] for row in rows] == list(peers.ON_GPU)
    assert [row[-1] for row in rows] == ["2.3", "1.4", "1.0", "0.8"]


def test_every_goal_is_answered(results):
    _, *rows = tables.compare_with_goals(results)
    assert len(rows) >= 20
    assert all(row[-1] in ("yes", "tie", "**no**") for row in rows)


@pytest.mark.parametrize(
    ("seconds", "sign", "goal", "met"),
    [
        ([1.0, 2.0, 3.0], "≤", 4, "yes"),
        ([1.0, 2.0, 3.0], "≤", 2.5, "tie"),
        ([1.0, 2.0, 3.0], "≥", 2.5, "tie"),
        ([1.0, 2.0, 3.0], "≥", 4, "**no**"),
        ([2.0, 2.0, 2.0], "≥", 2, "yes"),
    ],
)
def test_a_goal_within_the_spread_is_a_tie(monkeypatch, seconds, sign, goal, met):
    measured = tables.Ratio.of(seconds, [1.0] * len(seconds))
    monkeypatch.setattr(tables, "goals", lambda results: [("a ratio", sign, goal, measured)])
    _, (what, wanted, cell, answer) = tables.compare_with_goals({})
    assert (what, wanted, answer) == ("a ratio", f"{sign} {goal}", met)
    assert cell == ("2.00" if seconds[0] == 2 else "2.00 (1.00 to 3.00)")


def test_the_recipe_is_the_best_of_the_search(results):
    best = accuracy.best_first(results["search"])[0]
    assert {name: best[name] for name in accuracy.SETTINGS} == {
        name: RECIPES["best"][name] for name in accuracy.SETTINGS
    }
    assert RECIPES["best"]["optimizer"] == "sgd"
    assert RECIPES["best"]["weight_decay"] == 0.0


def first_epoch(peer):
    """Return what a peer yields after its first epoch."""
    work = peer()
    next(work)
    return next(work)


def first_epoch_elsewhere(peer):
    """Return the same from another process: where JAX has run, every later fork warns."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(first_epoch, peer).result()


@pytest.mark.parametrize("name", ["scratch", "concise", "NumPy", "JAX", "torch, autograd"])
@pytest.mark.usefixtures("real_data")
def test_peers_learn_the_same(name):
    if name == "JAX" and not find_spec("jax"):
        pytest.skip("needs jax")
    epoch = first_epoch_elsewhere if name == "JAX" else first_epoch
    for label, peer in peers.EPOCHS.items():
        if label.startswith(name):
            loss, train_acc, test_acc = epoch(peer)
            assert loss == pytest.approx(0.783, abs=0.01)
            assert train_acc == pytest.approx(0.75, abs=0.01)
            assert 0.74 < test_acc < 0.82


def test_peers_take_turns(monkeypatch):
    turns, beside = [], [0]

    @contextlib.contextmanager
    def start(peer):
        """Stand in for a process whose turns are recorded and take a second more each time."""

        def submit(function):
            assert function is rounds.take_turn
            turns.append((peer.name, beside[-1]))
            future = Future()
            future.set_result((len(turns), f"work of {peer.work}"))
            return future

        yield SimpleNamespace(submit=submit)

    @contextlib.contextmanager
    def neighbours(number):
        beside.append(number)
        yield
        beside.append(0)

    monkeypatch.setattr(rounds, "start_process", start)
    monkeypatch.setattr(rounds, "neighbours", neighbours)
    two = [rounds.Peer("one", "a", 1), rounds.Peer("other", "b", 2)]
    records = rounds.take_turns(two, rounds=2, warm_up=1, busy=(0, 2))
    quiet, loud = [("one", 0), ("other", 0)], [("one", 2), ("other", 2)]
    assert turns == [*quiet, *quiet, *loud, *quiet, *loud]
    assert [tuple(record.values()) for record in records] == [
        ("one", 1, 0, [3, 7], ["work of a"] * 2),
        ("other", 2, 0, [4, 8], ["work of b"] * 2),
        ("one", 1, 2, [5, 9], ["work of a"] * 2),
        ("other", 2, 2, [6, 10], ["work of b"] * 2),
    ]


def count_work():
    """Yield, as a peer, the process it is in and how often it has worked."""
    yield
    for times in itertools.count(1):
        time.sleep(0.1)
        yield os.getpid(), times


def test_peers_have_processes_of_their_own():
    two = [rounds.Peer(name, count_work) for name in ("one", "other")]
    turns = rounds.take_turns(two, rounds=2, warm_up=0)
    (one, before), (one_again, after) = turns[0]["results"]
    assert one == one_again
    assert 1 <= before < after
    assert len({os.getpid(), one, turns[1]["results"][0][0]}) == 3


def tell_threads():
    """Yield, as a peer, the number of threads that torch and OpenBLAS would take."""
    yield
    time.sleep(rounds.SHORTEST_TURN)
    yield torch.get_num_threads(), os.environ["NPROC"]


def test_a_peer_computes_on_its_threads():
    with rounds.start_process(rounds.Peer("one", tell_threads, threads=1)) as process:
        assert process.submit(rounds.take_turn).result()[1] == (1, "1")
    assert "NPROC" not in os.environ


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs Linux's list of processes")
def test_neighbours_are_busy_meanwhile():
    def read(file):
        return Path(f"/proc/{file}").read_text(encoding="utf-8").split()

    def children():
        return read(f"self/task/{threading.get_native_id()}/children")

    before = children()
    with rounds.neighbours(2):
        busy_ones = set(children()) - set(before)
        assert len(busy_ones) == 2
        for pid in busy_ones:
            for _ in range(500):  # a machine with more to do lets them wait
                if int(read(f"{pid}/stat")[13]) > 5:  # hundredths of a second at work
                    break
                time.sleep(0.02)
            else:
                pytest.fail("a neighbour does not work")
    assert set(children()) <= set(before)


def test_a_peer_is_watched_while_it_works():
    looks = itertools.count(1)
    with rounds.start_process(rounds.Peer("one", count_work)) as process:
        turn = process.submit(rounds.take_turn)
        most = costs.watch(lambda: next(looks), lambda: not turn.done())
        seconds, (_, times) = turn.result()
    assert seconds >= 0.1
    assert times >= 1
    assert most == next(looks) - 1 >= 1


def test_the_most_of_all_looks_is_returned():
    def watch(*seen):
        looks, is_running = iter(seen), iter([True] * len(seen) + [False])
        return costs.watch(looks.__next__, is_running.__next__)

    assert watch(1.0, 3.0, None, 2.0) == 3.0
    assert watch(None) is None
    assert watch() is None


def test_training_goes_on_to_the_end_whatever_it_passes():
    def learner(seed):
        yield
        for test_acc in (0.5, 0.9, 0.8 + seed * 0.01, 1.0):
            yield math.nan, math.nan, test_acc

    runs = accuracy.train_to_the_end(learner, epochs=3)
    assert next(runs) is None
    (seconds, first), (_, second) = next(runs), next(runs)
    assert seconds > 0
    assert (first, second) == (0.8, 0.81)


def test_a_ratio_is_that_of_the_medians_and_its_spread_that_of_the_rounds():
    ratio = tables.Ratio.of([1.0, 2.0, 4.0], [4.0, 1.0, 2.0])
    assert ratio == (1.0, 0.25, 2.0)
    assert str(ratio) == "1.00 (0.25 to 2.00)"
    assert str(tables.Ratio.of([100.0], [2.0])) == "50"


def test_a_peer_is_found_on_its_best_threads():
    def record(peer, threads, beside, seconds):
        return {"peer": peer, "threads": threads, "busy": beside, "seconds": [seconds]}

    records = [
        record("a", 1, 0, 3),
        record("a", 2, 0, 2),
        record("a", 2, 1, 9),
        record("an", 1, 0, 1),
    ]
    assert tables.seconds_of(records, "a") == [2]
    assert tables.seconds_of(records, "a", threads=1) == [3]
    assert tables.seconds_of(records, "a", threads=2, beside=1) == [9]
    assert tables.seconds_of(records, "n") == [1]


def test_what_is_beside_torch_and_training_is_counted():
    stages = {name: [10.0**i, 0.0] for i, name in enumerate(startup.STAGES)}
    assert startup.beside(stages) == [110_110.0, 0.0]


def test_exponent_of_a_power():
    points = [{"n": n, "seconds": 3 * n**2, "megabytes": None} for n in (1, 10, 1000)]
    series = {"grows": "n", "points": points}
    assert costs.exponent(series, "seconds") == pytest.approx(2)
    assert math.isnan(costs.exponent(series, "megabytes"))


def test_growth_is_drawn_twice(results):
    figure = costs.draw_growth(results["scaling"])
    curves = [len(axes.lines) for axes in figure.axes]
    assert sum(curves) == 2 * len(results["scaling"])
    assert all(curves)


def test_growth_stands_in_rows_of_three_with_memory_below_seconds(results):
    figure = costs.draw_growth(results["scaling"])
    figure.draw_without_rendering()
    names = ["examples", "side", "classes", "batch size", "epochs"]
    seconds, megabytes = (
        [axes for axes in figure.axes if axes.get_ylabel() == quantity]
        for quantity in ("seconds", "megabytes")
    )
    assert [axes.get_xlabel() for axes in megabytes] == names
    for above, below in zip(seconds, megabytes, strict=True):
        assert above.get_xlim() == below.get_xlim()
        assert above.get_position().y0 > below.get_position().y1
    rows = [round(axes.get_position().y0, 3) for axes in megabytes]
    assert rows[0] == rows[1] == rows[2] > rows[3] == rows[4]


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="needs Linux")
def test_memory_of_a_process_and_of_its_children():
    code = "input(); x = bytearray(b'x') * 50_000_000; print(flush=True); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as child:
        status = f"/proc/{child.pid}/status"
        alone, together = costs.megabytes(status, "RssAnon"), costs.memory_of_tree(os.getpid())
        child.stdin.write(b"\n")
        child.stdin.flush()
        child.stdout.readline()
        assert costs.megabytes(status, "RssAnon") > alone + 40
        assert costs.memory_of_tree(os.getpid()) > together + 40
        child.communicate(b"\n")
    assert costs.megabytes(status, "RssAnon") is None
    assert costs.memory_of_tree(child.pid) is None


def test_a_command_that_fails_is_named(monkeypatch):
    monkeypatch.setitem(costs.COMMANDS, "none", ("benchmarks.no_such_module",))
    with pytest.raises(subprocess.CalledProcessError, match=r"benchmarks\.no_such_module"):
        costs.run("none")


@pytest.mark.parametrize(
    ("arguments", "measured"),
    [
        ([], {*command.TIMED, "samples", "machine", "peers", "repeats"}),
        (["agreement"], {"agreement"}),
        (["checkpoint"], {"checkpoint"}),
        (["disk", "processes"], {"disk", "processes"}),
    ],
)
def test_what_a_run_writes(results, tmp_path, monkeypatch, capsys, arguments, measured):
    pytest.importorskip("pandas")
    pytest.importorskip("tabulate")
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    pages = {name: (FOLDER.parent / name).read_text(encoding="utf-8") for name in command.DOCUMENTS}
    (tmp_path / "docs").mkdir()
    for name, page in pages.items():
        (tmp_path / name).write_text(page.replace("1", "7"), encoding="utf-8")
    earlier = {name: None if name in measured else each for name, each in results.items()}
    (folder / "results.json").write_text(json.dumps(earlier), encoding="utf-8")
    (folder / "peers.py").write_bytes((FOLDER / "peers.py").read_bytes())
    for name, measure in command.MEASURES.items():
        stored = measure._replace(run=lambda rounds, name=name: results[name])
        monkeypatch.setitem(command.MEASURES, name, stored)
    monkeypatch.setattr(command, "FOLDER", folder)
    monkeypatch.setattr(command, "find_spec", lambda name: True)
    monkeypatch.setattr(command, "describe_machine", lambda: results["machine"])
    monkeypatch.setattr(samples, "measure_samples", lambda: results["samples"])
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    command.main()
    assert json.loads((folder / "results.json").read_text(encoding="utf-8")) == results
    for name, page in pages.items():
        assert command.fill(page, results, command.DOCUMENTS[name]) == page
        marked = re.compile(r"^<!-- (\w+) -->$.*?^<!-- /\1 -->$", re.MULTILINE | re.DOTALL)
        found = marked.findall((tmp_path / name).read_text(encoding="utf-8"))
        assert found == marked.findall(page)
    for figure in ("scaling.png", "busy.png"):
        assert (folder / figure).read_bytes().startswith(b"\x89PNG")
    assert "wrote results.json and figures to benchmarks/" in capsys.readouterr().out


def test_a_run_of_some_measures_only_prints(results, monkeypatch, capsys):
    pytest.importorskip("pandas")
    pytest.importorskip("tabulate")
    stored = command.MEASURES["loading"]._replace(run=lambda rounds: results["loading"])
    monkeypatch.setitem(command.MEASURES, "loading", stored)
    monkeypatch.setattr(command, "find_spec", lambda name: True)
    monkeypatch.setattr(command, "write", pytest.fail)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "loading"])
    command.main()
    assert "one pass over the training data" in capsys.readouterr().out


def test_neighbours_are_drawn(results):
    (axes,) = busy.draw_busy(results["busy"]).axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert len(set(labels)) == len(labels) == len(results["busy"]) / len(busy.BUSY)


def test_what_is_not_installed_is_named(monkeypatch, capsys):
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "loading"])
    with pytest.raises(SystemExit) as caught:
        command.main()
    assert caught.value.code == 2
    expected = "jax, sklearn, pandas, tabulate missing; python -m pip install"
    assert expected in capsys.readouterr().err


def test_unknown_measures_are_refused():
    arguments = [sys.executable, "-m", "benchmarks", "speed"]
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=FOLDER.parent)
    assert done.returncode == 2
    assert "no measure named speed; there are loading, epoch" in done.stderr


def test_what_two_processes_gain_and_what_their_messages_take():
    def record(processes, batch, seconds, alone, **more):
        each = {"twin": "scratch", "processes": processes, "batch": batch, **more}
        return each | {"seconds": [seconds], "alone": [alone]}

    results = {
        "epochs": [
            record(1, 4096, 6.0, 6.0),
            record(2, 4096, 4.0, 3.0),
            record(2, 8192, 8.0, 3.0, twice=True),
        ],
        "step": [{"batch": 100, "seconds": [3.0]}, {"batch": 300, "seconds": [5.0]}],
    }
    _, row = processes.compare_processes(results)
    assert row[0:2] == ("scratch", "4,096")
    assert row[-2:] == ("1.50", "25 %")
    _, twice = processes.compare_twice(results)
    assert twice[-1] == "0.75"
    estimate = dict(processes.estimate_many(results))
    # (5 - 3) / (300 - 100) s an image, and 3 - 100 * 0.01 = 2 s beside them.
    assert estimate["an image, gradient included"] == "10.0 ms of a core"
    assert estimate["a step beside that (the update of all weights)"] == "2.00 s"
    assert estimate["weights, and as many gradients"] == "314 MB"
    assert estimate["sent and received by each machine in a step"] == "618 MB"
    assert estimate["which takes, at 10 Gbit/s"] == "0.49 s"
    assert estimate["images of a machine whose computing takes as long"] == "50"


def test_passes_over_a_disk_are_told_from_those_in_memory():
    records = [
        {"pass": disk.IN_MEMORY, "nanoseconds": [100.0, 200.0], "megabytes": [300.0, 300.0]},
        {"pass": disk.BY_BLOCKS, "nanoseconds": [150.0, 300.0], "megabytes": [400.0, 500.0]},
    ]
    _, _, row = disk.compare_disk(records)
    assert row == (disk.BY_BLOCKS, "225 (150 to 300)", "1.50", "450 MB")
