/** An outlier moves three lines, each fitted with another loss. */

const STYLES = { squared: "blue", l1: "orange dashed", huber: "green dotted" };
const OTHERS = [-0.2, 0.9, 0.7, 1.9, 1.8, 2.8, 2.7].map((y, i) => ({ x: i - 1, y }));
const OUTLIER_AT = 6;

/** Return the points; the last is the outlier, at y = height. */
function pointsWith(height) {
  return [...OTHERS, { x: OUTLIER_AT, y: height }];
}

function showLosses() {
  const slider = find("outlier");
  const half = find("half");
  const names = Object.keys(LOSSES);
  const chart = new Chart(
    "regression",
    { from: -2, to: 7, ticks: [-2, -1, 0, 1, 2, 3, 4, 5, 6, 7] },
    { from: -8, to: 12, ticks: [-8, -4, 0, 4, 8, 12] },
  );
  const shapes = names.map(
    (name) =>
      new Chart(
        `shape-${name}`,
        { from: -5, to: 5, ticks: [-4, -2, 0, 2, 4] },
        { from: -3, to: 5, ticks: [-2, 0, 2, 4] },
      ),
  );

  OTHERS.forEach(({ x, y }, i) => chart.dot(`dot ink p${i}`, x, y, 4));
  for (const name of names) chart.line(`curve ${STYLES[name]}`, []);
  const outlier = chart.dot("dot ink outlier", OUTLIER_AT, 0, 10);
  chart.drag(outlier, ({ y }) => ((slider.value = y), draw()));
  find("losses").addEventListener("input", draw);
  drawLocalized(draw);

  function draw() {
    const height = Number(slider.value);
    const fits = names.map((name) => {
      const factor = name === "squared" && !half.checked ? 2 : 1; // 2 without the ½
      const { w, b } = LOSSES[name].fit(pointsWith(height));
      const error = w * OUTLIER_AT + b - height;
      return {
        ...{ w, b },
        error: Math.abs(error) < 1e-9 ? 0 : error, // where the L1 gradient would be 1 or −1
        loss: (e) => factor * LOSSES[name].loss(e, 0),
        gradient: (e) => factor * LOSSES[name].gradient(e, 0),
      };
    });
    chart.dot("dot ink outlier", OUTLIER_AT, height, 10);
    fits.forEach((fit, i) => {
      const ends = [-2, 7].map((x) => [x, fit.w * x + fit.b]);
      chart.line(`curve ${STYLES[names[i]]}`, ends);
      drawShape(shapes[i], fit);
    });
    setSliderText(slider, fixed(height, 1));
    find("half-formula").classList.toggle("without-half", !half.checked);
    fillTable(find("losses-table"), rowsOf(fits));
    const [squared, l1, huber] = fits.map(({ w }) => fixed(w, 2));
    find("losses-said").textContent = tr("losses.said", { squared, l1, huber });
    find("half-said").textContent = tr(half.checked ? "losses.with_half" : "losses.without_half");
  }
}

/** Return the table's rows: each line, and the outlier's error, loss, likelihood and gradient. */
function rowsOf(fits) {
  const row = (key, read) => [tr(key), ...fits.map(read)];
  return [
    row("losses.slope", ({ w }) => fixed(w, 2)),
    row("losses.intercept", ({ b }) => fixed(b, 2)),
    row("losses.error", ({ error }) => fixed(error, 2)),
    row("loss", ({ error, loss }) => fixed(loss(error), 2)),
    row("losses.likelihood", ({ error, loss }) => significant(Math.exp(-loss(error)), 3)),
    row("losses.gradient", ({ error, gradient }) => fixed(gradient(error), 2)),
  ];
}

/** Draw a loss, its likelihood and its gradient against the error, with the outlier on each. */
function drawShape(shape, { error, loss, gradient }) {
  const errors = Array.from({ length: 161 }, (_, i) => (i - 80) / 16);
  const curves = {
    blue: loss,
    "green dashed": (e) => Math.exp(-loss(e)),
    "orange dotted": gradient,
  };
  for (const [style, height] of Object.entries(curves)) {
    const points = errors.map((e) => [e, height(e)]);
    shape.line(`curve ${style}`, points);
  }
  for (const [style, height] of Object.entries(curves)) {
    const [color] = style.split(" ");
    shape.dot(`dot ${color}`, error, height(error)); // above all curves
  }
}
