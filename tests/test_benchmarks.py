"""The benchmarks: peers that learn the same thing, and documents that say what was measured."""

import contextlib
import itertools
import json
import math
import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import __main__ as command
from benchmarks import accuracy, costs, peers, rounds, tables
from d2l_softmax.commands.options import RECIPES

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def results():
    """Return what the last full run measured."""
    return json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))


def test_the_page_says_what_was_measured(results):
    pytest.importorskip("pandas")
    pytest.importorskip("tabulate")
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert command.fill(text, results) == text
    with pytest.raises(ValueError, match="substring not found"):
        command.fill(text.replace("<!-- /epoch -->", ""), results)


@pytest.mark.parametrize("name", command.MEASURES)
def test_every_row_of_a_table_has_a_cell_in_each_column(results, name):
    head, *rows = command.MEASURES[name].compare(results[name])
    assert rows or name == "gpu"
    assert all(len(row) == len(head) for row in rows)


def test_every_goal_is_answered(results):
    _, *rows = tables.compare_with_goals(results)
    assert len(rows) >= 11
    assert all(row[-1] in ("yes", "**no**") for row in rows)


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
    turns = []

    @contextlib.contextmanager
    def start(peer):
        """Stand in for a process whose turns are recorded and take a second more each time."""

        def submit(function):
            assert function is rounds.take_turn
            turns.append(peer)
            future = Future()
            future.set_result((len(turns), f"work of {peer}"))
            return future

        yield SimpleNamespace(submit=submit)

    monkeypatch.setattr(rounds, "start_process", start)
    two = {"one": "a", "other": "b"}
    assert rounds.take_turns(two, rounds=2, warm_up=1) == {"one": [3, 5], "other": [4, 6]}
    assert turns == ["a", "b"] * 3
    assert rounds.take_turns(two, rounds=1, warm_up=0, results=True) == {
        "one": ["work of a"],
        "other": ["work of b"],
    }


def count_work():
    """Yield, as a peer, the process it is in and how often it has worked."""
    yield
    for times in itertools.count(1):
        time.sleep(0.1)
        yield os.getpid(), times


def test_peers_have_processes_of_their_own():
    two = {"one": count_work, "other": count_work}
    turns = rounds.take_turns(two, rounds=2, warm_up=0, results=True)
    (one, before), (one_again, after) = turns["one"]
    assert one == one_again
    assert 1 <= before < after
    assert len({os.getpid(), one, turns["other"][0][0]}) == 3


def test_a_peer_is_watched_while_it_works():
    looks = itertools.count(1)
    with rounds.start_process(count_work) as process:
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


def test_training_stops_at_the_target():
    def peer(seed):
        yield
        for test_acc in (0.5, 0.84, 0.84 + seed * 0.01, 1.0):
            yield math.nan, math.nan, test_acc

    runs = accuracy.train_to_target(peer, most_epochs=3)
    assert next(runs) is None
    assert next(runs) == (None, "0.8400 after 3 epochs")
    seconds, what = next(runs)
    assert seconds > 0
    assert what == "0.8500 after 3 epochs"


def test_ratios_are_those_of_the_rounds():
    seconds = {"ours": [1.0, 2.0, 4.0], "theirs": [3.0, 2.0, 8.0]}
    assert tables.speedup(seconds, "ours", "theirs") == 2.0
    assert tables.speedup(seconds, "theirs", "theirs") == 1.0
    assert tables.speedup({**seconds, "also theirs": [1.0, 1.0, 1.0]}, "ours", "theirs") == 0.5


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


def test_a_full_run_writes_what_it_measured(results, tmp_path, monkeypatch, capsys):
    pytest.importorskip("pandas")
    pytest.importorskip("tabulate")
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    (tmp_path / "README.md").write_text(page.replace("| yes |", ""), encoding="utf-8")
    for name, measure in command.MEASURES.items():
        stored = measure._replace(run=lambda rounds, name=name: results[name])
        monkeypatch.setitem(command.MEASURES, name, stored)
    monkeypatch.setattr(command, "FOLDER", tmp_path)
    monkeypatch.setattr(command, "find_spec", lambda name: True)
    monkeypatch.setattr(command, "describe_machine", lambda: results["machine"])
    monkeypatch.setattr(sys, "argv", ["benchmarks"])
    command.main()
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == page
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8")) == results
    assert (tmp_path / "scaling.png").read_bytes().startswith(b"\x89PNG")
    assert "wrote results.json, scaling.png, README.md" in capsys.readouterr().out


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
