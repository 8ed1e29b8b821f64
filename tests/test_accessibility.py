"""Pages enlarged to 400 %, with forced colours and on paper: nothing is lost (WCAG 2.2)."""

import pytest
from conftest import LESSON, READY

ENLARGED = 320, 256  # 1280 × 1024 CSS pixels at 400 %
A4 = 718  # CSS pixels between margins of 1 cm

# What sticks out of the window to the right, and is in no box that scrolls by keyboard; what is
# cut off without a way to see it.
LOST = """() => {
  const isScrolled = (box) => box.closest(".scroll[tabindex]");
  const lost = [];
  for (const element of document.body.querySelectorAll("*")) {
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    if (!box.width || style.visibility === "hidden" || element.closest("svg *")) continue;
    const isCut = style.overflowX === "hidden" && element.scrollWidth > element.clientWidth + 1;
    if (isCut || (box.right > innerWidth + 1 && !isScrolled(element)))
      lost.push(element.outerHTML.slice(0, 100));
  }
  return lost;
}"""
# Controls that are covered by something else once they have the focus.
COVERED = """() => {
  document.documentElement.style.scrollBehavior = "auto";
  const covered = [];
  for (const element of document.querySelectorAll("a, button, input, select, summary")) {
    if (!element.checkVisibility()) continue;
    element.focus();
    element.scrollIntoView({ block: "nearest", behavior: "instant" }); // as focus() does later
    const { left, right, top, bottom } = element.getBoundingClientRect();
    const x = (left + Math.min(right, innerWidth)) / 2;
    const y = (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2;
    const there = document.elementFromPoint(x, y);
    if (!element.contains(there) && !there?.contains(element))
      covered.push(element.outerHTML.slice(0, 100));
  }
  return covered;
}"""
LINES_OF_CODE = """() => {
  const box = document.querySelector("#scratch");
  return box.clientHeight / parseFloat(getComputedStyle(box).lineHeight);
}"""
# The parts whose bars, curves or dots have nearly the colour of what is behind them.
FAINT = """() => {
  const gray = (color) => {
    const [red, green, blue, alpha = 1] = color.match(/[\\d.]+/g).map(Number);
    return alpha < 0.5 ? null : 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const canvas = gray(getComputedStyle(document.body).backgroundColor) ?? 255;
  const faint = [];
  for (const element of document.querySelectorAll(".bar, .curve, .dot, .key li")) {
    const { width, height } = element.getBoundingClientRect();
    if (!width && !height) continue;
    const style = getComputedStyle(element);
    const isBar = element.matches(".bar");
    if (isBar && style.backgroundImage !== "none") continue; // stripes
    const color = isBar ? style.backgroundColor : element.matches(".curve") ? style.stroke
      : element.matches(".dot") ? style.fill : style.color;
    const shade = gray(color);
    if (shade === null || Math.abs(shade - canvas) < 128)
      faint.push(`${element.closest("section").id} ${element.className.baseVal ?? ""} ${color}`);
  }
  return faint;
}"""
# For each part: how much of its panel is printed.
PRINTED = """() => {
  const isDrawn = (canvas) => new Set(
    canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data).size > 2;
  return Object.fromEntries([...document.querySelectorAll(".part:has(.panel)")].map((part) => {
    const all = (selector) => [...part.querySelectorAll(`.panel ${selector}`)]
      .filter((each) => each.checkVisibility());
    const { width, height } = part.querySelector(".panel").getBoundingClientRect();
    return [part.getAttribute("aria-labelledby"), {
      text: part.querySelector(".panel").innerText.length,
      isLarge: width > 300 && height > 100,
      answer: part.querySelector(".see p").getBoundingClientRect().height,
      canvases: all("canvas").length,
      drawn: all("canvas").filter(isDrawn).length,
      charts: all(".chart").length,
      curves: all(".chart .curve").filter((path) => path.getAttribute("d")?.length > 20).length,
      pale: all(".bar").filter(
        (bar) => getComputedStyle(bar).printColorAdjust !== "exact").length,
    }];
  }));
}"""


def test_enlarged_to_400_percent_nothing_is_lost(tab, each_page):
    tab.open(each_page, *ENLARGED)
    tab.wait_for(READY if each_page == LESSON else "img, svg")
    tab.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    width, needed = tab.evaluate("[innerWidth, document.documentElement.scrollWidth]")
    assert needed <= width <= 334  # WebKitGTK's least
    assert tab.evaluate(LOST) == []
    assert tab.evaluate(COVERED) == []
    if each_page == LESSON:
        assert tab.evaluate(LINES_OF_CODE) > 8


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_forced_colours_hide_no_bar_and_no_curve(visit, scheme):
    opened, _ = visit(LESSON, scheme=scheme, forced_colors="active", locale="en")
    opened.wait_for_selector(READY)
    for button in ("#train-step", "#own-right"):
        opened.locator(button).click()
    assert opened.locator(".bar").count() > 40
    assert opened.evaluate(FAINT) == []
    pressed, other = (
        opened.locator(f".languages [aria-pressed={is_pressed}]").evaluate(
            "(button) => getComputedStyle(button).backgroundColor"
        )
        for is_pressed in ("true", "false")
    )
    assert pressed != other


def test_on_paper_each_part_has_its_content(visit):
    opened, _ = visit(LESSON, width=A4, locale="en")
    opened.wait_for_selector(READY)
    opened.evaluate("dispatchEvent(new Event('beforeprint'))")
    opened.emulate_media(media="print")
    assert opened.evaluate("document.documentElement.scrollWidth") <= A4
    sticky = "all => all.filter((each) => getComputedStyle(each).position === 'sticky').length"
    assert opened.locator(".answer, .prose").evaluate_all(sticky) == 0
    printed = opened.evaluate(PRINTED)
    assert len(printed) >= 10
    for name, part in printed.items():
        assert part["text"] > 100, name
        assert part["isLarge"], name
        assert part["answer"] > 10, name
        assert part["pale"] == 0, name
        assert part["drawn"] >= part["canvases"] / 2, name  # a share may be zero, and blank
        assert part["curves"] >= part["charts"], name
