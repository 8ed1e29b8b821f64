"""The twins as pages: what the one by hand may not use, and how the two line up."""

import ast
import shutil
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
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            modules.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    return modules


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
    modules = imports_of(path)
    assert all(m == "torch" or not m.startswith("torch") for m in modules)
    assert not any(name in modules for name in ("numpy", "scipy", "sklearn", "torchvision"))


def definitions(path):
    """Return {name: line} of a page's functions and classes, methods as `Class.method`."""
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found[node.name] = node.lineno
        for method in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(method, ast.FunctionDef):
                found[f"{node.name}.{method.name}"] = method.lineno
    return found


def rows_of_diff(left, right):
    """Return the pairs of lines (left number or None, right number or None) of `diff -y`."""
    width = 401  # each half holds 198 characters: no line is cut
    command = ["diff", "-y", "-t", "-W", str(width), left, right]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    rows, numbers = [], [0, 0]
    for row in done.stdout.splitlines():
        mark = row[width // 2 - 1 : width // 2 + 1].strip()
        there = (mark != ">", mark != "<")
        numbers = [number + here for number, here in zip(numbers, there, strict=True)]
        rows.append(tuple(n if here else None for n, here in zip(numbers, there, strict=True)))
    assert numbers == [len(Path(page).read_text("utf-8").splitlines()) for page in (left, right)]
    return rows


SAME_THING = {"SoftmaxRegression.__call__": "SoftmaxRegression.forward"}


@pytest.mark.skipif(not shutil.which("diff"), reason="needs diff")
def test_definitions_stand_in_the_same_rows():
    by_hand, by_library = (definitions(path) for path in PAGES.values())
    rows = rows_of_diff(*PAGES.values())
    pairs = {name: SAME_THING.get(name, name) for name in by_hand}
    pairs = {one: other for one, other in pairs.items() if other in by_library}
    assert set(pairs.values()) == set(by_library)
    for one, other in pairs.items():
        assert (by_hand[one], by_library[other]) in rows, one
        # and so do the docstrings, right below
        assert (by_hand[one] + 1, by_library[other] + 1) in rows, one


@pytest.mark.skipif(not shutil.which("diff"), reason="needs diff")
def test_what_the_library_takes_over_is_said_beside_it():
    rows = dict(rows_of_diff(*PAGES.values()))
    by_hand, by_library = (definitions(path) for path in PAGES.values())
    lines = PAGES["concise"].read_text(encoding="utf-8").splitlines()
    for name in ("one_hot", "SoftmaxRegression.parameters", "SoftmaxRegression.gradients"):
        assert name not in by_library
        comment = lines[rows[by_hand[name]] - 1].strip()
        assert comment.startswith(f"# {name.split('.')[-1]}() is "), comment


@pytest.mark.skipif(not shutil.which("diff"), reason="needs diff")
def test_gradients_stand_beside_backward():
    rows = dict(rows_of_diff(*PAGES.values()))
    texts = {twin: path.read_text(encoding="utf-8").splitlines() for twin, path in PAGES.items()}
    pairs = {
        "y_hat = model(X)": "logits = model(X)",
        "gradients = model.gradients(X, y_hat, y)": "loss.backward()",
        "optimizer.step(gradients)": "optimizer.step()",
    }
    for line, twin_line in pairs.items():
        number = 1 + [line.strip() for line in texts["scratch"]].index(line)
        assert texts["concise"][rows[number] - 1].strip() == twin_line


def test_twins_have_the_same_names_in_the_same_order():
    assert scratch.__all__ == concise.__all__
    for file in ("data_parallel.py", "losses.py", "optimizers.py"):
        names = []
        for twin in ("scratch", "concise"):
            tree = ast.parse((ROOT / twin / file).read_text(encoding="utf-8"))
            defined = [n for n in tree.body if isinstance(n, ast.ClassDef | ast.FunctionDef)]
            assigned = [n for n in tree.body if isinstance(n, ast.Assign)]
            found = {n.name: n.lineno for n in defined}
            found |= {n.targets[0].id: n.lineno for n in assigned}
            names.append(sorted(found, key=found.get))
        by_hand, by_library = names
        assert by_hand == [name for name in by_library if name != "gradient"]


@pytest.mark.parametrize(("twin", "most"), [("scratch", 100), ("concise", 80)])
def test_pages_can_be_read_at_one_sitting(twin, most):
    assert len(PAGES[twin].read_text(encoding="utf-8").splitlines()) <= most


def test_concise_optimizers_are_torchs_own():
    assert concise.SGD is torch.optim.SGD
    assert concise.Adam is torch.optim.Adam


@pytest.mark.parametrize("modules", ["d2l_softmax, scratch, concise", "d2l_softmax.commands.cli"])
def test_importing_is_cheap(modules):
    code = (
        f"import {modules}, sys; "
        "print([m for m in ('matplotlib', 'torchvision', 'IPython') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
