"""The benchmarks: peers that learn the same thing, and documents that say what was measured."""

import functools
import json
import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import accuracy, memory, peers, rounds, scaling, tables
from d2l_softmax.commands.options import RECIPES

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def results():
    """Return what the last full run measured."""
    return json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))


def test_the_page_says_what_was_measured(results):
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert tables.filled(text, results) == text


def test_every_goal_is_answered(results):
    rows = tables.goals(results).splitlines()[2:]
    assert len(rows) >= 11
    assert all(row.endswith(("| yes |", "| **no** |")) for row in rows)


def test_the_recipe_is_the_best_of_the_search(results):
    best = accuracy.chosen(results["search"])
    assert {name: best[name] for name in accuracy.SETTINGS} == {
        name: RECIPES["best"][name] for name in accuracy.SETTINGS
    }
    assert RECIPES["best"]["optimizer"] == "sgd"
    assert RECIPES["best"]["weight_decay"] == 0.0


def first_epoch(make):
    """Return what a peer's first epoch returns."""
    return make()()


def first_epoch_elsewhere(make):
    """Return the same from another process: where JAX has run, every later fork warns."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(first_epoch, make).result()


@pytest.mark.parametrize("name", ["scratch", "concise", "NumPy", "JAX", "torch, autograd"])
@pytest.mark.usefixtures("real_data")
def test_peers_learn_the_same(name):
    if name == "JAX" and not find_spec("jax"):
        pytest.skip("needs jax")
    epoch = first_epoch_elsewhere if name == "JAX" else first_epoch
    for label, make in peers.epochs().items():
        if label.startswith(name):
            loss, train_acc, test_acc = epoch(make)
            assert loss == pytest.approx(0.783, abs=0.01)
            assert train_acc == pytest.approx(0.75, abs=0.01)
            assert 0.74 < test_acc < 0.82


def test_peers_take_turns():
    nap = functools.partial(functools.partial, time.sleep, 0.3)
    seconds = rounds.alternate({"one": nap, "other": nap}, repeats=2, warm_up=0)
    assert list(seconds) == ["one", "other"]
    assert all(len(measured) == 2 for measured in seconds.values())
    assert all(0.3 <= each < 0.6 for measured in seconds.values() for each in measured)


def test_a_peer_is_watched_while_it_works():
    looks = []
    with rounds.Peer(functools.partial(functools.partial, time.sleep, 0.5)) as peer:
        seconds, result = peer.turn(meanwhile=lambda: looks.append(peer.process.is_alive()))
    assert seconds >= 0.5
    assert result is None
    assert looks
    assert all(looks)


def test_ratios_are_those_of_the_rounds():
    seconds = {"ours": [1.0, 2.0, 4.0], "theirs": [3.0, 2.0, 8.0]}
    assert tables.times_faster(seconds, "ours", "theirs") == 2.0
    assert tables.times_faster(seconds, "theirs", "theirs") == 1.0


def test_exponent_of_a_power():
    points = [{"n": n, "seconds": 3 * n**2, "megabytes": None} for n in (1, 10, 1000)]
    assert scaling.exponent(points, "n", "seconds") == pytest.approx(2)
    assert scaling.exponent(points, "n", "megabytes") is None


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="needs Linux")
def test_memory_of_a_process_and_of_its_children():
    code = "input(); x = bytearray(b'x') * 50_000_000; print(flush=True); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as child:
        assert child.pid in memory.descendants(os.getpid())
        alone, together = memory.anonymous(child.pid), memory.whole_tree(os.getpid())
        child.stdin.write(b"\n")
        child.stdin.flush()
        child.stdout.readline()
        assert memory.anonymous(child.pid) > alone + 40
        assert memory.whole_tree(os.getpid()) > together + 40
        child.communicate(b"\n")
    assert memory.anonymous(child.pid) is None


def test_peers_that_are_not_installed_are_named(monkeypatch, capsys):
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "loading"])
    with pytest.raises(SystemExit) as caught:
        command.main()
    assert caught.value.code == 2
    assert "jax and sklearn missing; python -m pip install" in capsys.readouterr().err


def test_unknown_measures_are_refused():
    arguments = [sys.executable, "-m", "benchmarks", "speed"]
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=FOLDER.parent)
    assert done.returncode == 2
    assert "no measure named speed; there are loading, epoch" in done.stderr
