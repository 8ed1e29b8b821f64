/** Part 9: a line of one program, its partner in the others, and what it computes. */

import { drawAlways, say } from "../language.js";
import { placesOf } from "../quantities.js";
import { find, make } from "../widgets.js";

const PROGRAMS = ["scratch", "concise", "tensorflow"];

export function showPrograms() {
  const boxes = PROGRAMS.map((id) => find(id));
  let chosen = null;

  for (const box of boxes) {
    box.addEventListener("click", (event) => choose(event.target.closest("[role=option]")));
    box.addEventListener("keydown", (event) => moveBy(event, box));
  }
  addEventListener("hashchange", chooseFromAddress);
  drawAlways(draw);
  chooseFromAddress();

  /** A link from another part names a line. */
  function chooseFromAddress() {
    const line = document.getElementById(location.hash.slice(1));
    if (line?.matches(".lines .line")) choose(line);
  }

  function choose(line) {
    if (!line) return;
    chosen = line;
    draw();
  }

  function moveBy(event, box) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault(); // the page would scroll
    const lines = [...box.querySelectorAll("[role=option]")];
    const at = chosen && chosen.parentElement === box ? lines.indexOf(chosen) + step : 0;
    choose(lines[Math.min(lines.length - 1, Math.max(0, at))]);
    chosen.scrollIntoView({ block: "nearest" });
  }

  /** Return the lines of the other programs that do what the chosen one does. */
  function partners() {
    const { step, row } = chosen.dataset;
    return boxes
      .filter((box) => box !== chosen.parentElement)
      .flatMap((box) => [...box.children])
      .filter((line) => (step ? sharesStep(line, step) : line.dataset.row === row));
  }

  function draw() {
    for (const lit of document.querySelectorAll(".lit-by-code"))
      lit.classList.remove("lit-by-code");
    for (const line of document.querySelectorAll(".lines [role=option]")) {
      line.setAttribute("aria-selected", line === chosen);
      line.classList.remove("partner");
    }
    if (!chosen) {
      find("programs-said").textContent = say("programs.begin");
      return;
    }
    chosen.parentElement.setAttribute("aria-activedescendant", chosen.id);
    const found = partners();
    found.forEach((line) => line.classList.add("partner"));
    for (const box of boxes)
      bringIntoView(
        box,
        found.find((line) => line.parentElement === box),
      );
    const places = (chosen.dataset.step ?? "").split(" ").flatMap(placesOf);
    places.forEach(({ element }) => element.classList.add("lit-by-code"));
    find("programs-said").textContent = sentence(found);
    find("programs-links").replaceChildren(...places.map(linkTo));
  }

  function sentence(found) {
    const steps = (chosen.dataset.step ?? "").split(" ").filter(Boolean);
    const what = steps.map((step) => say(`step.${step}`)).join(" ");
    const partner = PROGRAMS.map((id) => [id, found.find((line) => line.parentElement.id === id)])
      .filter(([, line]) => line?.textContent.trim())
      .map(([id, line]) =>
        say("programs.partner", { id, number: line.dataset.number, code: line.textContent.trim() }),
      );
    return [what || say("programs.frame"), ...partner].join(" ");
  }
}

/** Scroll a box, and the box alone, so that a line is in its middle. */
function bringIntoView(box, line) {
  if (line)
    box.scrollTop = line.offsetTop - box.offsetTop - (box.clientHeight - line.clientHeight) / 2;
}

function sharesStep(line, steps) {
  const own = (line.dataset.step ?? "").split(" ");
  return steps.split(" ").some((step) => own.includes(step));
}

function linkTo({ element, read }) {
  const part = element.closest(".part").id.replace("part-", "");
  const label = say("programs.link", { part, numbers: read().join(say("comma")) });
  return make("a", { href: `#part-${part}` }, label);
}
