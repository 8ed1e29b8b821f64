/** Softmax regression on points of three classes in the plane: X (n, 2), q = 3. */

/** Where points may be: the axes of the chart. */
const PLANE = { x: axisOf(-4, 4, 2), y: axisOf(-2.2, 2.2, 1) };

/** The points at the start, four of each class: [x, y]. */
const POINTS = [
  ...[[-2.6, 1.2], [-1.8, 0.4], [-2.9, -0.3], [-1.3, 1.6]], // class 0
  ...[[2.4, 1.4], [1.5, 0.6], [3.1, 0.2], [1.1, 1.7]], // class 1
  ...[[-0.8, -1.6], [0.5, -1.1], [0.1, -0.4], [1.3, -1.7]], // class 2
];
const LABELS = POINTS.map((_, n) => Math.floor(n / 4));

/** Return points as a link has them: in hundredths, -260.120_-180.40 and so on. */
function writePoints(X) {
  return X.map((point) => point.map((each) => Math.round(100 * each)).join(".")).join("_");
}

/** Return the points of such a text, or null unless there are as many, all within the plane. */
function parsePoints(text) {
  if (!/^(-?\d+\.-?\d+(_|$))+$/.test(text)) return null;
  const X = text.split("_").map((point) => point.split(".").map((each) => Number(each) / 100));
  const fits = ([x, y]) => isWithin(x, PLANE.x) && isWithin(y, PLANE.y);
  return X.length === POINTS.length && X.every(fits) ? X : null;
}

/** A fit from zero weights: each step takes the gradient of the mean loss over all points. */
class PlaneFit {
  constructor(X, y, lr) {
    Object.assign(this, { X, y, steps: 0, model: new SoftmaxRegression(2, 3) });
    this.optimizer = new SGD(this.model, lr);
  }

  step() {
    const { X, y, model } = this;
    this.optimizer.step(model.gradients(X, model.probabilities(X), y));
    this.steps += 1;
  }

  /** Return the mean loss (nats) of the points, and how many are classified correctly. */
  evaluate() {
    return evaluate(this.model, this);
  }
}

/**
 * Return where two classes have the same score and the third has none above it: segments
 * [[x, y], [x, y]] within the plane.
 */
function boundaries({ W, b }) {
  // The difference of two scores is linear: [x, y, 1] times these.
  const difference = (i, j) => [W[0][i] - W[0][j], W[1][i] - W[1][j], b[i] - b[j]];
  return [2, 1, 0].flatMap((other) => {
    const [i, j] = [0, 1, 2].filter((k) => k !== other);
    const [u, v, c] = difference(i, j);
    const square = u * u + v * v;
    if (square === 0) return []; // as at the start
    const at = (t) => [(-c * u) / square - t * v, (-c * v) / square + t * u];
    const sides = [
      [1, 0, -PLANE.x.from],
      [-1, 0, PLANE.x.to],
      [0, 1, -PLANE.y.from],
      [0, -1, PLANE.y.to],
    ];
    let [from, to] = [-Infinity, Infinity];
    for (const [p, q, r] of [...sides, difference(i, other)]) {
      const [x, y] = at(0);
      const start = p * x + q * y + r; // at t it is start + t × slope, which must not be negative
      const slope = q * u - p * v;
      if (slope > 0) from = Math.max(from, -start / slope);
      else if (slope < 0) to = Math.min(to, -start / slope);
      else if (start < 0) return [];
    }
    return from < to ? [[at(from), at(to)]] : [];
  });
}
