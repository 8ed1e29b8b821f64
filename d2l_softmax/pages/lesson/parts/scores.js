/** The ten scores of an image become ten probabilities. */

/** Show two test images of each class, and scores and probabilities of the selected one. */
PARTS.scores = ({ test: { X, y } }, model) => {
  const numberOf = (n) => y.slice(0, n + 1).filter((c) => c === y[n]).length; // in its class
  const shown = [...y.keys()].filter((n) => numberOf(n) <= 2);
  const logits = model.logits(X);
  const probabilities = model.probabilities(X);
  const buttons = [...find("items").children];
  const [table] = find("scores-table").tBodies;
  let chosen = shown[0];
  let worked = argmax(logits[chosen]); // the class whose score is computed step by step

  buttons.forEach((button, i) => {
    drawOn(button.firstChild, grayImage(X[shown[i]]));
    button.addEventListener("click", () => {
      chosen = shown[i];
      worked = argmax(logits[chosen]);
      draw();
    });
  });
  for (const type of ["pointerover", "focusin", "click"]) {
    table.addEventListener(type, ({ target }) => {
      worked = [...table.rows].indexOf(target.closest("tr"));
      drawWorked();
    });
  }
  provide("logits", find("scores-table"), () => Array.from(logits[chosen], (o) => fixed(o, 2)));
  drawLocalized(draw);

  function draw() {
    buttons.forEach((button, i) => {
      const label = `${className(y[shown[i]])} ${numberOf(shown[i])}`;
      setAttributes(button, { "aria-label": label, "aria-pressed": shown[i] === chosen });
    });
    const guess = argmax(probabilities[chosen]);
    const scores = { logits: logits[chosen], probabilities: probabilities[chosen] };
    fillScores(find("scores-table"), scores, guess, {
      heading: (text) => make("button", { type: "button", class: "class" }, text),
    });
    drawWorked();
    find("scores-said").textContent = tr(guess === y[chosen] ? "scores.right" : "scores.wrong", {
      guess: className(guess),
      label: className(y[chosen]),
      score: fixed(logits[chosen][guess], 2),
      probability: inPercent(probabilities[chosen][guess]),
    });
  }

  /** Show one score's computation: image × template, their sum, b, and the probability. */
  function drawWorked() {
    [...table.rows].forEach((row, c) => {
      row.classList.toggle("worked", c === worked);
      row.querySelector("button").setAttribute("aria-pressed", c === worked);
    });
    const template = model.W.map((row) => row[worked]);
    const added = products(model, X[chosen], worked);
    drawOn(find("scores-image"), grayImage(X[chosen]));
    drawOn(find("scores-template"), signedImage(template, largest(template)));
    drawOn(find("scores-products"), signedImage(added, largest(added)));
    const exponentials = logits[chosen].map(Math.exp);
    find("scores-worked").textContent = tr("scores.worked", {
      name: className(worked),
      sum: fixed(sumOf(added), 3),
      b: fixed(model.b[worked], 3),
      score: fixed(logits[chosen][worked], 3), // exp of 2 decimals may differ in the third digit
      exp: significant(exponentials[worked], 3),
      total: significant(sumOf(exponentials), 3),
      probability: inPercent(probabilities[chosen][worked]),
    });
  }
};
