"""Pages in three engines: they open without a message or a request, and every part works."""

import pytest
from conftest import LESSON, READY
from playwright.sync_api import Error

# For each part: a control, the key that uses it, a sentence or table, and its text after that.
PARTS = {
    "scores": ("#items button:nth-child(3)", "Enter", "#scores-said", "“trouser” has the largest"),
    "softmax": ("#softmax-shift", "Space", "#softmax-said", "Added to all scores: 100."),
    "overflow": ("#overflow-hundred", "Enter", "#overflow-said", "inf / inf is nan"),
    "cross_entropy": ("#probability", "Home", "#cross-entropy-said", "Confidently wrong"),
    "losses": ("#half", "Space", "#half-said", "Without the ½"),
    "shapes": ("#shapes-next", "Enter", "#shapes-steps", "X_exp = exp(X)"),
    "picking": ("#label-0", "2", "#picking-said", "accuracy is 1.0"),
    "plane": ("#plane-step", "Enter", "#plane-said", "Steps: 1."),
    "training": ("#train-step", "Enter", "#train-said", "Steps: 1, epochs: 1."),
    "programs": ("#concise", "End", "#programs-said", "In scratch, line"),
    "own_picture": ("#own-right", "Enter", "#own-said", "Shifted by 1 to the right"),
}
# Where the keyboard's focus is: which of the selectors it matches, whether it is seen, marked by an
# outline and not covered, and whether it follows the element that had it before.
FOCUS = """(selectors) => {
  const element = document.activeElement;
  const box = element.getBoundingClientRect();
  const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
  const [left, right] = [Math.max(box.left, 0), Math.min(box.right, innerWidth)];
  const there = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
  const before = globalThis.before ?? document.body;
  globalThis.before = element;
  return {
    found: selectors.find((selector) => element.matches(selector)) ?? null,
    html: element.outerHTML.slice(0, 120),
    isSeen: element.contains(there) || Boolean(there?.contains(element) && there.closest("label")),
    isMarked: getComputedStyle(element).outlineStyle !== "none",
    isInOrder: Boolean(before.compareDocumentPosition(element) & 4),
  };
}"""

TEXT = "(selector) => document.querySelector(selector).textContent"


@pytest.fixture
def lesson(tab):
    """Return the tab with the lesson in English, at its top."""
    tab.heard()
    tab.open(LESSON)
    tab.wait_for(READY)
    tab.evaluate(
        """() => {
          document.documentElement.style.scrollBehavior = "auto";
          document.querySelector(".languages [lang=en]").click();
          document.activeElement.blur();
        }"""
    )
    return tab


@pytest.mark.parametrize("width", [390, 1300])
def test_a_page_opens_without_a_message_or_a_request(each_page, width, tab):
    tab.heard()
    tab.open(each_page, width)
    tab.wait_for(READY if each_page == LESSON else "img, svg")
    assert tab.evaluate("[innerWidth, document.documentElement.scrollWidth <= innerWidth]") == [
        width,
        True,
    ]
    assert tab.heard() == ([], [])


def test_the_parts_of_the_lesson_work_by_keyboard_alone(lesson):
    """From the top of the page, with Tab, each part's control is reached, used, and left again."""
    keys = {selector: using for selector, *using in PARTS.values()}
    for _ in range(500):
        lesson.press("Tab")
        focus = lesson.evaluate(FOCUS, list(keys))
        found = focus.pop("found")
        assert {k for k, is_true in focus.items() if not is_true} == set(), focus["html"]
        if found:
            key, place, said = keys.pop(found)
            lesson.press(key)
            assert said in lesson.evaluate(TEXT, place)
            if not keys:
                break
    assert keys == {}
    assert lesson.heard() == ([], [])


def test_a_link_of_the_contents_leads_to_a_part(lesson):
    """Also by keyboard: the next control is one of that part."""
    part = lesson.evaluate("document.querySelector('#train-step').closest('section').id")
    for _ in range(30):
        lesson.press("Tab")
        if lesson.evaluate(FOCUS, [f"nav [href='#{part}']"])["found"]:
            break
    lesson.press("Enter")
    lesson.press("Tab")
    assert lesson.evaluate(FOCUS, [f"#{part} *"])["found"]
    lesson.open(LESSON, anchor=part)
    lesson.wait_for(READY)
    top = "(part) => document.getElementById(part).getBoundingClientRect().top"
    assert abs(lesson.evaluate(top, part)) < 48


def test_an_error_and_a_request_of_a_page_are_noticed(tab, tmp_path):
    page = tmp_path / "page.html"
    html = "<head></head><img src='http://localhost:54321/'><script>missing()</script>"
    page.write_text(html, encoding="utf-8")
    tab.heard()
    tab.open(page)
    messages, requests = tab.heard()
    hidden = "Script error."  # all that WebKit says of scripts in files
    assert any("missing" in message or message == hidden for message in messages)
    assert requests == ["http://localhost:54321/"]


def test_numbers_and_exceptions_of_a_page_pass_to_python(tab):
    assert tab.evaluate("(x) => [x, -1 / 0, NaN, 'a']", [1.5])[:2] == [[1.5], float("-inf")]
    with pytest.raises((RuntimeError, Error), match="wrong"):
        tab.evaluate("Promise.reject(new Error('wrong'))")
