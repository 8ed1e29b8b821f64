/** An outlier moves three lines, each fitted with another loss. */

import { Chart } from "../chart.js";
import { drawLocalized, tr } from "../language.js";
import { LOSSES } from "../losses.js";
import { fillTable, find, fixed, significant, setSliderText } from "../widgets.js";

const STYLES = { squared: "blue", l1: "orange dashed", huber: "green dotted" };
const OTHERS = [-0.2, 0.9, 0.7, 1.9, 1.8, 2.8, 2.7].map((y, i) => ({ x: i - 1, y }));
const OUTLIER_AT = 6;

/** Return the points; the last is the outlier, at y = height. */
export function pointsWith(height) {
  return [...OTHERS, { x: OUTLIER_AT, y: height }];
}

export function showLosses() {
  const slider = find("outlier");
  const half = find("half");
  const chart = new Chart(
    find("regression"),
    { from: -2, to: 7, ticks: [-2, -1, 0, 1, 2, 3, 4, 5, 6, 7] },
    { from: -8, to: 12, ticks: [-8, -4, 0, 4, 8, 12] },
  );
  const shapes = Object.fromEntries(Object.keys(LOSSES).map((name) => [name, shapeOf(name)]));

  OTHERS.forEach(({ x, y }, i) => chart.dot(`dot ink p${i}`, x, y, 4));
  Object.keys(LOSSES).forEach((name) => chart.line(`curve ${STYLES[name]}`, []));
  const outlier = chart.dot("dot ink outlier", OUTLIER_AT, 0, 10);
  chart.drag(outlier, ({ y }) => ((slider.value = y), draw()));
  slider.addEventListener("input", draw);
  half.addEventListener("change", draw);
  drawLocalized(draw);

  /** Return 2 for the squared loss without its ½, else 1. */
  function factorOf(name) {
    return name === "squared" && !half.checked ? 2 : 1;
  }

  function draw() {
    const height = Number(slider.value);
    const points = pointsWith(height);
    const fits = Object.fromEntries(
      Object.entries(LOSSES).map(([name, { fit, loss, gradient }]) => {
        const line = fit(points);
        const error = rounded(line.w * OUTLIER_AT + line.b - height);
        const factor = factorOf(name);
        const measured = {
          loss: factor * loss(error, 0),
          gradient: factor * gradient(error, 0),
        };
        return [name, { line, error, ...measured }];
      }),
    );
    chart.dot("dot ink outlier", OUTLIER_AT, height, 10);
    for (const [name, fit] of Object.entries(fits)) {
      const at = (x) => [x, fit.line.w * x + fit.line.b];
      chart.line(`curve ${STYLES[name]}`, [at(-2), at(7)]);
      drawShape(name, fit);
    }
    setSliderText(slider, find("outlier-value"), fixed(height, 1));
    find("half-formula").classList.toggle("without-half", !half.checked);
    fillTable(find("losses-table"), rowsOf(Object.values(fits)));
    find("losses-said").textContent = tr("losses.said", {
      squared: fixed(fits.squared.line.w, 2),
      l1: fixed(fits.l1.line.w, 2),
      huber: fixed(fits.huber.line.w, 2),
    });
    find("half-said").textContent = tr(half.checked ? "losses.with_half" : "losses.without_half");
  }

  function rowsOf(fits) {
    const row = (key, read) => [tr(key), ...fits.map(read)];
    return [
      row("losses.slope", ({ line }) => fixed(line.w, 2)),
      row("losses.intercept", ({ line }) => fixed(line.b, 2)),
      row("losses.error", ({ error }) => fixed(error, 2)),
      row("loss", ({ loss }) => fixed(loss, 2)),
      row("losses.likelihood", ({ loss }) => significant(Math.exp(-loss), 3)),
      row("losses.gradient", ({ gradient }) => fixed(gradient, 2)),
    ];
  }

  /** Draw a loss, its likelihood and its gradient against the error, with the outlier on each. */
  function drawShape(name, { error, loss, gradient }) {
    const errors = Array.from({ length: 161 }, (_, i) => (i - 80) / 16);
    const factor = factorOf(name);
    const value = (e) => factor * LOSSES[name].loss(e, 0);
    shapes[name].line(
      "curve blue",
      errors.map((e) => [e, value(e)]),
    );
    shapes[name].line(
      "curve green dashed",
      errors.map((e) => [e, Math.exp(-value(e))]),
    );
    shapes[name].line(
      "curve orange dotted",
      errors.map((e) => [e, factor * LOSSES[name].gradient(e, 0)]),
    );
    shapes[name].dot("dot blue", error, loss);
    shapes[name].dot("dot green", error, Math.exp(-loss));
    shapes[name].dot("dot orange", error, gradient);
  }
}

/** Return 0 for an error within rounding, where the L1 gradient would be 1 or −1. */
function rounded(error) {
  return Math.abs(error) < 1e-9 ? 0 : error;
}

function shapeOf(name) {
  return new Chart(
    find(`shape-${name}`),
    { from: -5, to: 5, ticks: [-4, -2, 0, 2, 4] },
    { from: -3, to: 5, ticks: [-2, 0, 2, 4] },
  );
}
