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
    loss: (yHat, y) => huber(Math.abs(yHat - y)),
    gradient: (yHat, y) => Math.max(-1, Math.min(1, yHat - y)),
    fit: fitHuber,
  },
};

function huber(error) {
  return error <= 1 ? error ** 2 / 2 : error - 0.5;
}

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
  let best = { total: Infinity };
  points.forEach((p, i) => {
    for (const q of points.slice(i + 1)) {
      if (p.x === q.x) continue;
      const w = (q.y - p.y) / (q.x - p.x);
      const b = p.y - w * p.x;
      const total = sumOf(points.map(({ x, y }) => LOSSES.l1.loss(w * x + b, y)));
      if (total < best.total - 1e-12) best = { total, w, b };
    }
  });
  return { w: best.w, b: best.b };
}

/** Return the line with the smallest sum of Huber losses (δ = 1), by reweighted least squares. */
function fitHuber(points) {
  // Holland and Welsch (1977): squares weighted by gradient / error have the same minimum.
  let line = weightedFit(points, () => 1);
  for (let round = 0; round < 500; round++) {
    const { w, b } = line;
    line = weightedFit(points, ({ x, y }) => 1 / Math.max(1, Math.abs(w * x + b - y)));
    if (Math.abs(line.w - w) + Math.abs(line.b - b) < 1e-14) break;
  }
  return line;
}
