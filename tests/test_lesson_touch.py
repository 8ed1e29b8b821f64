"""Interaction with the lesson: by mouse, touch and keyboard, with valid and invalid input."""

import base64
import json
import math
import re

import numpy as np
import pytest
import torch
from conftest import LESSON, READY, complaints, first_quick
from PIL import Image
from playwright.sync_api import expect
from test_lesson import TEXTS, data_of
from test_lesson_pictures import as_file

from d2l_softmax.figures.style import signed_colors

expect.set_options(timeout=20_000)  # milliseconds; other processes may be busy


def drag(page, selector, dx, dy, hand="mouse"):
    """Drag a dot of a chart by (dx, dy) pixels."""
    box = seen(page, selector)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    stroke(page, hand, [(x, y), (x + dx / 2, y + dy / 2), (x + dx, y + dy)])


def seen(page, selector):
    """Bring an element into view; return its box on the screen."""
    page.locator(selector).evaluate(
        "(each) => each.scrollIntoView({ block: 'center', behavior: 'instant' })"
    )
    return page.locator(selector).bounding_box()


def stroke(page, hand, places):
    """Move a mouse or a finger, down, along places (x, y) on the screen."""
    if hand == "mouse":
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place)
        page.mouse.up()
        return
    finger = page.context.new_cdp_session(page)
    for kind, place in [("Start", places[0]), *(("Move", each) for each in places[1:])]:
        points = [{"x": place[0], "y": place[1]}]
        finger.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def draw(page, hand, places):
    """Draw on the paper; places are in its pixels."""
    box = seen(page, "#paper")
    stroke(page, hand, [(box["x"] + x, box["y"] + y) for x, y in places])


def said(page, id_):
    return page.locator(f"#{id_}").text_content()


def cells(page, selector):
    """Return the texts of a table's body, row by row."""
    rows = page.locator(f"{selector} tbody tr").all()
    return [row.locator("th, td").all_text_contents() for row in rows]


# The parts


def test_scores_a_class_is_pointed_at_and_an_item_is_tapped(open_lesson):
    page = open_lesson()
    assert said(page, "scores-worked").startswith("ankle boot: ")  # the prediction
    page.locator("#scores-table tbody button").nth(1).focus()
    assert said(page, "scores-worked").startswith("trouser: ")
    row = page.locator("#scores-table tbody tr").nth(2)
    row.hover()
    name, score, probability = row.locator("th, td").all_text_contents()
    # The sentence has the numbers of the table, and they add up.
    worked = said(page, "scores-worked").replace("−", "-")
    assert worked.startswith(f"{name}: ")
    total, b, computed, _, exponential, share, all_of_them = re.findall(r"<?-?[\d.]+\d", worked)
    assert float(computed) == pytest.approx(float(score.replace("−", "-")), abs=0.006)
    assert f"{share}%" == probability
    assert float(total) + float(b) == pytest.approx(float(computed), abs=0.0011)
    assert math.exp(float(computed)) == pytest.approx(float(exponential), rel=0.0055)
    expected = 100 * float(exponential) / float(all_of_them)
    assert expected == pytest.approx(float(share.strip("<")), abs=0.11)
    assert page.locator("#scores-table [aria-pressed=true]").text_content() == name
    item = page.locator("#items button:nth-child(3)")
    item.click()
    pressed = page.locator("#items [aria-pressed=true]").all()
    assert [each.get_attribute("aria-label") for each in pressed] == ["trouser 1"]
    assert item.get_attribute("aria-pressed") == "true"
    (marked,) = (row[0] for row in cells(page, "#scores-table") if row[0].endswith("◀"))
    assert marked.startswith("trouser")  # this one is predicted right
    assert "“trouser”" in said(page, "scores-said")


def test_softmax_scores_and_temperature_are_moved(open_lesson):
    page = open_lesson()
    slider, box = page.locator("#logit-3"), seen(page, "#logit-3")
    page.mouse.click(box["x"] + box["width"] - 3, box["y"] + box["height"] / 2)
    assert float(slider.input_value()) > 4.5
    rows = cells(page, "#softmax-table")
    logits = torch.tensor([2, 1, 0.1, float(slider.input_value())])
    expected = [f"{p:.3f}" for p in logits.softmax(dim=0)]
    assert [row[2] for row in rows] == expected
    page.locator("#softmax-shift").click()
    shifted = cells(page, "#softmax-table")
    assert [row[2] for row in shifted] == expected
    assert "102.0" in shifted[0][0]
    page.locator("#temperature").fill("1")
    assert said(page, "temperature-value") == "10.0"
    expected = [f"{p:.3f}" for p in (logits / 10).softmax(dim=0)]
    assert [row[2] for row in cells(page, "#softmax-table")] == expected


def test_overflow_a_hundred_is_too_much_for_one_and_not_for_the_other(open_lesson):
    page = open_lesson()
    stable = cells(page, "#overflow-stable")[3]
    assert cells(page, "#overflow-naive")[3] == stable
    page.locator("#overflow-hundred").click()
    assert cells(page, "#overflow-naive")[3] == ["ŷ", *["⚠ nan"] * 3]
    assert cells(page, "#overflow-stable")[3] == stable
    assert "inf / inf is nan" in said(page, "overflow-said")
    page.get_by_role("radio", name="float64").check()
    assert cells(page, "#overflow-naive")[3] == stable
    page.locator("#overflow-limit").click()
    assert "⚠ nan" in cells(page, "#overflow-naive")[3]
    page.locator("#overflow-zero").click()
    assert cells(page, "#overflow-naive")[3] == stable
    page.get_by_role("radio", name="float16", exact=True).check()
    page.locator("#overflow-shift").fill("9")
    assert cells(page, "#overflow-naive")[3] == ["ŷ", *["⚠ 0"] * 3]
    assert "but their sum exceeds 65504" in said(page, "overflow-said")


@pytest.mark.parametrize("hand", first_quick(["mouse", "touch"]))
def test_cross_entropy_a_probability_is_dragged(open_lesson, hand):
    page = open_lesson()
    drag(page, "#cross-entropy .handle", -300, 0, hand)
    assert said(page, "probability-value") == "0.001"
    assert "the loss is 6.908 nats. Confidently wrong" in said(page, "cross-entropy-said")
    page.locator("#probability").fill("0.099")  # about log 10, the loss of equal probabilities
    assert "the loss is 2.313 nats" in said(page, "cross-entropy-said")
    assert "wrong" not in said(page, "cross-entropy-said")
    page.locator("#gap").fill("110")
    values = [row[1] for row in cells(page, "#forms")]
    assert values == ["⚠ inf", "87.3365", "110.000"]


def test_losses_an_outlier_is_dragged_and_one_line_follows_it(open_lesson):
    page = open_lesson()
    before = [float(x.replace("−", "-")) for x in cells(page, "#losses-table")[0][1:]]
    path = page.locator("#regression .curve.blue").get_attribute("d")
    drag(page, "#regression .handle", 0, 700)
    assert said(page, "outlier-value") == "−8.0"
    after = [float(x.replace("−", "-")) for x in cells(page, "#losses-table")[0][1:]]
    moved = [abs(a - b) for a, b in zip(after, before, strict=True)]
    assert moved[0] > 3 * max(moved[1:])
    assert page.locator("#regression .curve.blue").get_attribute("d") != path
    gradients = cells(page, "#losses-table")[5]
    assert page.locator("#half-formula mfrac").is_visible()
    page.get_by_label("squared loss with the ½").uncheck()
    doubled = cells(page, "#losses-table")
    assert float(doubled[5][1]) == pytest.approx(2 * float(gradients[1]), abs=0.02)
    assert float(doubled[0][1].replace("−", "-")) == after[0]
    assert not page.locator("#half-formula mfrac").is_visible()


def test_shapes_sums_are_taken_step_by_step(open_lesson):
    page = open_lesson()
    for step in range(2, 6):
        page.locator("#shapes-next").click()
        assert page.locator("#shapes-steps figure").count() == step
    assert page.locator("#shapes-next").is_disabled()
    assert page.locator("#shapes-steps").get_by_text("Σ 1.00").count() == 2
    shapes = page.locator("#shapes-steps .shape").all_text_contents()
    assert shapes == ["(2, 5)", "(2, 5)", "(2, 1)", "(2, 5)", "(2, 5)"]
    page.locator("#keepdim").uncheck()
    assert "must match the size of tensor b (2)" in said(page, "shapes-steps")
    page.get_by_label("dim=0").check()
    assert page.locator("#shapes-steps .shape").all_text_contents()[2] == "(5,)"
    page.locator("#shapes-next").click()
    assert page.locator("#shapes-steps").get_by_text("Σ 1.00").count() == 5  # of the columns
    assert "not the rows" in said(page, "shapes-said")
    numbers = page.locator("#shapes-steps table").first.text_content()
    page.locator("#shapes-new").click()
    assert page.locator("#shapes-steps table").first.text_content() != numbers
    page.locator("#shapes-again").click()
    assert page.locator("#shapes-steps figure").count() == 1


def test_picking_other_classes_are_picked(open_lesson):
    page = open_lesson()
    assert "→  [0.1, 0.5]" in said(page, "picking-code")
    assert "accuracy is 0.5" in said(page, "picking-said")
    page.locator("#label-0").select_option("2")
    assert "y_hat[[0, 1], [2, 2]]  →  [0.6, 0.5]" in said(page, "picking-code")
    lit = page.locator("#picking-matrices .lit").all_text_contents()
    assert lit == ["0.6", "0.5", "1", "1", "0.6", "0.5"]
    assert "accuracy is 1.0" in said(page, "picking-said")


def test_plane_a_point_is_dragged_and_the_loss_follows(open_lesson):
    page = open_lesson()
    assert "Steps: 0. Mean loss: 1.099 nats" in said(page, "plane-said")
    assert page.locator("#plane-chart .ink[d^=M]").count() == 0  # no boundary yet
    page.locator("#plane-play").click()
    expect(page.locator("#plane-said")).to_contain_text(re.compile(r"Steps: \d\d"))
    page.locator("#plane-play").click()
    assert "Correct: 12 of 12" in said(page, "plane-said")
    assert page.locator("#plane-chart .ink[d^=M]").count() == 3
    loss = "Number(document.querySelector('#plane-said').textContent.match(/loss: ([\\d.]+)/)[1])"
    before, steps = page.evaluate(loss), said(page, "plane-said").split(".")[0]
    left = seen(page, "#plane-chart .p0")["x"]
    drag(page, "#plane-chart .p0", 200, 0)
    assert seen(page, "#plane-chart .p0")["x"] - left > 150
    assert page.evaluate(loss) > before + 0.1
    assert "Correct: 11 of 12" in said(page, "plane-said")
    assert said(page, "plane-said").split(".")[0] == steps
    page.locator("#plane-back").click()
    assert page.evaluate(loss) == before
    page.locator("#plane-again").click()
    assert "Steps: 0. Mean loss: 1.099 nats" in said(page, "plane-said")

    point = page.locator("#plane-chart .p11")
    point.focus()
    for key in ["Shift+ArrowRight"] * 9 + ["ArrowDown"] * 9:
        page.keyboard.press(key)
    assert point.get_attribute("aria-valuetext") == "x = 4.00, y = −2.20"
    shapes = {page.locator(f"#plane-chart .p{n}").get_attribute("d") for n in (0, 3, 4, 7, 8, 11)}
    assert len(shapes) == 3  # classes differ without their colours


def test_training_it_learns_step_by_step_and_then_by_itself(open_lesson):
    page = open_lesson()
    assert "log 10 = 2.303" in said(page, "templates-said")
    page.locator("#train-step").click()
    assert re.search(r"Steps: 1, epochs: 1\..* 2\.0\d\d nats", said(page, "train-said"))
    assert "is rounding error" in said(page, "templates-said")
    page.locator("#train-play").click()
    assert page.locator("#train-said").get_attribute("aria-live") == "off"
    sentence = page.locator("#train-said")
    expect(sentence).not_to_contain_text("epochs: 1.")
    page.locator("#scores").scroll_into_view_if_needed()  # it pauses while it is out of view
    page.wait_for_timeout(1000)
    so_far = sentence.text_content()
    page.wait_for_timeout(400)
    assert sentence.text_content() == so_far
    page.locator("#train-play").scroll_into_view_if_needed()
    expect(sentence).not_to_have_text(so_far)
    expect(sentence).to_contain_text(re.compile(r"epochs: ([6-9]|\d\d)"))
    page.locator("#train-play").click()
    so_far = sentence.text_content()
    page.wait_for_timeout(200)
    assert sentence.text_content() == so_far
    assert page.locator("#train-loss .curve.blue").get_attribute("d").count("L") > 5
    page.locator("#train-batch").select_option("20")
    assert "Steps: 0, epochs: 0" in said(page, "train-said")


def test_training_templates_have_the_colours_of_the_figures(open_lesson):
    """After a step with all images the weights are known: see the text of this part."""
    page = open_lesson()
    page.locator("#train-step").click()
    shades, labels, _, _ = data_of(LESSON.read_text(encoding="utf-8"))
    images, y = shades[: len(labels["train"])] / 15, np.array(labels["train"])
    means = np.stack([images[y == c].mean(axis=0) for c in range(10)])
    W = 0.01 * (means - means.mean(axis=0))
    style = signed_colors(np.abs(W).max())
    pixels = "all => all.map((e) => [...e.getContext('2d').getImageData(0, 0, 28, 28).data])"
    drawn = page.locator("#templates canvas").evaluate_all(pixels)
    expected = 255 * style["cmap"]((1 + W / style["vmax"]) / 2)
    np.testing.assert_allclose(np.reshape(drawn, (10, 28, 28, 4)), expected, atol=1.5)


def test_programs_a_lines_partners_light_up(open_lesson):
    page = open_lesson()
    line = page.locator("#scratch .line", has_text="exponentials = torch.exp")
    line.click()
    assert line.get_attribute("aria-selected") == "true"
    active = page.locator("#scratch").get_attribute("aria-activedescendant")
    assert active == line.get_attribute("id")
    (partner,) = page.locator("#concise .partner").all_text_contents()
    assert partner.strip() == "return nn.functional.softmax(logits, dim=1)"
    assert partner.strip() in said(page, "programs-said")
    assert page.locator("#overflow-stable.lit-by-code").count() == 1
    assert page.locator("#programs-links a").all_text_contents() == ["Part 7: 0.659, 0.242, 0.099"]
    page.locator("#tensorflow .line").first.click()
    assert page.locator("#scratch").get_attribute("aria-activedescendant") is None
    assert "torch.log" in " ".join(page.locator("#scratch .partner").all_text_contents())
    page.locator("#tensorflow").press("Escape")
    assert page.locator(".partner, .lit-by-code, [aria-selected=true]").count() == 0
    page.locator("#scores details:not(.see) summary").click()
    link = page.locator("#scores .prose .links a").first
    line = page.locator(link.get_attribute("href"))
    for _ in range(2):  # the second time the address is the same
        link.click()
        expect(line).to_have_attribute("aria-selected", "true")
        page.locator("#concise .line").first.click()


@pytest.mark.parametrize("hand", first_quick(["mouse", "touch", "keyboard"]))
def test_own_picture_an_item_is_drawn(open_lesson, hand):
    page = open_lesson()
    page.locator("#own-clear").click()
    assert "No object found" in said(page, "own-said")
    if hand == "keyboard":
        page.locator("#paper").focus()
        for key in ["ArrowDown"] * 10:
            page.keyboard.press(key)
        drawn = page.evaluate("document.querySelector('#paper').toDataURL()")
        for key in ["Shift+ArrowRight"] * 4:
            page.keyboard.press(key)
        assert page.evaluate("document.querySelector('#paper').toDataURL()") == drawn
        for key in ["ArrowUp"] * 20:
            page.keyboard.press(key)
    else:
        draw(page, hand, [(100, 40), (90, 140), (100, 240)])
        draw(page, hand, [(160, 40), (150, 140), (160, 240)])
    assert re.match(r"Prediction: “trouser”, with a probability of", said(page, "own-said"))
    assert "trouser" in page.locator("#own-maps figcaption").first.text_content()
    if hand != "keyboard":  # as the part's answer says
        page.locator("#own-clear").click()
        draw(page, hand, [(140, 140)])
        assert re.match("Prediction: “(coat|shirt|bag)”", said(page, "own-said"))
        page.locator("#own-clear").click()
        draw(page, hand, [(60, 60), (220, 60), (220, 220), (60, 220), (60, 60)])
        assert re.match("Prediction: “bag”", said(page, "own-said"))


def test_pixels_times_weights_add_up_and_the_picture_is_shifted(open_lesson):
    page = open_lesson()
    for caption in page.locator("#own-maps figcaption").all_text_contents():
        total, b, score = (
            float(number.replace("−", "-")) for number in re.findall(r"[−\d]\d*\.\d+", caption)
        )
        assert total + b == pytest.approx(score, abs=0.0011)
    before = cells(page, "#own-table")
    for button in ("right", "right", "up"):
        page.locator(f"#own-{button}").click()
    assert "Shifted by 2 to the right and −1 down" in said(page, "own-said")
    assert cells(page, "#own-table") != before
    for button in ("down", "left", "left"):
        page.locator(f"#own-{button}").click()
    assert cells(page, "#own-table") == before
    for _ in range(40):
        page.locator("#own-left").click()
    assert said(page, "own-said") == TEXTS["picture.blank"]["en"]
    page.locator("#own-right").click()
    assert "Shifted by −27 to the right and 0 down" in said(page, "own-said")
    page.locator("#own-middle").click()
    assert said(page, "own-said").startswith("Prediction: “ankle boot”")


picture = Image.new("RGB", (400, 300), "white")
for box in ((150, 60, 230, 200), (120, 70, 150, 120), (230, 70, 260, 120)):
    picture.paste((30, 40, 90), box)
SHIRT = as_file(picture)


def give(page, selector, name, content, way="chosen"):
    """Choose a file for an input, or drop it on the page, as a browser does."""
    kind = "image/png" if selector == "#own-file" else "application/json"
    if way == "chosen":
        file = {"name": name, "mimeType": kind, "buffer": content}
        page.locator(selector).set_input_files(file)
        return
    page.evaluate(
        """([name, content, type]) => {
          const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([bytes], name, { type }));
          for (const event of ["dragover", "drop"]) {
            const init = { dataTransfer, bubbles: true, cancelable: true };
            document.querySelector("#paper").dispatchEvent(new DragEvent(event, init));
          }
        }""",
        [name, base64.b64encode(content).decode(), kind],
    )


@pytest.mark.parametrize("way", ["chosen", "dropped"])
def test_a_photograph_is_shown_after_each_step(open_lesson, way):
    page = open_lesson()
    give(page, "#own-file", "shirt.png", SHIRT, way)
    expect(page.locator("#own-steps figure")).to_have_count(5)
    _, *steps = page.locator("#own-steps figcaption").all_text_contents()
    assert steps == ["background removed", "trimmed", "scaled to 28 pixels", "the model's input"]
    assert re.search("Prediction: “(t-shirt|shirt|dress)”", said(page, "own-said"))


def test_a_bad_picture_ends_in_a_message_and_a_good_one_stays_until_something_is_drawn(open_lesson):
    page = open_lesson()
    table = cells(page, "#own-table")
    give(page, "#own-file", "<b>half.png", SHIRT[:300])
    expected = TEXTS["picture.notAPicture"]["en"].format(name="<b>half.png")
    expect(page.locator("#own-said")).to_have_text(expected)
    assert cells(page, "#own-table") == table
    give(page, "#own-file", "shirt.png", SHIRT)
    expect(page.locator("#own-steps figure")).to_have_count(5)
    before = said(page, "own-said")
    assert before.startswith("Prediction")
    box = seen(page, "#paper")
    middle = (box["x"] + 140, box["y"] + 140)
    stroke(page, "mouse", [(box["x"] - 30, box["y"] + 20), middle])  # begun beside the paper
    page.mouse.click(*middle, button="right")
    assert said(page, "own-said") == before
    page.mouse.click(*middle)
    assert said(page, "own-said") != before
    page.locator("#own-again").click()  # the item that was chosen already
    assert "ankle boot" in said(page, "own-said")


WEIGHTS = {"W": [[0.0] * 10] * 784, "b": [0.0, 0, 0, 0, 0, 0, 0, 0, 0, 9]}
SHORT = WEIGHTS | {"W": [[0.0] * 10] * 783 + [[1]]}
BAD_WEIGHTS = {
    "a picture.json": SHIRT,
    "null.json": b"null",
    "another shape.json": json.dumps(SHORT).encode(),
    "infinite.json": json.dumps(WEIGHTS).replace("9]", "1e999]").encode(),
    "one class.json": json.dumps(WEIGHTS | {"classes": ["bag"]}).encode(),
}


@pytest.mark.parametrize("way", ["chosen", "dropped"])
def test_weights_are_loaded_and_reset_and_bad_ones_end_in_a_message(open_lesson, way):
    page = open_lesson()
    before = cells(page, "#own-table")
    for name, content in BAD_WEIGHTS.items():
        give(page, "#own-weights", name, content, way)
        text = TEXTS["weights.wrong"]["en"].format(name=name)
        expect(page.locator("#own-weights-said")).to_have_text(text)
        assert cells(page, "#own-table") == before
    names = [f"<i>{k}</i>" for k in range(10)]
    content = json.dumps(WEIGHTS | {"classes": names}).encode()
    give(page, "#own-weights", "w.json", content, way)
    expect(page.locator("#own-said")).to_contain_text("9</i>")
    assert said(page, "own-weights-said") == "Weights: w.json."
    assert cells(page, "#own-table")[9][:2] == ["<i>9</i> ◀", "9.00"]
    page.locator("#own-reset").click()
    assert "ankle boot" in said(page, "own-said")


# Around it


@pytest.mark.parametrize(
    ("width", "scheme", "language"),  # every pair of values
    first_quick(
        [
            (390, "light", "en"),
            (390, "dark", "zh-CN"),
            (768, "dark", "en"),
            (768, "light", "zh-CN"),
            (2000, "light", "en"),
            (2000, "dark", "zh-CN"),
        ],
        number=2,
    ),
)
def test_nothing_overflows_and_axe_finds_nothing(open_lesson, width, scheme, language):
    page = open_lesson(language=language, width=width, scheme=scheme)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    for button in ["#overflow-hundred", *["#shapes-next"] * 4, "#train-step", "#own-clear"]:
        page.locator(button).click()
    page.locator("#keepdim").uncheck()
    page.locator("#scratch-21").click()
    for narrower in (320, width) if width == 390 else (width,):
        page.set_viewport_size({"width": narrower, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == narrower
    assert complaints(page) == []


def test_the_language_is_the_browsers_and_then_the_one_chosen(open_lesson):
    page = open_lesson(language="zh-TW")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert page.title() == page.locator("h1").text_content() == TEXTS["title"]["zh-CN"]
    page.get_by_role("button", name="English").click()
    assert page.locator("h1").text_content() == page.title() == TEXTS["title"]["en"]
    assert page.locator("#own-stamp option").first.text_content() == "t-shirt"
    page.evaluate("localStorage.setItem('other', 1)")
    page.reload()
    page.wait_for_selector(READY)
    assert page.locator("html").get_attribute("lang") == "en"
    page.locator("#logit-0").fill("-3")
    for button in ["#train-step", "#overflow-hundred", "#own-right"]:
        page.locator(button).click()
    before = cells(page, "#softmax-table")
    page.get_by_role("button", name="中文").click()
    assert cells(page, "#softmax-table") == before  # it keeps its numbers
    assert "步数 1" in said(page, "train-said")
    visible = page.locator("main").inner_text()  # no English sentence is left
    code = page.locator("pre, code").all_inner_texts()
    for each in sorted(code, key=len, reverse=True):
        visible = visible.replace(each, "")
    assert re.findall(r"(?:[A-Za-z]{2,}[ ,]+){4,}[A-Za-z]+", visible) == []


def test_with_reduced_motion_every_tenth_epoch_is_shown(open_lesson):
    page = open_lesson(reduced_motion="reduce")
    page.evaluate(
        """globalThis.shown = [];
        new MutationObserver(() => {
          const text = document.querySelector("#train-said").textContent;
          shown.push(Number(text.match(/epochs: (\\d+)/)[1]));
        }).observe(document.querySelector("#train-said"), { childList: true });"""
    )
    page.locator("#train-play").click()
    expect(page.locator("#train-said")).to_contain_text(re.compile("epochs: [2-9]0"))
    assert page.evaluate("shown.slice(0, 2)") == [10, 20]
    page.locator("#train-play").click()
    steps = int(re.search(r"Steps: (\d+)", said(page, "train-said"))[1])
    page.locator("#train-step").click()
    assert f"Steps: {steps + 1}," in said(page, "train-said")


@pytest.mark.parametrize("width", [390, 1300])
def test_a_question_is_answered_when_its_panel_is_used(open_lesson, width):
    """The button stays under the finger, though the answer may be above it."""
    page = open_lesson(width=width)
    answer = page.locator("#overflow .see p")
    assert not answer.is_visible()
    button = page.locator("#overflow-hundred")
    button.scroll_into_view_if_needed()
    before = button.bounding_box()["y"]
    button.click()
    assert answer.is_visible()
    page.wait_for_timeout(300)
    assert button.bounding_box()["y"] == pytest.approx(before, abs=2)
    page.locator("#overflow .see summary").click()
    button.click()
    assert not answer.is_visible()  # who closes it does not want it again


def test_a_part_that_fails_says_so_and_the_others_go_on(visit):
    page, _ = visit(LESSON, locale="en", script="delete globalThis.IntersectionObserver;")
    page.wait_for_selector(READY)
    assert page.locator("#training .panel").inner_text().startswith("This experiment does not work")
    page.get_by_role("button", name="中文").click()
    assert page.locator("#own-table tbody tr").count() == 10


@pytest.mark.parametrize(
    "options",
    [{"java_script_enabled": False}, {"script": "delete globalThis.DecompressionStream;"}],
)
def test_without_scripts_or_in_an_old_browser_it_says_so(visit, options):
    page, _ = visit(LESSON, **options)
    assert TEXTS["failed"]["zh-CN"] in page.locator("#failed").inner_text()
    assert not page.locator(".panel, .actions").locator("visible=true").count()
