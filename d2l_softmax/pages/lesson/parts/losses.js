/** An outlier moves three lines, each fitted with another loss. */

const STYLES = { squared: "blue", l1: "orange dashed", huber: "green dotted" };
const OTHERS = [-0.2, 0.9, 0.7, 1.9, 1.8, 2.8, 2.7].map((y, i) => ({ x: i - 1, y }));
const OUTLIER_AT = 6;

/** Return the points; the last is the outlier, at y = height. */
function pointsWith(height) {
  return [...OTHERS, { x: OUTLIER_AT, y: height }];
}

PARTS.losses = () => {
  const slider = find("outlier");
  const half = find("half");
  const names = Object.keys(LOSSES);
  const chart = new Chart("regression", axisOf(-2, 7, 1), axisOf(-8, 12, 4));
  const shapes = names.map(
    (name) => new Chart(`shape-${name}`, axisOf(-5, 5, 2), axisOf(-3, 5, 2)),
  );

  OTHERS.forEach(({ x, y }, i) => chart.dot(`dot ink p${i}`, x, y, 4));
  for (const name of names) chart.line(`curve ${STYLES[name]}`, []);
  const outlier = chart.dot("dot ink outlier", OUTLIER_AT, 0);
  chart.drag(outlier, ({ y }) => ((slider.value = y), draw()));
  find("losses").addEventListener("input", draw);
  drawLocalized(draw);

  function draw() {
    const height = Number(slider.value);
    chart.dot("dot ink outlier", OUTLIER_AT, height, 10);
    const fits = names.map((name, i) => {
      const factor = name === "squared" && !half.checked ? 2 : 1; // 2 without the ½
      const { w, b } = LOSSES[name].fit(pointsWith(height));
      const ends = [-2, 7].map((x) => [x, w * x + b]);
      chart.line(`curve ${STYLES[name]}`, ends);
      const loss = (e) => factor * LOSSES[name].loss(e, 0);
      const likelihood = (e) => Math.exp(-loss(e));
      const gradient = (e) => factor * LOSSES[name].gradient(e, 0);
      const distance = w * OUTLIER_AT + b - height;
      const error = Math.abs(distance) < 1e-9 ? 0 : distance; // where L1's would be 1 or −1
      drawShape(shapes[i], { loss, likelihood, gradient }, error);
      return [
        ...[w, b, error, loss(error)].map((number) => fixed(number, 2)),
        significant(likelihood(error), 3),
        fixed(gradient(error), 2),
      ];
    });
    setSliderText(slider, fixed(height, 1));
    find("half-formula").classList.toggle("without-half", !half.checked);
    const rows = [
      ...["losses.slope", "losses.intercept", "losses.error", "loss"],
      ...["losses.likelihood", "losses.gradient"],
    ].map((key, row) => [tr(key), ...fits.map((column) => column[row])]);
    fillTable(find("losses-table"), rows);
    const [squared, l1, huber] = fits.map(([slope]) => slope);
    find("losses-said").textContent = tr("losses.said", { squared, l1, huber });
    find("half-said").textContent = tr(half.checked ? "losses.with_half" : "losses.without_half");
  }
};

/** Draw a loss, its likelihood and its gradient against the error, with the outlier on each. */
function drawShape(shape, { loss, likelihood, gradient }, error) {
  const errors = Array.from({ length: 161 }, (_, i) => (i - 80) / 16);
  const curves = { blue: loss, "green dashed": likelihood, "orange dotted": gradient };
  for (const [style, height] of Object.entries(curves)) {
    const points = errors.map((e) => [e, height(e)]);
    shape.line(`curve ${style}`, points);
  }
  for (const [style, height] of Object.entries(curves))
    shape.dot(`dot ${style.split(" ")[0]}`, error, height(error)); // above all curves
}
