/** Matching lines of three programs, and the numbers that they compute. */

const quantities = []; // where the page shows the numbers of steps: { name, element, read }

/** Register the element that shows a step's numbers; `read` returns their current texts. */
function provide(name, element, read) {
  quantities.push({ name, element, read });
}

PARTS.programs = () => {
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

  /** Return how many steps a line has in common with the chosen one. */
  function inCommon(line) {
    return stepsOf(line).filter((step) => stepsOf(chosen).includes(step)).length;
  }

  /** Return matching lines of the other programs, the best first: by step, else as `diff -y`. */
  function partners() {
    const others = all.filter((line) => line.parentElement !== chosen.parentElement);
    const matching = others.filter(inCommon).sort((a, b) => inCommon(b) - inCommon(a));
    if (matching.length) return matching;
    return others.filter((line) => line.dataset.row === chosen.dataset.row);
  }

  function draw() {
    const steps = chosen ? stepsOf(chosen) : [];
    const places = steps.flatMap((step) => quantities.filter(({ name }) => name === step));
    const found = chosen ? partners() : [];
    for (const { element } of quantities) element.classList.remove("lit-by-code");
    for (const { element } of places) element.classList.add("lit-by-code");
    for (const line of options) line.setAttribute("aria-selected", line === chosen);
    for (const line of all) line.classList.toggle("partner", found.includes(line));
    for (const box of boxes) box.removeAttribute("aria-activedescendant");
    chosen?.parentElement.setAttribute("aria-activedescendant", chosen.id);
    const said = steps.length ? steps.map((step) => tr(`step.${step}`)) : [tr("programs.frame")];
    for (const box of boxes) {
      const best = found.find((line) => line.parentElement === box);
      if (!best) continue;
      // Bring it into the box's middle, without scrolling the page.
      box.scrollTop = best.offsetTop - box.offsetTop - (box.clientHeight - best.clientHeight) / 2;
      const values = { id: box.id, number: best.dataset.number, code: best.textContent.trim() };
      if (values.code) said.push(tr("programs.partner", values));
    }
    find("programs-said").textContent = chosen ? said.join(" ") : tr("programs.begin");
    const links = places.map(({ element, read }) => {
      const part = element.closest(".part").dataset.number;
      const label = tr("programs.link", { part, numbers: read().join(tr("comma")) });
      return make("a", { href: `#${element.id}` }, label);
    });
    find("programs-links").replaceChildren(...links);
  }
};

function stepsOf({ dataset }) {
  return dataset.step?.split(" ") ?? [];
}
