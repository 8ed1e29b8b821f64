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
