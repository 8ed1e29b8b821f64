"""Pages in a second engine: they open without a message, a request or a scroll bar."""

import pytest
from conftest import LESSON, READY

pytestmark = pytest.mark.slow


@pytest.fixture(params=["lesson", "report"])
def page(request):
    """Return the path of each page in turn."""
    if request.param == "lesson":
        return LESSON
    return request.getfixturevalue("trained") / "report.html"


@pytest.mark.parametrize("width", [390, 1300])
def test_a_page_opens_without_a_message_or_a_request(page, width, firefox):
    firefox.messages.clear()
    firefox.requests.clear()
    firefox.open(page, width)
    firefox.wait_for(READY if page == LESSON else "img, svg")
    assert firefox.evaluate("document.documentElement.scrollWidth") <= width
    assert (firefox.messages, firefox.requests) == ([], [])


PARTS = {  # what is done in each part, and what its sentence or table says then
    1: ("#items button:nth-child(3)", "#scores-said", "“trouser” has the largest score"),
    2: ("#softmax-shift", "#softmax-said", "Added to all scores: 100."),
    3: ("#overflow-hundred", "#overflow-said", "inf / inf is nan"),
    5: ("#half", "#half-said", "Without the ½"),
    6: ("#shapes-next", "#shapes-steps", "X_exp = exp(X)"),
    8: ("#train-step", "#train-said", "Steps: 1, epochs: 1."),
    9: ("#scratch-21", "#programs-said", "concise, line 20"),
    10: ("#own-right", "#own-said", "Shifted by 1 to the right"),
}


def test_the_parts_of_the_lesson_work(firefox):
    firefox.messages.clear()
    firefox.open(LESSON)
    firefox.wait_for(READY)
    firefox.evaluate("document.querySelector('.languages [lang=en]').click()")
    text = "([id]) => document.querySelector(id).textContent"
    for button, place, expected in PARTS.values():
        firefox.evaluate("([id]) => document.querySelector(id).click()", [button])
        assert expected in firefox.evaluate(text, [place])
    for slider, place, expected in (
        ("probability", "#cross-entropy-said", "Confidently wrong"),
        ("label-0", "#picking-said", "accuracy is 1.0"),
    ):
        firefox.evaluate(
            """([id, value]) => {
              const element = document.getElementById(id);
              element.value = value;
              for (const type of ["input", "change"]) element.dispatchEvent(new Event(type));
            }""",
            [slider, {"probability": "0.001", "label-0": "2"}[slider]],
        )
        assert expected in firefox.evaluate(text, [place])
    assert firefox.messages == []


def test_a_link_to_a_part_leads_there(firefox):
    firefox.open(LESSON)
    firefox.wait_for(READY)
    url = f"{LESSON.as_uri()}#part-8"
    firefox.send(
        "browsingContext.navigate", context=firefox.tab, url="about:blank", wait="complete"
    )
    firefox.send("browsingContext.navigate", context=firefox.tab, url=url, wait="complete")
    firefox.wait_for(READY)
    top = "document.querySelector('#part-8').getBoundingClientRect().top"
    assert abs(firefox.evaluate(top)) < 48


def test_an_error_and_a_request_of_a_page_are_noticed(firefox, tmp_path):
    page = tmp_path / "page.html"
    html = "<img src='http://localhost:54321/'><script>missing()</script>"
    page.write_text(html, encoding="utf-8")
    firefox.messages.clear()
    firefox.requests.clear()
    firefox.open(page)
    assert any("missing is not defined" in message for message in firefox.messages)
    assert firefox.requests == ["http://localhost:54321/"]


def test_numbers_and_exceptions_of_a_page_pass_to_python(firefox):
    assert firefox.evaluate("(x) => [x, -1 / 0, NaN, 'a']", [1.5])[:2] == [[1.5], float("-inf")]
    with pytest.raises(RuntimeError, match="wrong"):
        firefox.evaluate("Promise.reject(new Error('wrong'))")
