/** The ten scores of an image become ten probabilities. */

/** Show two test images of each class, and scores and probabilities of the selected one. */
function showScores({ X, y }, model) {
  const shown = y
    .map((_, n) => n)
    .filter((n) => y.slice(0, n).filter((c) => c === y[n]).length < 2);
  const logits = model.logits(X);
  const probabilities = model.probabilities(X);
  let chosen = shown[0];
  let worked = argmax(logits[chosen]); // the class whose score is computed step by step

  const buttons = shown.map((n, i) => {
    const canvas = make("canvas", { "aria-hidden": true });
    drawImage(canvas, X[n]);
    const button = make("button", { type: "button", class: "item", value: i }, canvas);
    button.addEventListener("click", () => {
      chosen = n;
      worked = argmax(logits[n]);
      draw();
    });
    return button;
  });
  find("items").replaceChildren(...buttons);
  for (const type of ["pointerover", "focusin", "click"]) {
    find("scores-table").tBodies[0].addEventListener(type, ({ target }) => {
      const row = target.closest("tr");
      worked = [...row.parentElement.rows].indexOf(row);
      drawWorked();
    });
  }
  provide("logits", find("scores-table"), () => Array.from(logits[chosen], (o) => fixed(o, 2)));
  drawLocalized(draw);

  function draw() {
    buttons.forEach((button, i) => {
      const number = shown.slice(0, i + 1).filter((n) => y[n] === y[shown[i]]).length;
      button.setAttribute("aria-label", `${className(y[shown[i]])} ${number}`);
      button.setAttribute("aria-pressed", shown[i] === chosen);
    });
    const guess = argmax(probabilities[chosen]);
    const scores = { logits: logits[chosen], probabilities: probabilities[chosen] };
    fillScores(find("scores-table"), scores, guess, {
      heading: (text) => make("button", { type: "button", class: "class" }, text),
    });
    drawWorked();
    const key = guess === y[chosen] ? "scores.right" : "scores.wrong";
    find("scores-said").textContent = tr(key, {
      guess: className(guess),
      label: className(y[chosen]),
      score: fixed(logits[chosen][guess], 2),
      probability: inPercent(probabilities[chosen][guess]),
    });
  }

  /** Show one score's computation: image × template, their sum, b, and the probability. */
  function drawWorked() {
    [...find("scores-table").tBodies[0].rows].forEach((row, c) => {
      row.classList.toggle("worked", c === worked);
      row.querySelector("button").setAttribute("aria-pressed", c === worked);
    });
    const x = X[chosen];
    const template = model.W.map((row) => row[worked]);
    const added = products(model, x, worked);
    drawImage(find("scores-image"), x);
    drawSigned(find("scores-template"), template, largest(template));
    drawSigned(find("scores-products"), added, largest(added));
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
}
