"""The HTML reports: self-contained, readable on a phone, and looked at by a real browser."""

import html.parser
import re

import pytest

from d2l_softmax import __main__ as d2l_main
from d2l_softmax.pages.page import write_page
from d2l_softmax.pages.report import side_by_side, write_comparison_report, write_run_report
from d2l_softmax.training.loop import EpochRecord


@pytest.fixture(scope="module")
def compared(tmp_path_factory, real_data):
    """Return the folder of a comparison of one epoch."""
    output_dir = tmp_path_factory.mktemp("compared")
    argv = ["compare", "--epochs=1", "--quiet", "--device=cpu", f"--output-dir={output_dir}"]
    assert d2l_main.main(argv) == 0
    return output_dir


@pytest.fixture(params=["trained", "compared"])
def page(request):
    """Return the path of each report in turn."""
    return request.getfixturevalue(request.param) / "report.html"


class Outline(html.parser.HTMLParser):
    """Collects a page's headings, addresses and images without a description; checks nesting."""

    def __init__(self, text):
        super().__init__()
        self.headings, self.addresses, self.undescribed, self.open = [], [], 0, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.addresses += [named[key] for key in ("src", "href") if key in named]
        self.undescribed += tag == "img" and not named.get("alt")
        if tag not in ("meta", "img", "col"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append(data)


def test_self_contained(page):
    text = page.read_text(encoding="utf-8")
    outline = Outline(text)
    assert outline.open == []
    assert outline.undescribed == 0
    assert outline.addresses
    assert all(address.startswith("data:image/png;base64,") for address in outline.addresses)
    assert "http:" not in re.sub(r"base64,[^\"]+", "", text)
    assert "<script" not in text


def test_what_a_run_reports(trained):
    text = (trained / "report.html").read_text(encoding="utf-8")
    assert text.count("<img") == 6
    assert Outline(text).headings[1:] == ["Epoch by epoch", "Class by class", "How it was made"]
    history = (trained / "history.csv").read_text().splitlines()[1:]
    for row in history:
        assert f"<td>{float(row.split(',')[1]):.4f}</td>" in text
    assert "ankle boot" in text
    assert "<dt>batch size</dt><dd>256</dd>" in text


def test_what_a_comparison_reports(compared):
    text = (compared / "report.html").read_text(encoding="utf-8")
    assert "They agree to rounding in every epoch" in text
    assert "The two pages side by side" in Outline(text).headings
    assert "y_hat[rows, y]" in text
    assert "nn.CrossEntropyLoss(reduction=reduction)(logits, y)" in text


CONFIG = {
    "twin": "scratch",
    "data": "Fashion-MNIST",
    "options": {"seed": 0},
    "parameters": 7850,
    "threads": 2,
    "machine": "made up",
    "versions": {"torch": "2.4"},
}
HISTORY = [
    EpochRecord(1, train_loss=0.9, train_acc=0.6, test_acc=0.5, seconds=1.5, valid_acc=0.4),
    EpochRecord(2, train_loss=0.8, train_acc=0.7, test_acc=0.65, seconds=2.5, valid_acc=0.55),
]


def first_table(page):
    """Return the rows of a page's first table, each as {title of the column: cell}."""
    table = page.read_text(encoding="utf-8").split("<table>")[1].split("</table>")[0]
    titles, *rows = (re.findall(r"<t[hd]>(.*?)</t[hd]>", row) for row in table.split("<tr>")[1:])
    return [dict(zip(titles, row, strict=True)) for row in rows]


def test_a_run_has_each_number_in_its_column(tmp_path):
    write_run_report(tmp_path, {}, HISTORY, CONFIG, "")
    assert first_table(tmp_path / "report.html")[1] == {
        "epoch": "2",
        "train loss (nats)": "0.8000",
        "train accuracy": "0.7000",
        "validation accuracy": "0.5500",
        "test accuracy": "0.6500",
        "seconds": "2.50",
    }
    summary = "Epoch 2: train loss 0.8000 nats, train accuracy 0.7000, test accuracy 0.6500."
    assert summary in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_comparison_has_each_twins_numbers_in_its_columns(tmp_path):
    (tmp_path / "comparison.png").write_bytes(b"a picture")
    scratch, concise = (record._replace(epoch=1).measurements() for record in HISTORY)
    difference = {"train_loss": 0.1, "train_acc": 0.2, "test_acc": 0.3, "W": 0.4, "b": 0.5}
    summary = {
        **CONFIG,
        "epochs": [{"epoch": 1, "scratch": scratch, "concise": concise, "difference": difference}],
        "first_epoch_beyond_tolerance": None,
        "test_predictions_that_differ": 7,
        "test_images": 1234,
    }
    write_comparison_report(tmp_path, summary, {"scratch": "left", "concise": "right"})
    assert first_table(tmp_path / "report.html") == [
        {
            "epoch": "1",
            "train loss, scratch": "0.900000",
            "train loss, concise": "0.800000",
            "test accuracy, scratch": "0.5000",
            "test accuracy, concise": "0.6500",
            "loss differs by": "1.0e-01",
            "test accuracy differs by": "3.0e-01",
            "W differs by": "4.0e-01",
            "b differs by": "5.0e-01",
        }
    ]
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "their predictions differ on 7 of 1,234 test images" in text


def test_markup_in_what_is_shown_is_escaped(tmp_path):
    content = {"title": "<b>", "columns": ["<i>"], "rows": [["<u>"]], "facts": {"<p>": "<q>"}}
    path = tmp_path / "report.html"
    write_page(path, "report.html.jinja", **content, summary="<em>", text="<s>", figures=[])
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    for letter in ("b", "i", "u", "q", "em", "s"):
        assert f"&lt;{letter}&gt;" in text
        assert f"<{letter}>" not in text


def test_nobodys_paths_are_in_a_report(trained):
    text = (trained / "report.html").read_text(encoding="utf-8")
    assert str(trained) not in text
    assert "data dir" not in text


def test_side_by_side():
    lines = list(side_by_side("a\nb\nc\n", "a\nX\nY\nc\n"))
    assert [tuple(line) for line in lines] == [
        (1, "a", 1, "a", False),
        (2, "b", 2, "X", True),
        ("", "", 3, "Y", True),
        (3, "c", 4, "c", False),
    ]


@pytest.mark.parametrize("width", [320, 390, 1300, 2000])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_never_scrolls_sideways(page, visit, width, scheme):
    """Wide tables and figures do so in their own boxes."""
    opened, requests = visit(page, width, scheme)
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [address.split(":")[0] for address in requests[:1]] == ["file"]
    assert all(address.startswith("data:") for address in requests[1:])
