/** Softmax regression in the plane: points that can be dragged, and straight boundaries. */

import { Chart } from "../chart.js";
import { drawLocalized, tr } from "../language.js";
import { boundaries, LABELS, parsePoints, PLANE, PlaneFit, POINTS, writePoints } from "../plane.js";
import { Player } from "../player.js";
import { find, fixed } from "../widgets.js";

const KINDS = [
  { name: "A", color: "blue", outline: "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0z" },
  { name: "B", color: "orange", outline: "M-5.5-5.5h11v11h-11z" },
  { name: "C", color: "green", outline: "M0-7 6.5 5h-13z" },
];
const [COLUMNS, ROWS] = [80, 44]; // of the shading; the browser smooths it
const OPACITY = 0.45;
const STEPS_PER_SECOND = 60;
const STEPS_ON_PAPER = 100; // if none were taken
const [KEY_STEP, LARGE_KEY_STEP] = [0.1, 0.5]; // the large one with Shift
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

const GRID = Array.from({ length: ROWS * COLUMNS }, (_, i) => [
  between(PLANE.x, ((i % COLUMNS) + 0.5) / COLUMNS),
  between(PLANE.y, 1 - (Math.floor(i / COLUMNS) + 0.5) / ROWS),
]);

export function showPlane() {
  const chart = new Chart(
    find("plane-chart"),
    { from: PLANE.x[0], to: PLANE.x[1], ticks: [-4, -2, 0, 2, 4] },
    { from: PLANE.y[0], to: PLANE.y[1], ticks: [-2, -1, 0, 1, 2] },
  );
  const player = new Player(find("plane-play"), [find("plane-said")], playOn);
  const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
  const X = POINTS.map((point) => [...point]);
  const lines = [0, 1, 2].map((i) => `curve ink boundary-${i}`);
  let fit;
  let lastPlayed = 0; // milliseconds

  lines.forEach((name) => chart.line(name, []));
  const marks = X.map((_, n) => movable(n));
  find("plane-step").addEventListener("click", () => {
    player.set(false);
    fit.step();
    draw();
  });
  find("plane-play").addEventListener("click", () => player.set(!player.isPlaying));
  find("plane-again").addEventListener("click", restart);
  find("plane-rate").addEventListener("change", restart);
  find("plane-back").addEventListener("click", () => moveAll(POINTS));
  find("plane-points").addEventListener("change", ({ target }) =>
    moveAll(parsePoints(target.value) ?? POINTS),
  );
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("beforeprint", () => {
    if (fit.steps) return;
    while (fit.steps < STEPS_ON_PAPER) fit.step(); // or the paper has no boundaries
    draw();
  });
  restart();
  drawLocalized(draw);

  function restart() {
    fit = new PlaneFit(X, LABELS, Number(find("plane-rate").value));
    player.set(false);
    draw();
  }

  /** Take the steps that are due, then draw; with reduced motion once a second. */
  function playOn() {
    const most = reducedMotion.matches ? STEPS_PER_SECOND : STEPS_PER_SECOND / 10;
    const now = performance.now();
    const due = Math.floor(((now - lastPlayed) * STEPS_PER_SECOND) / 1000);
    if (due < (reducedMotion.matches ? most : 1)) return;
    lastPlayed = now;
    for (let i = 0; i < Math.min(due, most); i++) fit.step();
    draw();
  }

  /** Make the mark of a point, which pointers drag and arrow keys move. */
  function movable(n) {
    const { color, outline } = KINDS[LABELS[n]];
    const mark = chart.shape(`point ${color} p${n}`, "path");
    const attributes = { d: outline, tabindex: 0, role: "slider" };
    for (const [key, value] of Object.entries(attributes)) mark.setAttribute(key, value);
    mark.setAttribute("aria-valuemin", PLANE.x[0]);
    mark.setAttribute("aria-valuemax", PLANE.x[1]);
    chart.drag(mark, ({ x, y }) => moveTo(n, x, y));
    mark.addEventListener("pointerdown", () => mark.focus({ preventScroll: true }));
    mark.addEventListener("keydown", (event) => {
      if (!(event.key in MOVES)) return;
      event.preventDefault(); // the page would scroll
      const step = event.shiftKey ? LARGE_KEY_STEP : KEY_STEP;
      const [right, up] = MOVES[event.key];
      moveTo(n, X[n][0] + step * right, X[n][1] + step * up);
    });
    return mark;
  }

  function moveAll(points) {
    points.forEach((point, n) => (X[n] = [...point]));
    draw();
  }

  function moveTo(n, ...place) {
    X[n] = [PLANE.x, PLANE.y].map(([from, to], i) =>
      Number(Math.min(to, Math.max(from, place[i])).toFixed(2)),
    );
    draw();
  }

  function draw() {
    drawShades(find("plane-shades"), fit.model);
    const segments = boundaries(fit.model);
    lines.forEach((name, i) => chart.line(name, segments[i] ?? []));
    marks.forEach((mark, n) => {
      const [x, y] = X[n];
      const values = { x: fixed(x, 2), y: fixed(y, 2) };
      mark.setAttribute("transform", `translate(${chart.place(x, y).join(" ")})`);
      mark.setAttribute("aria-label", `${KINDS[LABELS[n]].name} ${(n % 4) + 1}`);
      mark.setAttribute("aria-valuenow", x);
      mark.setAttribute("aria-valuetext", tr("plane.at", values));
    });
    find("plane-points").value = writePoints(X);
    const { loss, correct } = fit.evaluate();
    const values = { steps: fit.steps, loss: fixed(loss), correct, all: X.length };
    find("plane-said").textContent = tr("plane.said", values);
  }
}

/** Shade the plane: at each place the classes' colours, mixed as the probabilities. */
function drawShades(canvas, model) {
  if (canvas.width !== COLUMNS) Object.assign(canvas, { width: COLUMNS, height: ROWS });
  const style = getComputedStyle(document.documentElement);
  const colors = KINDS.map(({ color }) => {
    const hex = style.getPropertyValue(`--${color}`).trim(); // #rrggbb
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  });
  const image = new ImageData(COLUMNS, ROWS);
  model.probabilities(GRID).forEach((yHat, i) => {
    for (let channel = 0; channel < 3; channel++) {
      image.data[4 * i + channel] = yHat.reduce((sum, p, k) => sum + p * colors[k][channel], 0);
    }
    image.data[4 * i + 3] = 255 * OPACITY;
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function between([from, to], share) {
  return from + share * (to - from);
}
