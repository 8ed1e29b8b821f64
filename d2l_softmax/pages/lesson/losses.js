/** Three regression losses with their gradients, and the lines that minimize them. */

/** The losses of scratch/losses.py by name, each a function of (yHat, y), and its gradient. */
const LOSSES = {
  squared: {
    loss: (yHat, y) => (yHat - y) ** 2 / 2,
    gradient: (yHat, y) => yHat - y,
    fit: (points) => weightedFit(points, () => 1),
  },
  l1: {
    loss: (yHat, y) => Math.abs(yHat - y),
    gradient: (yHat, y) => Math.sign(yHat - y),
    fit: fitL1,
  },
  huber: {
    loss: (yHat, y) => clamp(yHat - y, -1, 1) * (yHat - y - clamp(yHat - y, -1, 1) / 2),
    gradient: (yHat, y) => clamp(yHat - y, -1, 1),
    fit: fitHuber,
  },
};

/** Return the weighted least-squares line { w, b }, y = w x + b. */
function weightedFit(points, weightOf) {
  const sum = (term) => sumOf(points.map((point) => weightOf(point) * term(point)));
  const s = sum(() => 1);
  const [sx, sy] = [sum(({ x }) => x), sum(({ y }) => y)];
  const [sxx, sxy] = [sum(({ x }) => x * x), sum(({ x, y }) => x * y)];
  const w = (s * sxy - sx * sy) / (s * sxx - sx * sx);
  return { w, b: (sy - w * sx) / s };
}

/** Return the line with the smallest sum of |errors|; one such line goes through two points. */
function fitL1(points) {
  const slope = (p, q) => (q.y - p.y) / (q.x - p.x);
  const through = (p, q) => ({ w: slope(p, q), b: p.y - slope(p, q) * p.x });
  const lines = points.flatMap((p, i) => points.slice(i + 1).map((q) => through(p, q)));
  const total = ({ w, b }) => sumOf(points.map(({ x, y }) => Math.abs(w * x + b - y)));
  return lines.reduce((best, line) => (total(line) < total(best) - 1e-12 ? line : best));
}

/** Return the line with the smallest sum of Huber losses (δ = 1), by reweighted least squares. */
function fitHuber(points) {
  // Holland and Welsch (1977): squares weighted by gradient / error have the same minimum.
  let line = { w: 0, b: 0 };
  for (let round = 0; round < 200; round++) {
    const { w, b } = line;
    line = weightedFit(points, ({ x, y }) => 1 / Math.max(1, Math.abs(w * x + b - y)));
  }
  return line;
}
