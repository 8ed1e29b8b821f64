"""The twins as pages: what the one by hand may not use, and how the two line up."""

import ast
from pathlib import Path

import pytest
import torch
from conftest import run_python

import concise
import scratch
from d2l_softmax.pages import twins

ROOT = Path(__file__).parents[1]
PAGES = {twin: ROOT / twin / "softmax_regression.py" for twin in ("scratch", "concise")}


LIBRARIES = {"torch", "numpy", "scipy", "sklearn", "torchvision"}


@pytest.mark.parametrize("path", sorted((ROOT / "scratch").glob("*.py")), ids=lambda p: p.name)
def test_scratch_is_by_hand(path):
    autograd = {"autograd", "requires_grad_", "grad", "requires_grad", "no_grad"}
    functions = {"softmax", "log_softmax", "cross_entropy", "one_hot", "nll_loss", "logsumexp"}
    forbidden = {"nn", "optim", "func", *autograd, *functions}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            assert node.attr not in forbidden, f"line {node.lineno}: .{node.attr}"
        if isinstance(node, ast.keyword):
            assert node.arg not in forbidden, f"line {node.value.lineno}: {node.arg}="
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = {alias.name for alias in node.names} - {"torch"}
            modules = {node.module} if isinstance(node, ast.ImportFrom) else modules
            assert LIBRARIES.isdisjoint(module.split(".")[0] for module in modules)


def text_of(twin):
    """Return the source code of a page."""
    return PAGES[twin].read_text(encoding="utf-8")


def definitions(twin):
    """Return {name: line} of a page's functions and classes, methods as `Class.method`."""
    return {name: line for line, name in twins.definitions(text_of(twin)).items()}


@pytest.fixture(scope="module")
def rows():
    """Return the pairs of lines (left number or None, right number or None) of `diff -y`.

    They are those that a report shows; test_report compares them with diff's.
    """
    return twins.rows_of(*(text_of(twin).splitlines() for twin in PAGES))


SAME_THING = {"SoftmaxRegression.__call__": "SoftmaxRegression.forward"}


def test_definitions_stand_in_the_same_rows(rows):
    by_hand, by_library = map(definitions, PAGES)
    pairs = {name: SAME_THING.get(name, name) for name in by_hand}
    pairs = {one: other for one, other in pairs.items() if other in by_library}
    assert set(pairs.values()) == set(by_library)
    for one, other in pairs.items():
        assert (by_hand[one], by_library[other]) in rows, one
        # and so do the docstrings, right below
        assert (by_hand[one] + 1, by_library[other] + 1) in rows, one


def test_what_the_library_takes_over_is_said_beside_it(rows):
    by_hand, lines = ([line.strip() for line in text_of(twin).splitlines()] for twin in PAGES)
    pairs = {
        "y_hat = model(X)": "logits = model(X)",
        "gradients = model.gradients(X, y_hat, y)": "loss.backward()",
        "optimizer.step(gradients)": "optimizer.step()",
    }
    for line, twin_line in pairs.items():
        assert lines[dict(rows)[by_hand.index(line) + 1] - 1] == twin_line
    for name in ("one_hot", "SoftmaxRegression.parameters", "SoftmaxRegression.gradients"):
        assert name not in definitions("concise")
        comment = lines[dict(rows)[definitions("scratch")[name]] - 1]
        assert comment.startswith(f"# {name.split('.')[-1]}() is "), comment


def test_twins_have_the_same_names_in_the_same_order():
    assert scratch.__all__ == concise.__all__
    for file in ("data_parallel.py", "losses.py", "optimizers.py"):
        by_hand, by_library = (
            [name for name, _ in twins.named_statements(body) if "." not in name]
            for body in (
                ast.parse((ROOT / twin / file).read_text(encoding="utf-8")).body for twin in PAGES
            )
        )
        assert by_hand == [name for name in by_library if name != "gradient"]


@pytest.mark.parametrize(("twin", "most"), [("scratch", 100), ("concise", 80)])
def test_pages_can_be_read_at_one_sitting(twin, most):
    assert len(text_of(twin).splitlines()) <= most


def test_concise_optimizers_are_torchs_own():
    assert concise.SGD is torch.optim.SGD
    assert concise.Adam is torch.optim.Adam


def test_importing_is_cheap_and_changes_no_handlers(monkeypatch):
    monkeypatch.delenv("MPLBACKEND", raising=False)
    code = """
import os, signal, sys, concise, d2l_softmax.commands.cli, scratch
assert {"matplotlib", "torchvision", "IPython"}.isdisjoint(sys.modules)
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
assert sys.excepthook is sys.__excepthook__
assert "MPLBACKEND" not in os.environ
"""
    assert run_python("-c", code).stderr == ""
