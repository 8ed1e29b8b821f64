/** The ten scores of an image become ten probabilities. */

import { drawLocalized, tr } from "../language.js";
import { provide } from "../quantities.js";
import { argmax } from "../softmax_regression.js";
import { className, drawImage, fillScores, find, fixed, inPercent, make } from "../widgets.js";

/** Show two test images of each class, and scores and probabilities of the selected one. */
export function showScores({ X, y }, model) {
  const shown = y
    .map((_, n) => n)
    .filter((n) => y.slice(0, n).filter((c) => c === y[n]).length < 2);
  const logits = model.logits(X);
  const probabilities = model.probabilities(X);
  let chosen = shown[0];

  const buttons = shown.map((n) => {
    const canvas = make("canvas", { "aria-hidden": true });
    drawImage(canvas, X[n]);
    const onclick = () => ((chosen = n), draw());
    return make("button", { type: "button", class: "item", onclick }, canvas);
  });
  find("items").replaceChildren(...buttons);
  provide("logits", find("scores-table"), () => Array.from(logits[chosen], (o) => fixed(o, 2)));
  drawLocalized(draw);

  function draw() {
    buttons.forEach((button, i) => {
      const number = shown.slice(0, i + 1).filter((n) => y[n] === y[shown[i]]).length;
      button.setAttribute("aria-label", `${className(y[shown[i]])} ${number}`);
      button.setAttribute("aria-pressed", shown[i] === chosen);
    });
    const guess = argmax(probabilities[chosen]);
    fillScores(find("scores-table"), logits[chosen], probabilities[chosen], guess);
    const values = { guess: className(guess), label: className(y[chosen]) };
    values.score = fixed(logits[chosen][guess], 2);
    values.probability = inPercent(probabilities[chosen][guess]);
    find("scores-said").textContent = tr(
      guess === y[chosen] ? "scores.right" : "scores.wrong",
      values,
    );
  }
}
