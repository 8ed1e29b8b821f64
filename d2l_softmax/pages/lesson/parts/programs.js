/** Matching lines of three programs, and the numbers that they compute. */

function showPrograms() {
  const boxes = [...document.querySelectorAll(".lines")];
  let chosen;

  for (const box of boxes) {
    box.addEventListener("click", (event) => choose(event.target.closest("[role=option]")));
    box.addEventListener("keydown", (event) => moveBy(event, box));
  }
  addEventListener("hashchange", () => chooseFrom(location.hash));
  for (const link of document.querySelectorAll('a[href^="#scratch-"]')) {
    link.addEventListener("click", () => chooseFrom(link.hash)); // the address may be that already
  }
  drawLocalized(draw);
  chooseFrom(location.hash);

  /** Select the line that a link's hash names. */
  function chooseFrom(hash) {
    const line = find(parseHash(hash).id);
    if (line?.matches(".lines .line")) choose(line);
  }

  function choose(line) {
    if (line === null) return;
    chosen = line;
    draw();
  }

  function moveBy(event, box) {
    const lines = [...box.querySelectorAll("[role=option]")];
    const at = lines.indexOf(chosen); // −1 if it is in another program
    const last = lines.length - 1;
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last };
    if (event.key === "Escape") choose(undefined);
    if (!(event.key in moves)) return;
    event.preventDefault(); // the page would scroll
    choose(lines[Math.min(last, Math.max(0, moves[event.key]))]);
    chosen.scrollIntoView({ block: "nearest" });
  }

  /** Return matching lines of the other programs: by step, else by the row of `diff -y`. */
  function partners() {
    const others = boxes
      .filter((box) => box !== chosen.parentElement)
      .flatMap((box) => [...box.children]);
    const matching = others.filter((line) => inCommon(line, chosen));
    if (matching.length) return matching;
    return others.filter((line) => line.dataset.row === chosen.dataset.row);
  }

  function draw() {
    for (const lit of document.querySelectorAll(".lit-by-code"))
      lit.classList.remove("lit-by-code");
    for (const line of document.querySelectorAll(".lines [role=option]")) {
      line.setAttribute("aria-selected", line === chosen);
      line.classList.remove("partner");
    }
    for (const box of boxes) box.removeAttribute("aria-activedescendant");
    find("programs-said").textContent = tr("programs.begin");
    find("programs-links").replaceChildren();
    if (!chosen) return;
    chosen.parentElement.setAttribute("aria-activedescendant", chosen.id);
    const found = partners();
    found.forEach((line) => line.classList.add("partner"));
    for (const box of boxes) bringIntoView(box, closest(found, box));
    const places = stepsOf(chosen).flatMap(placesOf);
    places.forEach(({ element }) => element.classList.add("lit-by-code"));
    find("programs-said").textContent = sentence(found);
    find("programs-links").replaceChildren(...places.map(linkTo));
  }

  /** Return the line of a program that has the most steps in common with the chosen one. */
  function closest(found, box) {
    const lines = found.filter((line) => line.parentElement === box);
    return lines.reduce((a, b) => (inCommon(b, chosen) > inCommon(a, chosen) ? b : a), lines[0]);
  }

  function sentence(found) {
    const steps = stepsOf(chosen).map((step) => tr(`step.${step}`));
    if (!steps.length) steps.push(tr("programs.frame"));
    const lines = boxes.map((box) => closest(found, box)).filter((line) => line?.textContent.trim());
    const partners = lines.map(({ parentElement: { id }, dataset: { number }, textContent }) =>
      tr("programs.partner", { id, number, code: textContent.trim() }),
    );
    return [...steps, ...partners].join(" ");
  }
}

/** Scroll a box, without scrolling the page, so that a line is in its middle. */
function bringIntoView(box, line) {
  if (line)
    box.scrollTop = line.offsetTop - box.offsetTop - (box.clientHeight - line.clientHeight) / 2;
}

function stepsOf(line) {
  return (line.dataset.step ?? "").split(" ").filter(Boolean);
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
