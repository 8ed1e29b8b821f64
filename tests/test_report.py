"""The HTML reports: their content, and that a browser shows them accessibly."""

import html
import io
import json
import re
import shlex
import shutil
import subprocess

import pytest
import torch
from conftest import TWINS, complaints, require
from matplotlib.figure import Figure
from PIL import Image
from test_structure import PAGES

from d2l_softmax import __main__ as d2l_main
from d2l_softmax import i18n
from d2l_softmax.commands import train as training_command
from d2l_softmax.figures.style import default_style, save_figure
from d2l_softmax.pages.page import as_svg, embed, write_page
from d2l_softmax.pages.report import (
    Animation,
    configuration_table,
    write_comparison_report,
    write_run_report,
)
from d2l_softmax.pages.twins import rows_of, side_by_side
from d2l_softmax.training.evaluation import Evaluation
from d2l_softmax.training.fit import EpochRecord

A4 = 718  # CSS pixels between margins of 1 cm


BRIEF = ["--quiet", "--device=cpu", "--epochs=1"]


@pytest.fixture(scope="module")
def compared(tmp_path_factory, real_data):
    """Return the folder of a comparison of one epoch."""
    output_dir = tmp_path_factory.mktemp("compared")
    assert d2l_main.main(["compare", *BRIEF, f"--output-dir={output_dir}"]) == 0
    return output_dir


@pytest.fixture(scope="module")
def in_chinese(tmp_path_factory, real_data):
    """Return the folder of a training in Chinese; every text of it has its translation.

    So has every text of a comparison.
    """
    require("a Chinese font")
    output_dir = tmp_path_factory.mktemp("in-chinese")
    argv = [*BRIEF, "--lang=zh", f"--output-dir={output_dir}"]

    class Catalogue(dict):
        def get(self, text, default):
            return self[text]

    with pytest.MonkeyPatch.context() as patch:
        catalogue = Catalogue(i18n.chinese())
        patch.setattr(i18n, "chinese", lambda: catalogue)
        assert training_command.main(TWINS["scratch"], "scratch", [*argv, "--templates"]) == 0
        assert d2l_main.main(["compare", *argv, f"--output-dir={output_dir / 'compared'}"]) == 0
    return output_dir


@pytest.fixture(params=["trained", "compared"])
def page(request):
    """Return the path of each report in turn."""
    return request.getfixturevalue(request.param) / "report.html"


CONFIG = {
    "twin": "scratch",
    "data": "Fashion-MNIST",
    "command": "python -m scratch",
    "options": {"seed": 0},
    "parameters": 7850,
    "threads": 2,
    "machine": "made up",
    "versions": {"torch": "2.4"},
}
HISTORY = [
    EpochRecord(1, 0.9, 0.6, 0.5, 1.25, seconds=1.5, valid_acc=0.4, valid_loss=1.5),
    EpochRecord(2, 0.8, 0.7, 0.65, 1.125, seconds=2.5, valid_acc=0.55, valid_loss=1.375),
]
# Of two bags and a coat, one bag is mistaken for a coat; nothing is predicted as a shirt.
EVALUATION = Evaluation(
    torch.tensor([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.5, 0.25]]),
    torch.tensor([0, 0, 1]),
    ["bag", "coat", "shirt"],
)


def png(shade, size=(60, 40)):
    """Return a PNG file of one gray."""
    buffer = io.BytesIO()
    Image.new("L", size, shade).save(buffer, "png")
    return buffer.getvalue()


def tables(path):
    """Return a page's tables, each as a list of {title of the column: cell}."""
    text = path.read_text(encoding="utf-8")
    found = []
    for table in re.findall(r"<table>(.*?)</table>", text, re.DOTALL):
        titles, *rows = (
            [html.unescape(cell) for cell in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row)]
            for row in re.findall(r"<tr>(.*?)</tr>", table)
        )
        found.append([dict(zip(titles, row, strict=True)) for row in rows])
    return found


# Content


def test_a_run_has_each_number_in_its_column(tmp_path):
    write_run_report(tmp_path, {}, HISTORY, CONFIG, EVALUATION, best_epoch=1)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert re.search("Epoch 1: train loss.* Its model was kept", text)
    write_run_report(tmp_path, {}, HISTORY, CONFIG, EVALUATION)
    epochs, classes = tables(tmp_path / "report.html")
    assert epochs[1] == {
        "epoch": "2",
        "train loss (nats)": "0.8000",
        "train accuracy": "0.7000",
        "validation loss (nats)": "1.3750",
        "validation accuracy": "0.5500",
        "test loss (nats)": "1.1250",
        "test accuracy": "0.6500",
        "seconds": "2.50",
    }
    assert list(classes[0]) == ["class", "precision", "recall", "examples"]
    assert [list(row.values()) for row in classes] == [
        ["bag", "1.0000", "0.5000", "2"],
        ["coat", "0.5000", "1.0000", "1"],
        ["shirt", "-", "-", "0"],
    ]
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Epoch 2: train loss 0.8000 nats, train accuracy 0.7000, test accuracy 0.6500." in text
    assert "loss 0.9242 nats, accuracy 0.6667 ± 0.2722 (standard error)" in text  # (4 ln 2) / 3
    assert "expected calibration error 0.1667 in 10 bins" in text


def test_a_comparison_has_each_twins_numbers_in_its_columns(tmp_path):
    scratch, concise = (record._replace(epoch=1).measurements() for record in HISTORY)
    difference = {"train_loss": 0.1, "train_acc": 0.2, "test_acc": 0.3, "W": 0.4, "b": 0.0}
    summary = {
        **CONFIG,
        "epochs": [{"epoch": 1, "scratch": scratch, "concise": concise, "difference": difference}],
        "first_epoch_beyond_tolerance": None,
        "test_predictions_that_differ": 7,
        "test_images": 1234,
    }
    write_comparison_report(tmp_path, {}, summary, {"scratch": "left = 1", "concise": "right = 2"})
    ((row,),) = tables(tmp_path / "report.html")
    assert row == {
        "epoch": "1",
        "train loss, scratch": "0.900000",
        "train loss, concise": "0.800000",
        "test accuracy, scratch": "0.5000",
        "test accuracy, concise": "0.6500",
        "difference: train loss": "1.0e-01",
        "difference: test accuracy": "3.0e-01",
        "difference: W": "4.0e-01",
        "difference: b": "0",
    }
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "predictions differ on 7 of 1,234 test examples" in text


def test_a_report_has_the_runs_numbers_and_figures_but_no_paths(trained):
    text = (trained / "report.html").read_text(encoding="utf-8")
    assert (text.count("<figure"), text.count("<svg")) == (6, 3)
    assert '<dt>batch size</dt><dd lang="en">256</dd>' in text
    assert str(trained) not in text
    assert "data dir" not in text
    command = "python -m scratch --quiet --device=cpu --epochs=3"
    assert f'<dt>command</dt><dd lang="en">{command}</dd>' in text
    written = json.loads((trained / "config.json").read_text(encoding="utf-8"))["command"]
    assert written == shlex.join([*command.split(), f"--output-dir={trained}"])


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("--data-dir /home/me/data --epochs 3", "--epochs 3"),
        ("--dataset='/home/me/my flowers' --output-dir=x --lr=1", "--dataset 'my flowers' --lr=1"),
        ("--quiet --dataset . --templates", "--quiet --dataset 'my flowers' --templates"),
    ],
)
def test_the_command_in_a_report_has_no_directories(given, shown):
    command = "torchrun --nproc-per-node=2 -m scratch"
    config = CONFIG | {"command": f"{command} {given}", "data": "my flowers"}
    assert configuration_table(config)["command"] == f"{command} {shown}"


def test_markup_in_what_is_shown_is_escaped(tmp_path):
    table = {"caption": "<s>", "columns": ["<i>"], "rows": [["<u>"]]}
    path = tmp_path / "report.html"
    content = {"title": "<b>", "summary": "<em>", "history": table, "configuration": {"<p>": "<q>"}}
    write_page(path, "report.html.jinja", **content, figures=[])
    text = path.read_text(encoding="utf-8")
    for letter in ("b", "i", "u", "q", "em", "s"):
        assert f"&lt;{letter}&gt;" in text


def test_a_report_in_chinese_has_no_english_but_names_and_code(in_chinese):
    path = in_chinese / "report.html"
    assert '<html lang="zh-CN">' in path.read_text(encoding="utf-8")
    epochs, classes = tables(path)
    assert next(iter(epochs[0])) == "迭代周期"
    assert classes[-1]["类别"] == "短靴"


# Figures


def test_svg_is_the_same_every_time_with_ids_of_its_own_and_texts_unchanged(tmp_path):
    with default_style():
        figure = Figure()
        figure.subplots().plot([1, 2, 3], marker="o", label="#000000 & #ffffff")
        figure.legend()
        save_figure(tmp_path / "a.png", figure)
        svg, again, other = (as_svg(figure, salt) for salt in "aab")
    assert svg == again
    ids, others = (set(re.findall(r'id="(.*?)"', each)) for each in (svg, other))
    assert ids
    assert not ids & others
    assert svg.startswith("<svg")
    assert ">#000000 &amp; #ffffff<" in svg
    assert "<metadata" not in svg


def test_a_figure_is_svg_where_that_is_smaller():
    short, long = "<svg></svg>", f"<svg>{' ' * 1000}</svg>"
    assert embed(png(0), "", svg=short)[:2] == ("", short)
    address, svg, width, height, *_ = embed(png(0), "", svg=long)
    assert (svg, width, height) == ("", 60, 40)
    assert address.startswith("data:image/png;base64,")


# Source code


@pytest.mark.skipif(not shutil.which("diff"), reason="needs diff")
def test_lines_are_in_the_rows_of_diff():
    texts = [path.read_text(encoding="utf-8").splitlines() for path in PAGES.values()]
    rows = rows_of(*texts)
    for side, text in enumerate(texts):  # every line, in order
        assert [row[side] for row in rows if row[side]] == list(range(1, len(text) + 1))
    width = 401  # each half holds 198 characters: no line is cut
    command = ["diff", "-y", "-t", "-W", str(width), *PAGES.values()]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    marks = [row[width // 2 - 1 : width // 2 + 1].strip() for row in done.stdout.splitlines()]
    # "<": a line on the left only; ">": on the right only
    expected = [(mark != ">", mark != "<") for mark in marks]
    assert [(bool(left), bool(right)) for left, right in rows] == expected


def test_definitions_are_side_by_side():
    head = "import a\n\n\ndef f():\n    return 1\n\n\nclass C:\n"
    left, right = f"{head}    def g(self):\n        return 2\n", f"{head}    h = 3\n"
    found = list(side_by_side(left, right))
    assert [(d.names, d.rows) for d in found] == [([], 1), (["f"], 2), (["C"], 1), (["C.g"], 2)]
    assert [line.differs for line in found[1].columns[0]] == [False, False]
    one, other = found[3].columns
    placed = [(line.number, line.indent, line.differs) for line in one]
    assert placed == [(9, 4, True), (10, 8, True)]
    shown = [(line.number, line.html) for line in other]
    assert shown == [(9, '    h = <span class="mi">3</span>'), (None, "")]


# Accessibility


def test_figures_are_in_the_page_whole_on_a_laptop_and_legible_and_tables_titled(page, visit):
    """Beside a scroll bar of 15 pixels, a screen of 1,280 has 1,265."""
    opened, (address, *requests) = visit(page, width=1265)
    assert address == page.as_uri()
    assert all(request.startswith("data:") for request in requests)
    cut = """[...document.querySelectorAll('figure .scroll')]
        .filter(e => e.scrollWidth > e.clientWidth).length"""
    assert opened.evaluate(cut) == 0
    points = "e => e.getBoundingClientRect().width / parseFloat(e.closest('figure').style.cssText"
    scale = f"all => Math.min(...all.map({points}.match(/width: ([\\d.]+)/)[1])))"
    for width in (390, 1265):
        opened.set_viewport_size({"width": width, "height": 900})
        scales = opened.locator("figure .scroll :is(img, svg)").evaluate_all(scale)
        assert 8 * scales > 9  # pixels, of 8 points
    assert opened.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 600)")
    assert opened.locator("figure svg").count() >= 1
    twice = """[...document.querySelectorAll('[id]')].map(e => e.id)
        .filter((id, i, all) => all.indexOf(id) != i)"""
    assert opened.evaluate(twice) == []
    lost = """[...document.querySelectorAll('svg use')].map(e => e.getAttribute('xlink:href'))
        .concat([...document.querySelectorAll('svg [clip-path]')]
            .map(e => e.getAttribute('clip-path').slice(4, -1)))
        .filter(address => !document.querySelector(address))"""
    assert opened.evaluate(lost) == []
    titled = """[...document.querySelectorAll('table')].every(
        t => t.caption && [...t.querySelectorAll('th')].every(h => h.scope))"""
    assert opened.evaluate(titled)


def test_a_long_history_scrolls_on_the_screen_and_is_whole_on_paper(tmp_path, visit):
    write_run_report(tmp_path, {}, HISTORY[:1] * 40, CONFIG, EVALUATION)
    opened, _ = visit(tmp_path / "report.html")
    height = "document.querySelector('.beside .scroll').clientHeight"
    assert opened.evaluate(height) < 500
    opened.emulate_media(media="print")
    assert opened.evaluate(height) > 800


def test_a_page_could_make_no_requests(page, tmp_path, visit):
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    (tmp_path / "beside.png").write_bytes(png(0))
    changed = tmp_path / "changed.html"
    changed.write_text(text.replace("</main>", '<img src="beside.png"></main>'), encoding="utf-8")
    opened, _ = visit(changed)
    assert opened.evaluate("document.querySelector('main > img').naturalWidth") == 0


def test_it_is_dark_in_the_dark_and_its_figures_too(page, visit):
    colors = """[getComputedStyle(document.body).color,
        getComputedStyle(document.querySelector('figure svg text')).fill,
        getComputedStyle(document.querySelector('figure svg [style*="stroke: #000000"]')).stroke,
        getComputedStyle(document.body).backgroundColor]"""
    for scheme, ground in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(20, 24, 29)")):
        text, *drawn = visit(page, scheme=scheme)[0].evaluate(colors)
        assert drawn == [text, text, ground]  # axe measures the contrast


@pytest.mark.parametrize("folder", ["trained", "compared", "in_chinese"])
def test_axe_finds_nothing(folder, request, visit):
    opened, _ = visit(request.getfixturevalue(folder) / "report.html", width=390)
    assert complaints(opened) == []
    opened.emulate_media(color_scheme="dark")
    assert complaints(opened, runOnly=["color-contrast"]) == []


def test_on_paper_it_is_white_and_nothing_is_cut(page, visit):
    opened, _ = visit(page, width=A4, scheme="dark")
    opened.emulate_media(media="print", color_scheme="dark")
    style = "getComputedStyle(document.body)"
    colors = opened.evaluate(f"[{style}.backgroundColor, {style}.color]")
    assert colors == ["rgb(255, 255, 255)", "rgb(31, 35, 40)"]
    too_wide = """[...document.querySelectorAll('body *')]
        .filter(e => !e.closest('svg') && e.getBoundingClientRect().right > innerWidth + 1)
        .map(e => e.outerHTML.slice(0, 90))"""
    assert opened.evaluate(too_wide) == []
    split = "[...document.querySelectorAll('figure, tr')].map(e => getComputedStyle(e).breakInside)"
    assert set(opened.evaluate(split)) == {"avoid"}


# The animation


@pytest.fixture
def film(tmp_path):
    """Return the path of a report with an animation of three frames."""
    frames = [png(shade) for shade in (0, 100, 200)]
    animation = Animation(frames, ["epoch 0", "epoch 1", "epoch 2"], "How it is learned.")
    write_run_report(tmp_path, {}, HISTORY, CONFIG, EVALUATION, animation)
    return tmp_path / "report.html"


SEEN = """[...document.querySelectorAll('.frames > *')]
    .filter(e => e.checkVisibility({visibilityProperty: true})).map(e => e.textContent.trim())"""
AT = "seconds => document.getAnimations().forEach(a => { a.currentTime = 1000 * seconds })"


def test_frames_are_seen_in_turn_over_the_last_and_can_be_stopped_by_keyboard(film, visit):
    opened, _ = visit(film, scheme="dark")
    assert complaints(opened) == []
    opened.get_by_label("Pause the animation").focus()
    for state in ("paused", "running", "paused"):
        opened.keyboard.press("Space")
        states = opened.evaluate("document.getAnimations().map(a => a.playState)")
        assert set(states) == {state}
    # 3 + 3 turns of 0.7 s: the last frame has the last four
    for seconds, frame in ((0.1, 0), (0.8, 1), (1.5, 2), (3.9, 2), (4.3, 0)):
        opened.evaluate(AT, seconds)
        seen = opened.evaluate(SEEN)
        assert (seen[0], seen[-1]) == (f"epoch {frame}", "epoch 2")


@pytest.mark.parametrize("asked", [{"reduced_motion": "reduce"}, {"media": "print"}])
def test_it_stands_still_for_those_who_asked_and_on_paper(film, visit, asked):
    opened, _ = visit(film)
    opened.emulate_media(**asked)
    assert opened.evaluate("document.getAnimations().length") == 0
    assert opened.evaluate(SEEN) == ["epoch 2"]
    assert not opened.get_by_label("Pause the animation").is_visible()
