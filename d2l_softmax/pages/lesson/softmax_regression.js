/**
 * Softmax regression from scratch in JavaScript, tested against scratch/softmax_regression.py.
 *
 * Same names, same order, same numbers. Matrices are arrays of rows (Float64Array). Shapes: n
 * images in a batch, d = 784 pixels each, q = 10 classes. The loss is in nats. Each intermediate
 * result is rounded to the dtype: JavaScript itself computes in float64 only.
 */

/** Return a matrix (rows, columns) of zeros. */
function zeros(rows, columns) {
  return Array.from({ length: rows }, () => new Float64Array(columns));
}

/** Add factor × row to a sum (both of one length), in place, in float64 or float32. */
function addScaled(sum, factor, row, dtype) {
  // The page's innermost loop: calling a rounding function would take most of the time.
  if (dtype === "float64") {
    for (let j = 0; j < sum.length; j++) sum[j] += factor * row[j];
  } else {
    for (let j = 0; j < sum.length; j++)
      sum[j] = Math.fround(sum[j] + Math.fround(factor * row[j]));
  }
}

/** Turn each row of logits (n, q) into probabilities (n, q): positive, with sum 1. */
function softmax(logits, dtype = "float64") {
  return logits.map((row) => stepsOfSoftmax(row, dtype).probabilities);
}

/** Return each step of softmax of logits (q,). Naive, without the maximum subtracted, overflows. */
function stepsOfSoftmax(logits, dtype, isNaive = false) {
  const round = ROUND[dtype];
  const o = Float64Array.from(logits, round);
  const most = isNaive ? 0 : Math.max(...o); // only differences matter, so exp can't overflow
  const less = o.map((each) => round(each - most));
  const exponentials = less.map((each) => round(Math.exp(each)));
  const sum = exponentials.reduce((total, e) => round(total + e), 0);
  return { o, less, exponentials, sum, probabilities: exponentials.map((e) => round(e / sum)) };
}

/** Write each class of y (n,) as a row with one 1 among zeros: (n, q). */
function oneHot(y, q) {
  return y.map((c) => Float64Array.from({ length: q }, (_, j) => (j === c ? 1 : 0)));
}

/** The model y_hat = softmax(X W + b). Here W and b start as zero. */
class SoftmaxRegression {
  constructor(numInputs = 784, numOutputs = 10, dtype = "float64") {
    this.W = zeros(numInputs, numOutputs); // (d, q)
    this.b = new Float64Array(numOutputs); // (q,)
    this.dtype = dtype;
  }

  /** Return the logits X W + b (n, q) of the images X (n, d). */
  logits(X) {
    const round = ROUND[this.dtype];
    return X.map((x) => {
      const xW = new Float64Array(this.b.length);
      for (let i = 0; i < x.length; i++) {
        if (x[i] !== 0) addScaled(xW, x[i], this.W[i], this.dtype); // half of all pixels are zero
      }
      return xW.map((o, j) => round(o + this.b[j])); // (q,)
    });
  }

  /** Return the probabilities y_hat (n, q) of the images X (n, d). */
  probabilities(X) {
    return softmax(this.logits(X), this.dtype);
  }

  /** Return the gradients of the mean cross-entropy: { dW: (d, q), db: (q,) }. */
  gradients(X, yHat, y) {
    const round = ROUND[this.dtype];
    const dW = zeros(this.W.length, this.b.length);
    const db = new Float64Array(this.b.length);
    const labels = oneHot(y, this.b.length);
    X.forEach((x, n) => {
      const error = yHat[n].map((p, j) => round(round(p - labels[n][j]) / y.length)); // (q,)
      for (let i = 0; i < x.length; i++) {
        if (x[i] !== 0) addScaled(dW[i], x[i], error, this.dtype);
      }
      addScaled(db, 1, error, this.dtype);
    });
    return { dW, db };
  }
}

/** Return -log y_hat[range(n), y], the cross-entropy of each example: (n,). */
function crossEntropy(yHat, y, dtype = "float64") {
  const round = ROUND[dtype];
  return yHat.map((row, n) => -round(Math.log(Math.max(row[y[n]], FORMATS[dtype].tiny))));
}

/** Stochastic gradient descent: W -= lr dW, b -= lr db. */
class SGD {
  constructor(model, lr) {
    Object.assign(this, { model, lr });
  }

  step({ dW, db }) {
    const { W, b, dtype } = this.model;
    W.forEach((w, i) => addScaled(w, -this.lr, dW[i], dtype));
    addScaled(b, -this.lr, db, dtype);
  }
}

/** Return the index of the largest number, the first of equal ones. */
function argmax(row) {
  return row.indexOf(Math.max(...row));
}

/** Return how many of the rows of y_hat (n, q) have their largest number at their class. */
function countCorrect(yHat, y) {
  return yHat.filter((row, n) => argmax(row) === y[n]).length;
}
