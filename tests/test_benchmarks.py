"""The benchmarks: peers that learn the same thing, and documents that show what was measured."""

import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks import accuracy, agreement, documents, peers, shared
from d2l_softmax.commands.options import RECIPES

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
    text = read(name)
    assert documents.fill(text, results, documents.DOCUMENTS[name]) == text


def test_every_section_is_in_one_page_of_measurements(results):
    pages = [name for name, language in documents.DOCUMENTS.items() if language == "en"]
    text = "".join(read(name) for name in pages if name != "README.md")
    marks = re.findall(r"^<!-- (\w+) -->$", text, re.MULTILINE)
    assert sorted([*marks, "results"]) == sorted(documents.sections_of(results))  # the READMEs'


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


# Peers


def first_epoch(peer):
    """Return what a peer yields after its first epoch."""
    torch.manual_seed(0)
    work = peer()
    next(work)
    return next(work)


@pytest.mark.parametrize(
    "name",
    [n for n in peers.EPOCHS if not re.search("book|bound|products|compile|float32 in", n)],
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


# Cells


def test_a_ratio_is_that_of_the_medians_and_its_spread_that_of_the_rounds():
    assert shared.ratio([1.0, 2.0, 4.0], [4.0, 1.0, 2.0]) == "1.00 (0.25 to 2.00)"
    assert shared.ratio([100.0, 90.0], [2.0, 1.0]) == "63 (50 to 90)"


def test_peers_are_compared_on_their_best_threads():
    a = ("a", 1, 0, 3.0), ("a", 2, 0, 2.0), ("a", 2, 1, 9.0)
    records = [
        {"peer": peer, "threads": threads, "busy": busy, "seconds": [seconds]}
        for peer, threads, busy, seconds in (*a, ("b", 1, 0, 6.0), ("b", 2, 0, 8.0))
    ]
    assert shared.seconds_of(records, "a") == [2]
    assert shared.seconds_of(records, "a", threads=1) == [3]
    assert shared.seconds_of(records, "a", threads=2, busy=1) == [9]
    head, a, b = shared.seconds_table("an epoch", "b", records)
    assert (a[1], a[3], a[-1], b[-1]) == ("3.000 s", "2.000 s", "3.0", "1.0")
    assert len(head) == len(a)


# The paired comparison of recipes


@pytest.mark.parametrize(
    ("ours", "theirs", "p"),
    [
        (0, 0, 1),
        (5, 5, 1),
        (0, 5, 2 / 32),
        (9, 1, 2 * (1 + 10) / 2**10),
        (6, 16, 2 * (1 + 22 + 231 + 1540 + 7315 + 26334 + 74613) / 2**22),
    ],
)
def test_p_of_discordant_counts(ours, theirs, p):
    assert accuracy.mcnemar(ours, theirs) == accuracy.mcnemar(theirs, ours) == p


def test_p_of_large_counts_is_that_of_the_normal_distribution():
    """With continuity correction: chi² = (|600 − 500| − 1)² / 1100 = 8.91, p = 0.00284."""
    assert accuracy.mcnemar(600, 500) == pytest.approx(0.00284, rel=0.01)


PREDICTED = {"book": [0, 1, 0, 0], "best": [0, 0, 2, 3], "photos": [3, 2, 1, 0]}  # of 0, 1, 2, 3


def test_recipes_are_compared_on_the_same_images(monkeypatch):
    def make_training(twin, recipe, seed):
        scores = torch.eye(4)[PREDICTED[recipe.removeprefix("--recipe=")]]
        last = SimpleNamespace(train_loss=0.5, train_acc=0.75, test_acc=0.5)
        batches = [(torch.tensor([k, k + 1]), torch.tensor([k, k + 1])) for k in (0, 2)]
        return SimpleNamespace(
            model=lambda X: scores[X], test_iter=batches, fit=lambda: iter([None, last])
        )

    monkeypatch.setattr(accuracy, "make_training", make_training)
    results = accuracy.measure(rounds=1)
    paired = {(each["twin"], each["recipe"]): each.get("paired") for each in results}
    for twin in ("scratch", "concise"):
        assert paired[twin, "book"] is None
        assert paired[twin, "best"] == [(2, 1)] * 2  # 2 and 3 only by best, 1 only by book
        assert paired[twin, "photos"] == [(0, 2)] * 2
    _, *rows = accuracy.table(results)
    assert [row[4:] for row in rows[::2]] == [
        ("", ""),
        ("2 / 1", "1 (1 to 1)"),
        ("0 / 2", "0.5 (0.5 to 0.5)"),
    ]
