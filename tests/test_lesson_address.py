"""The lesson's address: parts, states and languages in links; one part presented or embedded."""

import pytest
from conftest import LESSON, READY, complaints
from playwright.sync_api import expect
from test_lesson import TEXTS
from test_lesson_touch import said

SHOWN = ".part[id] >> visible=true"


def hash_of(page):
    return page.evaluate("location.hash")


def state_of(page):
    """Return all that can be set: values of controls, and the pressed buttons of groups."""
    return page.evaluate(
        """() => {
          const selector = ".panel :is(input, select, button):not([type=file])";
          const read = (each) => [each.value, each.checked, each.getAttribute("aria-pressed")];
          return [...document.querySelectorAll(selector)].map(read);
        }"""
    )


# For each part, in order: what is done, and the state in the link that is copied.
LINKS = {
    "scores": ([("click", "#items button:nth-child(3)")], "item=2"),
    "softmax": (
        [("fill", "#logit-1", "-2.5"), ("fill", "#temperature", "1"), ("click", "#softmax-shift")],
        "o2=-2.5&logT=1&plus100=1",
    ),
    "cross_entropy": ([("fill", "#probability", "0.25"), ("fill", "#gap", "99")], "p=0.25&gap=99"),
    "plane": (
        [("select_option", "#plane-rate", "3"), ("press", "#plane-chart .p0", "ArrowUp")],
        "lr=3&points=-260.130_-180.40_-290.-30_-130.160_240.140_150.60_310.20_110.170"
        "_-80.-160_50.-110_10.-40_130.-170",
    ),
    "training": (
        [("select_option", "#train-rate", "1"), ("select_option", "#train-batch", "20")],
        "lr=1&batch=20",
    ),
    "own_picture": ([("select_option", "#own-stamp", "3")], "item=3"),
    "overflow": (
        [("check", "#overflow-dtype [value=bfloat16]"), ("click", "#overflow-hundred")],
        "dtype=bfloat16&plus=100",
    ),
    "shapes": ([("check", "#shapes-dim [value='0']"), ("uncheck", "#keepdim")], "dim=0&keepdim=0"),
    "picking": ([("select_option", "#label-1", "0")], "y1=0"),
    "programs": ([], ""),
    "losses": ([("fill", "#outlier", "-3"), ("uncheck", "#half")], "y=-3&half=0"),
}
PARTS = tuple(LINKS)


@pytest.mark.parametrize("part", PARTS)
def test_a_copied_link_opens_the_part_as_it_was(open_lesson, lesson_in_chromium, part):
    page = open_lesson(permissions=["clipboard-read", "clipboard-write"])
    actions, state = LINKS[part]
    for action, selector, *value in actions:
        getattr(page.locator(selector), action)(*value)
    page.get_by_role("button", name="中文").click()
    page.locator(f"#{part} .actions button").first.click()
    expect(page.locator(f"#{part} .actions output")).to_have_text(TEXTS["address.copied"]["zh-CN"])
    expected = "&".join(filter(None, [f"#{part}", state, "lang=zh"]))
    assert hash_of(page) == expected
    assert page.evaluate("navigator.clipboard.readText()") == LESSON.as_uri() + expected
    other = open_lesson(expected, width=390)
    other.wait_for_timeout(200)
    assert abs(other.locator(f"#{part}").bounding_box()["y"]) < 48
    assert other.locator("html").get_attribute("lang") == "zh-CN"
    assert state_of(other) == state_of(page)
    panel = f"#{part} .panel"
    assert other.locator(panel).inner_text() == page.locator(panel).inner_text()
    if actions:
        assert state_of(other) != state_of(lesson_in_chromium)
    assert not other.locator(f"#{part} .see p").is_visible()  # only the reader's acts answer


def test_without_a_clipboard_the_link_is_in_the_address_bar(open_lesson):
    page = open_lesson(script="delete Navigator.prototype.clipboard;")
    page.locator("#overflow .actions button").first.click()
    expect(page.locator("#overflow .actions output")).to_have_text(TEXTS["address.above"]["en"])
    assert hash_of(page) == "#overflow&lang=en"


def test_each_browser_has_the_link_in_its_address(lesson):
    hash = lesson.evaluate(
        """async () => {
          const select = document.querySelector("#train-rate");
          select.value = "3";
          select.dispatchEvent(new Event("input", { bubbles: true }));
          document.querySelector("#training .actions button").click();
          await new Promise((resolve) => setTimeout(resolve, 200));
          return location.hash;
        }"""
    )
    assert hash.startswith("#training&lr=3&lang=")


INVALID = (
    "#training&lr=5&batch=<b>&dtype=float16",
    "#training&lr&batch=&dtype=constructor",
    "#overflow&plus=1e9&dtype=float8",
    "#overflow&plus=801",
    "#softmax&o1=nan&o2=--1&o3= &o4=0x1&plus100=2&logT=",
    "#plane&lr=2&points=9.9_<img src=x onerror=alert(1)>",
    "#plane&points=" + "1.2_" * 11 + "401.0",
    "#scores&item=20",
    "#scores&item=-1",
    "#own_picture&item=10",
    "#shapes&dim=2&keepdim=true",
    "#<img src=x onerror=alert(1)>&lang=%E0%A4%A",
    "#__proto__&lang=constructor&lr=1",
    "#embed&lang=de&&&==",
)


@pytest.mark.parametrize("hash", INVALID)
def test_what_is_invalid_in_a_link_is_ignored(open_lesson, lesson_in_chromium, hash):
    page = open_lesson(hash)
    assert state_of(page) == state_of(lesson_in_chromium)
    assert page.locator("html").get_attribute("lang") == "en"
    elements = "document.querySelectorAll('*').length"
    assert page.evaluate(elements) == lesson_in_chromium.evaluate(elements)
    page.locator(".part[id] .actions button >> visible=true").first.click()  # it works


def test_parts_are_numbered_in_their_order(open_lesson):
    page = open_lesson()
    parts = page.locator(".part[id]").evaluate_all("all => all.map((each) => each.id)")
    assert tuple(parts) == PARTS
    contents = page.locator("nav a").evaluate_all("all => all.map((each) => each.hash.slice(1))")
    assert contents == parts
    numbers = page.locator(".part .number").all_text_contents()
    assert numbers == [str(n + 1) for n in range(len(parts))]
    starts = page.locator("nav ol").evaluate_all("all => all.map((each) => each.start)")
    lengths = page.locator("nav ol").evaluate_all("all => all.map((each) => each.children.length)")
    assert starts == [1, 1 + lengths[0], 1 + lengths[0] + lengths[1]]


def test_the_address_changes_while_the_page_is_open(open_lesson):
    page = open_lesson("#training&lr=1&lang=zh")
    assert page.locator("#train-rate").input_value() == "1"
    page.get_by_role("button", name="English").click()
    assert hash_of(page) == "#training&lr=1&lang=en"
    page.evaluate("location.hash = '#training&batch=20'")
    expect(page.locator("#train-batch")).to_have_value("20")
    assert page.locator("#train-rate").input_value() == "0.1"  # as in the link
    assert not page.locator("#training .see p").is_visible()  # only the reader's acts answer
    page.evaluate("location.hash = '#training'")
    page.wait_for_timeout(100)
    assert page.locator("#train-batch").input_value() == "20"  # a link without a state
    page.evaluate("location.hash = '#scratch-21'")
    expect(page.locator("#scratch-21")).to_have_attribute("aria-selected", "true")


def test_a_part_is_presented_and_arrow_keys_turn_the_pages(open_lesson):
    page = open_lesson("#training&present&lr=3")
    assert page.locator("#train-rate").input_value() == "3"
    page.keyboard.press("Escape")
    assert page.locator(SHOWN).count() == len(PARTS)
    page.locator("#training .actions button").nth(1).click()
    shown = page.locator(SHOWN)
    assert shown.count() == 1
    assert shown.get_attribute("id") == "training"
    assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") > 16
    assert page.locator("nav, .languages, .about, .group").locator("visible=true").count() == 0
    assert complaints(page) == []
    assert said(page, "present-number") == "5 / 11"
    page.keyboard.press("ArrowRight")
    assert shown.get_attribute("id") == "own_picture"
    assert hash_of(page) == "#own_picture&present"
    for key in ["PageUp", "ArrowLeft"]:
        page.keyboard.press(key)
    assert shown.get_attribute("id") == "plane"
    page.locator("#plane-chart .p0").press("ArrowRight")  # it moves the point
    page.locator("#present-back").click()
    page.locator("#probability").press("ArrowRight")
    assert shown.get_attribute("id") == "cross_entropy"
    page.locator("#present-on").click()
    page.keyboard.press("Escape")
    assert page.locator(SHOWN).count() == len(PARTS)
    assert hash_of(page) == "#plane"
    assert abs(page.locator("#plane").bounding_box()["y"]) < 48
    page.keyboard.press("ArrowRight")
    assert page.locator(SHOWN).count() == len(PARTS)


def test_presenting_ends_at_the_first_and_last_part(open_lesson):
    page = open_lesson("#present")
    for key, part in (("ArrowLeft", PARTS[0]), ("ArrowRight", PARTS[-1])):
        for _ in range(12):
            page.keyboard.press(key)
        assert page.locator(SHOWN).get_attribute("id") == part


def test_a_part_is_embedded_in_another_page(browser, tmp_path):
    path = tmp_path / "course.html"
    address = f"{LESSON.as_uri()}#embed=training&lr=1&lang=zh"
    path.write_text(f'<iframe src="{address}" width="900" height="700"></iframe>')
    page = browser.new_page()
    page.goto(path.as_uri())
    _, frame = page.frames
    frame.wait_for_selector(READY)
    assert frame.locator(SHOWN).get_attribute("id") == "training"
    others = frame.locator("nav, .lead, .languages, .about, .actions, .presenting")
    assert others.locator("visible=true").count() == 0
    assert frame.locator("#train-rate").input_value() == "1"
    assert frame.locator("h2 >> visible=true").inner_text().endswith("训练")
    frame.locator("#train-step").click()
    assert "步数 1" in frame.locator("#train-said").text_content()
    page.close()
