/** A training on the page's images, one batch at a time. */

/** A training from zero weights on shuffled batches of { X: (n, d), y: (n,) }, and its history. */
class Training {
  constructor({ train, test }, { lr, batchSize, dtype = "float64", seed = 0 }) {
    Object.assign(this, { train, test, batchSize, random: seeded(seed) });
    this.model = new SoftmaxRegression(784, 10, dtype);
    this.optimizer = new SGD(this.model, lr);
    this.steps = 0;
    this.remaining = []; // indices of the epoch's images that are still to come
    this.batch = []; // indices of the last step's images
    this.history = [this.evaluate()]; // of losses and accuracies, first before any step
  }

  get epochs() {
    return this.history.length - 1;
  }

  /** Train on the next batch; after the last of an epoch, evaluate. */
  step() {
    if (!this.remaining.length) this.remaining = shuffled(this.train.y.length, this.random);
    this.batch = this.remaining.splice(0, this.batchSize);
    const [X, y] = [this.train.X, this.train.y].map((all) => this.batch.map((n) => all[n]));
    this.optimizer.step(this.model.gradients(X, this.model.probabilities(X), y));
    this.steps += 1;
    if (!this.remaining.length) this.history.push(this.evaluate());
  }

  /** Return the model's mean loss (nats) and accuracy on both splits. */
  evaluate() {
    return { train: evaluate(this.model, this.train), test: evaluate(this.model, this.test) };
  }
}

/** Return a model's mean loss (nats), correct predictions and accuracy on examples. */
function evaluate(model, { X, y }) {
  const yHat = model.probabilities(X);
  const loss = mean(crossEntropy(yHat, y, model.dtype));
  const correct = countCorrect(yHat, y);
  return { loss, correct, accuracy: correct / y.length };
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

/** Return each class's mean image less the overall mean: a matrix (d, q) as W is. */
function centredClassMeans({ X, y }) {
  const classes = CLASSES.map((_, c) => X.filter((_, n) => y[n] === c));
  return Array.from(X[0], (_, i) => {
    const shade = (images) => mean(images.map((x) => x[i]));
    const overall = shade(X);
    return Float64Array.from(classes, (images) => shade(images) - overall);
  });
}
