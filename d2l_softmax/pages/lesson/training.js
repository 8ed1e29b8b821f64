/** A training on images that are in the page, in pieces that a frame has time for. */

import {
  addScaled,
  countCorrect,
  crossEntropy,
  SGD,
  SoftmaxRegression,
  zeros,
} from "./softmax_regression.js";
import { seeded } from "./widgets.js";

const IN_A_FRAME = 50; // images

/** A training from zero on shuffled batches of { X: (n, d), y: (n,) }, and what came of it. */
export class Training {
  constructor({ train, test }, { lr, batchSize, dtype = "float64", seed = 0 }) {
    Object.assign(this, { train, test, batchSize, random: seeded(seed) });
    this.model = new SoftmaxRegression(784, 10, dtype);
    this.optimizer = new SGD(this.model, lr);
    this.steps = 0;
    this.order = []; // what is left of this epoch: indices of images
    this.batch = []; // those of the last step
    this.history = [];
    finish(this.measure()); // before the first step
  }

  get epochs() {
    return this.history.length - 1;
  }

  /** Train on the next batch; after the last of an epoch, measure. Pauses often: see `finish`. */
  *step() {
    if (!this.order.length) this.order = shuffled(this.train.y.length, this.random);
    this.batch = this.order.splice(0, this.batchSize);
    const sum = { dW: zeros(784, 10), db: new Float64Array(10) };
    for (const rows of inPieces(this.batch)) {
      const [X, y] = [rows.map((n) => this.train.X[n]), rows.map((n) => this.train.y[n])];
      const { dW, db } = this.model.gradients(X, this.model.probabilities(X), y);
      const share = rows.length / this.batch.length; // the batch's mean is one of its pieces' means
      dW.forEach((row, i) => addScaled(sum.dW[i], share, row, this.model.dtype));
      addScaled(sum.db, share, db, this.model.dtype);
      yield;
    }
    this.optimizer.step(sum);
    this.steps += 1;
    if (!this.order.length) yield* this.measure();
  }

  /** Add losses (nats) and accuracies of the model as it is now to the history. */
  *measure() {
    const measured = {};
    for (const [name, { X, y }] of [
      ["train", this.train],
      ["test", this.test],
    ]) {
      const total = { loss: 0, accuracy: 0 };
      for (const rows of inPieces(y.map((_, n) => n))) {
        const yHat = this.model.probabilities(rows.map((n) => X[n]));
        const labels = rows.map((n) => y[n]);
        for (const l of crossEntropy(yHat, labels, this.model.dtype)) total.loss += l / y.length;
        total.accuracy += countCorrect(yHat, labels) / y.length;
        yield;
      }
      measured[name] = total;
    }
    this.history.push(measured);
  }
}

/** Do all that a generator has left to do, without a pause. */
export function finish(work) {
  while (!work.next().done);
}

/** Return rows in pieces that are computed in a third of a frame, on a slow phone in a frame. */
function inPieces(rows) {
  const pieces = Math.ceil(rows.length / IN_A_FRAME);
  return Array.from({ length: pieces }, (_, i) => rows.slice(i * IN_A_FRAME, (i + 1) * IN_A_FRAME));
}

/** Return the numbers below n in a random order (Fisher and Yates). */
function shuffled(n, random) {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Return the mean image of each class less the mean of all: a matrix (d, q) as W is. */
export function meansOfClasses({ X, y }) {
  const means = zeros(X[0].length, 10);
  const sizes = Array.from({ length: 10 }, (_, c) => y.filter((label) => label === c).length);
  X.forEach((x, n) =>
    x.forEach((shade, i) => {
      means[i][y[n]] += shade / sizes[y[n]];
      for (let c = 0; c < sizes.length; c++) means[i][c] -= shade / X.length;
    }),
  );
  return means;
}
