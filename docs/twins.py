"""Draw docs/twins.png: the core of both implementations side by side. Needs Chromium.

Usage: python -m docs.twins
"""

import ast
import re
from pathlib import Path

from d2l_softmax.pages.twins import side_by_side
from tests.browsers import find_chromium

ROOT = Path(__file__).parents[1]
PACKAGES = ("scratch", "concise")
CLASS = "SoftmaxRegression"
NAMES = {f"{CLASS}.__call__", f"{CLASS}.gradients", "cross_entropy", "train_epoch"}
COMMENT = re.compile(r"(?<=\S) *<span class=.c1.>.*")  # after code; whole lines stay
STYLE = """
body { margin: 0; font: 13px/1.5 "DejaVu Sans Mono", monospace; color: #1f2328; background: #fff }
table { border-collapse: collapse }
th { text-align: left; padding: 8px 12px; background: #f0f3f6; border-bottom: 1px solid #d1d9e0 }
td { white-space: pre; padding: 0 12px; height: 19px }
td + td, th + th { border-left: 1px solid #d1d9e0 }
tr.differs td { background: #fff7e0 }
.k, .kn, .ow, .kc { color: #a0216c } .nf, .fm, .nc { color: #0550ae }
.s1, .s2, .mi, .mf { color: #1a6a33 } .c1 { color: #59636e }
"""


def code_of(package: str) -> tuple[str, set[int]]:
    """Return a package's page of code, and the numbers of the lines that are docstrings."""
    code = (ROOT / package / "softmax_regression.py").read_text(encoding="utf-8")
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Expr)]
    strings = [node for node in nodes if isinstance(node.value, ast.Constant)]
    return code, {i for node in strings for i in range(node.lineno, (node.end_lineno or 0) + 1)}


def as_html() -> str:
    """Return a page with the definitions of NAMES side by side, without their docstrings."""
    (left, left_strings), (right, right_strings) = map(code_of, PACKAGES)
    rows = []
    for definition in side_by_side(left, right):
        if not NAMES & set(definition.names):
            continue
        for pair in zip(*definition.columns, strict=True):
            cells = [COMMENT.sub("", line.html) for line in pair]
            if pair[0].number in left_strings and pair[1].number in {None, *right_strings}:
                continue
            if any(cell.strip() for cell in cells):
                differs = "differs" if cells[0] != cells[1] else ""
                rows.append(f"<tr class='{differs}'><td>{'<td>'.join(cells)}</tr>")
        rows.append("<tr><td><td></tr>")
    names = "".join(f"<th>{name}/softmax_regression.py" for name in PACKAGES)
    return f"<style>{STYLE}</style><table><tr>{names}</tr>{''.join(rows[:-1])}</table>"


def main() -> None:
    """Write docs/twins.png."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium())
        page = browser.new_page(device_scale_factor=1.5)
        page.set_content(as_html())
        page.locator("table").screenshot(path=ROOT / "docs" / "twins.png")
        browser.close()


if __name__ == "__main__":
    main()
