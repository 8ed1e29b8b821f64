"""The twins as pages: what the one by hand may not use, and how the two line up."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import concise
import scratch

ROOT = Path(__file__).parents[1]
PAGES = {twin: ROOT / twin / "softmax_regression.py" for twin in ("scratch", "concise")}


def imports_of(path):
    """Return the modules that a file imports."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            modules.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    return modules


@pytest.mark.parametrize("path", sorted((ROOT / "scratch").glob("*.py")), ids=lambda p: p.name)
def test_scratch_is_by_hand(path):
    forbidden = {
        "nn",
        "optim",
        "autograd",
        "requires_grad_",
        "grad",
        "requires_grad",
        "no_grad",
        "func",
    }
    forbidden |= {"softmax", "log_softmax", "cross_entropy", "one_hot", "nll_loss", "logsumexp"}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            assert node.attr not in forbidden, f"line {node.lineno}: .{node.attr}"
        if isinstance(node, ast.keyword):
            assert node.arg not in forbidden, f"line {node.value.lineno}: {node.arg}="
    modules = imports_of(path)
    assert all(m == "torch" or not m.startswith("torch") for m in modules)
    assert not any(name in modules for name in ("numpy", "scipy", "sklearn", "torchvision"))


def test_pages_have_the_same_names_in_the_same_order():
    names = {}
    for twin, path in PAGES.items():
        names[twin] = []
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                names[twin].append(node.name)
            elif isinstance(node, ast.Assign):
                names[twin].append(node.targets[0].id)
    by_hand_only = {"matmul", "one_hot"}  # nn.Linear and nn.CrossEntropyLoss have them inside
    assert [n for n in names["scratch"] if n not in by_hand_only] == names["concise"]
    assert scratch.__all__ == concise.__all__


def test_pages_are_pages():
    for path in PAGES.values():
        assert len(path.read_text().splitlines()) <= 140, path


def test_concise_optimizers_are_torchs_own():
    assert concise.SGD is torch.optim.SGD
    assert concise.Adam is torch.optim.Adam


def test_importing_is_cheap():
    code = (
        "import d2l_softmax, scratch, concise, sys; "
        "print([m for m in ('matplotlib', 'torchvision', 'IPython') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
