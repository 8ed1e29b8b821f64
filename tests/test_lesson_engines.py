"""The lesson in an old browser and without scripts; what its questions answer.

The old browser is emulated: what it lacks is removed before the page's scripts run.
"""

import pytest
from conftest import LESSON, READY
from PIL import Image
from test_lesson_touch import SHIRT, TEXTS, file_of, png, said, until

# In Firefox 118 ARIA's attributes are no properties.
WITHOUT_ARIA = (
    "for (const name of ['ariaPressed', 'ariaSelected', 'ariaLabel'])"
    " delete Element.prototype[name];"
)


@pytest.fixture
def opened(browser):
    """Return a function that opens the lesson after a script; errors are in its `errors`."""
    contexts = []

    def opened(script="", hash="", **options):
        context = browser.new_context(locale="en", **options)
        contexts.append(context)
        page = context.new_page()
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.add_init_script(script)
        page.goto(LESSON.as_uri() + hash)
        return page

    yield opened
    for context in contexts:
        context.close()


def test_all_parts_work_in_an_old_browser(opened):
    page = opened(WITHOUT_ARIA)
    page.wait_for_selector(READY)
    assert page.locator("#items button").count() == 20
    page.locator("#softmax-shift").click()
    assert "Added to all scores: 100" in said(page, "softmax-said")
    page.locator("#softmax-shift").click()
    assert "Added to all scores: 0" in said(page, "softmax-said")
    page.locator("#train-step").click()
    assert "Steps: 1, epochs: 1" in said(page, "train-said")
    page.locator("#scratch-21").click()
    assert page.locator("#concise .partner").count() == 1
    page.locator("#own-file").set_input_files(file_of("shirt.png", png(SHIRT)))
    until(page, "document.querySelectorAll('#own-steps canvas').length == 5")
    assert all(page.locator(".panel").evaluate_all("all => all.map((each) => each.innerText)"))
    assert page.errors == []


def test_a_part_that_fails_says_so_and_the_others_go_on(opened):
    page = opened("delete globalThis.IntersectionObserver;")
    page.wait_for_selector(READY)
    assert page.locator("#training .panel").inner_text().startswith("This experiment does not work")
    page.get_by_role("button", name="中文").click()
    assert page.locator("#own-table tbody tr").count() == 10


def test_without_scripts_it_says_so(opened):
    page = opened(java_script_enabled=False)
    assert TEXTS["failed"]["zh-CN"] in page.locator("#failed").inner_text()
    assert not page.locator(".panel >> visible=true").count()


@pytest.mark.parametrize("width", [390, 1300])
@pytest.mark.parametrize("hash", ["#training", "#training&lr=1&lang=zh"])
def test_a_link_to_a_part_leads_there(opened, hash, width):
    page = opened(hash=hash, viewport={"width": width, "height": 900})
    page.wait_for_selector(READY)
    page.wait_for_timeout(200)
    assert abs(page.locator("#training").bounding_box()["y"]) < 48


@pytest.mark.parametrize("width", [390, 1300])
def test_a_question_is_answered_when_its_panel_is_used(opened, width):
    """The button stays under the finger, though the answer may be above it."""
    page = opened(viewport={"width": width, "height": 900})
    page.wait_for_selector(READY)
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


def test_before_printing_an_untrained_model_is_trained(opened):
    page = opened()
    page.wait_for_selector(READY)
    beforeprint = "dispatchEvent(new Event('beforeprint'))"
    page.locator("#train-step").click()
    page.evaluate(beforeprint)
    assert "epochs: 1." in said(page, "train-said")  # there is something to print
    page.locator("#train-again").click()
    page.evaluate(beforeprint)
    assert "epochs: 20." in said(page, "train-said")
    assert "Steps: 100." in said(page, "plane-said")


def test_while_a_photograph_is_prepared_it_says_so(opened):
    page = opened()
    page.wait_for_selector(READY)
    page.evaluate(
        """globalThis.heard = [];
        const said = document.querySelector("#own-said");
        const observer = new MutationObserver(() => heard.push(said.textContent));
        observer.observe(said, { childList: true });"""
    )
    picture = Image.new("RGB", (300, 300), "white")
    picture.paste((0, 0, 0), (100, 100, 200, 200))
    page.locator("#own-file").set_input_files(file_of("a.png", png(picture)))
    until(page, "heard.length > 1")
    assert page.evaluate("heard[0]") == TEXTS["own_picture.working"]["en"]


def test_a_dot_and_the_outline_of_a_square_are_called_bags(lesson):
    """As the part on pictures says."""
    for kind in ("dot", "square"):
        assert (
            lesson.evaluate(
                """(kind) => {
              const side = 280, pixels = new Uint8ClampedArray(4 * side * side);
              for (let i = 0; i < side * side; i++) {
                const x = Math.abs(i % side - side / 2);
                const y = Math.abs(Math.floor(i / side) - side / 2);
                const isInk = kind === "dot" ? Math.hypot(x, y) < 9
                  : Math.max(x, y) < 90 && Math.max(x, y) > 72;
                pixels.set(isInk ? [255, 255, 255, 255] : [0, 0, 0, 255], 4 * i);
              }
              const { X } = d2l_softmax.preprocess({ pixels, width: side, height: side });
              const [p] = d2l_softmax.trained.probabilities([X]);
              return [d2l_softmax.argmax(p), p[8]];
            }""",
                kind,
            )[0]
            == 8
        )
