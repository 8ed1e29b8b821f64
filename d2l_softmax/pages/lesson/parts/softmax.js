/** Softmax with sliders for scores and temperature, and a constant added to all. */

import { drawLocalized, tr } from "../language.js";
import { provide } from "../quantities.js";
import { argmax, softmax } from "../softmax_regression.js";
import { bar, find, fixed, measured, significant, setSliderText } from "../widgets.js";

/** Return softmax(o / T) of logits (q,), and exp(o / T) without the maximum subtracted. */
export function withTemperature(logits, temperature) {
  const scaled = Float64Array.from(logits, (o) => o / temperature);
  return { exponentials: scaled.map(Math.exp), probabilities: softmax([scaled])[0] };
}

export function showSoftmax() {
  const rows = [...find("softmax-table").tBodies[0].rows];
  const [total] = find("softmax-table").tFoot.rows;
  const sliders = rows.map((row) => row.querySelector("input"));
  const shift = find("softmax-shift");
  const isShifted = () => shift.getAttribute("aria-pressed") === "true";
  let probabilities;

  sliders.forEach((slider) => slider.addEventListener("input", draw));
  find("temperature").addEventListener("input", draw);
  shift.addEventListener("click", () => {
    shift.setAttribute("aria-pressed", !isShifted());
    draw();
  });
  provide("softmax", find("softmax-table"), () => Array.from(probabilities, (p) => fixed(p)));
  drawLocalized(draw);

  function draw() {
    const added = isShifted() ? 100 : 0;
    const temperature = 10 ** Number(find("temperature").value);
    const logits = sliders.map((slider) => Number(slider.value) + added);
    const computed = withTemperature(logits, temperature);
    probabilities = computed.probabilities;
    setSliderText(find("temperature"), find("temperature-value"), significant(temperature, 3));
    rows.forEach((row, i) => {
      setSliderText(sliders[i], row.querySelector("output"), fixed(logits[i], 1));
      row.cells[1].textContent = significant(computed.exponentials[i]);
      row.cells[2].replaceChildren(measured(fixed(probabilities[i]), bar(0, probabilities[i])));
    });
    const sumOf = (numbers) => numbers.reduce((a, b) => a + b, 0);
    const sums = [computed.exponentials, probabilities].map(sumOf);
    total.cells[1].textContent = significant(sums[0]);
    total.cells[2].replaceChildren(measured(fixed(sums[1]), ""));
    const largest = argmax(probabilities);
    const probability = fixed(probabilities[largest]);
    const { number } = find("overflow").dataset;
    const values = { largest: largest + 1, probability, added, part: number };
    const isWritten = Number.isFinite(sums[0]);
    find("softmax-said").textContent = tr(isWritten ? "softmax.said" : "softmax.inf", values);
  }
}
