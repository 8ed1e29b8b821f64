/** Softmax regression in the plane: points that can be dragged, and straight boundaries. */

const KINDS = [
  { name: "A", color: "blue", outline: "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0z" },
  { name: "B", color: "orange", outline: "M-5.5-5.5h11v11h-11z" },
  { name: "C", color: "green", outline: "M0-7 6.5 5h-13z" },
];
const [COLUMNS, ROWS] = [80, 44]; // of the shading; the browser smooths it
const STEPS_PER_SECOND = 60;
const MOST_STEPS = 6; // in a frame, after a slow one
const STEPS_ON_PAPER = 100; // if none were taken
const [KEY_STEP, LARGE_KEY_STEP] = [0.1, 0.5]; // the large one with Shift

PARTS.plane = () => {
  const chart = new Chart("plane-chart", PLANE.x, PLANE.y);
  const X = [...POINTS];
  const lines = [0, 1, 2].map((i) => `curve ink boundary-${i}`);
  let fit;
  let lastPlayed = 0; // milliseconds

  lines.forEach((name) => chart.line(name, []));
  const marks = X.map((_, n) => movable(n));
  const player = new Player("plane", [find("plane-said")], {
    begin: () => (fit = new PlaneFit(X, LABELS, Number(find("plane-rate").value))),
    step: () => fit.step(),
    draw,
    advance,
  });
  find("plane-rate").addEventListener("input", () => player.restart());
  onClick("plane-back", () => moveAll(POINTS));
  find("plane-points").addEventListener("input", ({ target }) =>
    moveAll(parsePoints(target.value) ?? POINTS),
  );
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("beforeprint", () => {
    if (fit.steps) return;
    while (fit.steps < STEPS_ON_PAPER) fit.step(); // or the paper has no boundaries
    draw();
  });

  /** Take the steps that are due, then draw; with reduced motion about once a second. */
  function advance() {
    const now = performance.now();
    const due = Math.floor(((now - lastPlayed) * STEPS_PER_SECOND) / 1000);
    if (due === 0) return;
    lastPlayed = now;
    const steps = Math.min(due, MOST_STEPS);
    for (let i = 0; i < steps; i++) fit.step();
    if (!REDUCED_MOTION.matches || fit.steps % STEPS_PER_SECOND < steps) draw();
  }

  /** Make the mark of a point, which pointers drag and arrow keys move. */
  function movable(n) {
    const { color, outline } = KINDS[LABELS[n]];
    const mark = chart.shape(`point ${color} p${n}`, "path");
    const range = { "aria-valuemin": PLANE.x.from, "aria-valuemax": PLANE.x.to };
    setAttributes(mark, { d: outline, tabindex: 0, role: "slider", ...range });
    chart.drag(mark, ({ x, y }) => moveTo(n, x, y));
    mark.addEventListener("pointerdown", () => mark.focus({ preventScroll: true }));
    mark.addEventListener("keydown", (event) => {
      if (!(event.key in KEY_MOVES)) return;
      event.preventDefault(); // the page would scroll
      const step = event.shiftKey ? LARGE_KEY_STEP : KEY_STEP;
      const [right, down] = KEY_MOVES[event.key];
      moveTo(n, X[n][0] + step * right, X[n][1] - step * down);
    });
    return mark;
  }

  function moveAll(points) {
    points.forEach((point, n) => (X[n] = point));
    draw();
  }

  function moveTo(n, x, y) {
    const place = [clamp(x, PLANE.x.from, PLANE.x.to), clamp(y, PLANE.y.from, PLANE.y.to)];
    X[n] = place.map((each) => Number(each.toFixed(2)));
    draw();
  }

  function draw() {
    drawOn(find("plane-shades"), shadesOf(fit.model));
    const segments = boundaries(fit.model);
    lines.forEach((name, i) => chart.line(name, segments[i] ?? []));
    marks.forEach((mark, n) => {
      const [x, y] = X[n];
      setAttributes(mark, {
        transform: `translate(${chart.place(x, y).join(" ")})`,
        "aria-label": `${KINDS[LABELS[n]].name} ${(n % 4) + 1}`,
        "aria-valuenow": x,
        "aria-valuetext": tr("plane.at", { x: fixed(x, 2), y: fixed(y, 2) }),
      });
    });
    find("plane-points").value = writePoints(X);
    const { loss, correct } = fit.evaluate();
    const values = { steps: fit.steps, loss: fixed(loss), correct, all: X.length };
    find("plane-said").textContent = tr("plane.said", values);
  }
};

/** Return an image of the plane: at each place the classes' colours, mixed as the probabilities. */
function shadesOf(model) {
  const style = getComputedStyle(document.documentElement);
  const colors = KINDS.map(({ color }) => {
    const hex = style.getPropertyValue(`--${color}`).trim(); // #rrggbb
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  });
  return imageOf(COLUMNS, ROWS, (i) => {
    const [right, down] = [((i % COLUMNS) + 0.5) / COLUMNS, (Math.floor(i / COLUMNS) + 0.5) / ROWS];
    const x = PLANE.x.from + right * (PLANE.x.to - PLANE.x.from);
    const y = PLANE.y.to - down * (PLANE.y.to - PLANE.y.from);
    const [yHat] = model.probabilities([[x, y]]);
    return [0, 1, 2].map((channel) => sumOf(yHat.map((p, k) => p * colors[k][channel])));
  });
}
