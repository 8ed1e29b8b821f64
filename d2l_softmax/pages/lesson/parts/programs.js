/** Matching lines of three programs, and the numbers that they compute. */

const quantities = []; // where the page shows the numbers of steps: { name, element, read }

/** Register the element that shows a step's numbers; `read` returns their current texts. */
function provide(name, element, read) {
  quantities.push({ name, element, read });
}

function showPrograms() {
  const boxes = [...document.querySelectorAll(".lines")];
  const all = [...document.querySelectorAll(".lines .line")];
  const options = all.filter((line) => line.matches("[role=option]"));
  let chosen = null;

  for (const box of boxes) {
    box.addEventListener("click", ({ target }) =>
      choose(target.closest("[role=option]") ?? chosen),
    );
    box.addEventListener("keydown", (event) => moveBy(event, box));
  }
  addEventListener("hashchange", () => chooseFrom(location.hash));
  for (const link of document.querySelectorAll('a[href^="#scratch-"]'))
    link.addEventListener("click", () => chooseFrom(link.hash)); // the address may be that already
  drawLocalized(draw);
  chooseFrom(location.hash);

  /** Select the line that a link's hash names. */
  function chooseFrom(hash) {
    choose(all.find((line) => line.id === parseHash(hash).id) ?? chosen);
  }

  function choose(line) {
    chosen = line;
    draw();
  }

  function moveBy(event, box) {
    const lines = options.filter((line) => line.parentElement === box);
    const at = lines.indexOf(chosen); // −1 if it is in another program
    const last = lines.length - 1;
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last };
    if (event.key === "Escape") choose(null);
    if (!(event.key in moves)) return;
    event.preventDefault(); // the page would scroll
    choose(lines[clamp(moves[event.key], 0, last)]);
    chosen.scrollIntoView({ block: "nearest" });
  }

  /** Return matching lines of the other programs: by step, else by the row of `diff -y`. */
  function partners() {
    const others = all.filter((line) => line.parentElement !== chosen.parentElement);
    const matching = others.filter((line) => inCommon(line, chosen));
    if (matching.length) return matching;
    return others.filter((line) => line.dataset.row === chosen.dataset.row);
  }

  function draw() {
    const steps = chosen ? stepsOf(chosen) : [];
    const places = steps.flatMap((step) => quantities.filter(({ name }) => name === step));
    const found = chosen ? partners() : [];
    // For each program, the line that has the most steps in common with the chosen one
    const closest = boxes
      .map((box) => found.filter((line) => line.parentElement === box))
      .filter((lines) => lines.length)
      .map((lines) => lines.reduce((a, b) => (inCommon(b, chosen) > inCommon(a, chosen) ? b : a)));

    for (const { element } of quantities)
      element.classList.toggle(
        "lit-by-code",
        places.some((place) => place.element === element),
      );
    for (const line of options) line.setAttribute("aria-selected", line === chosen);
    for (const line of all) line.classList.toggle("partner", found.includes(line));
    for (const box of boxes) box.removeAttribute("aria-activedescendant");
    chosen?.parentElement.setAttribute("aria-activedescendant", chosen.id);
    closest.forEach(bringIntoView);
    const said = steps.length ? steps.map((step) => tr(`step.${step}`)) : [tr("programs.frame")];
    for (const { parentElement, dataset, textContent } of closest) {
      const values = { id: parentElement.id, number: dataset.number, code: textContent.trim() };
      if (values.code) said.push(tr("programs.partner", values));
    }
    find("programs-said").textContent = chosen ? said.join(" ") : tr("programs.begin");
    find("programs-links").replaceChildren(...places.map(linkTo));
  }
}

/** Scroll a line's box, without scrolling the page, so that the line is in its middle. */
function bringIntoView(line) {
  const box = line.parentElement;
  box.scrollTop = line.offsetTop - box.offsetTop - (box.clientHeight - line.clientHeight) / 2;
}

function stepsOf({ dataset }) {
  return dataset.step?.split(" ") ?? [];
}

/** Return how many steps two lines have in common. */
function inCommon(one, other) {
  return stepsOf(one).filter((step) => stepsOf(other).includes(step)).length;
}

function linkTo({ element, read }) {
  const part = element.closest(".part").dataset.number;
  const label = tr("programs.link", { part, numbers: read().join(tr("comma")) });
  return make("a", { href: `#${element.id}` }, label);
}
