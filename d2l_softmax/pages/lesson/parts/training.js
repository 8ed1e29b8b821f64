/** Training on real images, step by step. */

const MAX_EPOCHS = 300;
const EPOCHS_ON_PAPER = 20; // if none were trained
const MILLISECONDS = 8; // of steps in a frame; drawing needs the rest
const UNIFORM = Math.log(10); // the loss of uniform guessing, in nats

PARTS.training = (examples) => {
  const means = centredClassMeans(examples.train);
  const charts = {
    loss: new Chart("train-loss", axisFromZero(5), axisFromZero(2.5)),
    accuracy: new Chart("train-accuracy", axisFromZero(5), axisFromZero(1)),
  };
  const templates = [...find("templates").children];
  const shares = [...find("share").children];
  const latest = () => training.history.at(-1);
  let training;

  const player = new Player("train", [find("train-said"), find("templates-said")], {
    begin,
    step: () => training.step(),
    draw,
    advance,
  });
  for (const id of ["train-rate", "train-batch", "train-dtype"])
    find(id).addEventListener("input", () => player.restart());
  find("share-class").addEventListener("input", drawShares);
  addEventListener("beforeprint", () => {
    if (training.steps) return;
    while (training.epochs < EPOCHS_ON_PAPER) training.step(); // or the paper has no curves
    draw();
  });
  for (const name of ["gradient", "step"])
    provide(name, find("templates"), () => [tr("training.steps", { steps: training.steps })]);
  provide("loss", find("train-loss"), () => [fixed(latest().train.loss)]);
  provide("accuracy", find("train-accuracy"), () => [fixed(latest().test.accuracy)]);

  function begin() {
    training = new Training(examples, {
      lr: Number(find("train-rate").value),
      batchSize: Number(find("train-batch").value),
      dtype: find("train-dtype").value,
    });
  }

  /** Take steps for some milliseconds, then draw; with reduced motion after every tenth epoch. */
  function advance() {
    if (training.epochs >= MAX_EPOCHS) begin();
    const start = performance.now();
    let isTenth = false;
    do {
      training.step();
      isTenth = !training.remaining.length && training.epochs % 10 === 0;
    } while (!isTenth && performance.now() - start < MILLISECONDS);
    if (isTenth || !REDUCED_MOTION.matches) draw();
    if (training.epochs >= MAX_EPOCHS) player.set(false);
  }

  function draw() {
    drawCurves(charts, training.history);
    const { W } = training.model;
    const most = largest(W.map(largest));
    templates.forEach(({ firstChild: canvas }, c) => {
      const template = W.map((row) => row[c]);
      drawOn(canvas, signedImage(template, most));
      canvas.setAttribute("aria-label", tr("training.template", { name: className(c) }));
    });
    drawShares();
    const { train, test } = latest();
    const said = tr(training.epochs ? "training.said" : "training.before", {
      steps: training.steps,
      epochs: training.epochs,
      loss: fixed(train.loss),
      train: fixed(100 * train.accuracy, 1),
      test: fixed(100 * test.accuracy, 1),
    });
    find("train-said").textContent = [said, ...noticed(training.history)].join(" ");
    find("templates-said").textContent = describeTemplates(training, most, means);
  }

  /** Draw the selected image's share of a step, (ŷ − y) × image for each template. */
  function drawShares() {
    const { X, y } = examples.train;
    const c = Number(find("share-class").value);
    const x = X[y.indexOf(c)];
    drawOn(find("share-image"), grayImage(x));
    const errors = errorOf(training.model, x, c);
    const most = largest(errors) || 1;
    shares.forEach(({ firstChild: canvas, lastChild: caption }, j) => {
      const share = x.map((shade) => -errors[j] * shade);
      drawOn(canvas, signedImage(share, most));
      const track = bar(0.5, 0.5 + errors[j] / most / 2);
      caption.replaceChildren(caption.firstChild, measured(fixed(errors[j], 2), track, "signed"));
    });
  }
};

/** Return ŷ − y (q,) of an image x (d,) of class c: its gradient with respect to the logits. */
function errorOf(model, x, c) {
  const [yHat] = model.probabilities([x]);
  return yHat.map((p, j) => p - (j === c ? 1 : 0));
}

/** Return a sentence on divergence or overfitting, if the history shows it. */
function noticed(history) {
  const most = Math.max(...history.map(({ train }) => train.loss));
  if (most > 1.01 * UNIFORM) return [tr("training.diverged", { most: fixed(most, 1) })];
  const losses = history.map(({ test }) => test.loss);
  const least = Math.min(...losses);
  const epoch = losses.indexOf(least);
  const hasRisen = epoch > 0 && losses.slice(-10).every((loss) => loss > 1.01 * least);
  return hasRisen ? [tr("training.turned", { epoch, loss: fixed(least) })] : [];
}

/** Draw the history of a training. */
function drawCurves({ loss, accuracy }, history) {
  const worst = Math.max(...history.flatMap(({ train, test }) => [train.loss, test.loss]));
  const epochs = axisFromZero(Math.max(5, history.length - 1));
  loss.setAxes(epochs, axisFromZero(Math.max(2.5, worst)));
  accuracy.setAxes(epochs, accuracy.y);
  for (const [what, chart] of Object.entries({ loss, accuracy })) {
    for (const [split, style] of Object.entries({ train: "blue", test: "orange dashed" })) {
      const points = history.map((measured, epoch) => [epoch, measured[split][what]]);
      chart.line(`curve ${style}`, points);
      chart.dot(`dot ${style}`, ...points.at(-1), 4);
    }
  }
}

/** Return the sentence below the templates. */
function describeTemplates({ steps, batchSize, optimizer, model }, most, means) {
  if (steps === 0) return tr("training.none");
  if (steps > 1 || batchSize < 200) return tr("training.scale", { most: significant(most, 2) });
  const share = optimizer.lr / 10; // y_hat is 1/10 for each class, as is its share of the images
  const differences = model.W.map((row, i) => largest(row.map((w, c) => w - share * means[i][c])));
  const values = { share: significant(share, 2), difference: significant(largest(differences), 2) };
  return tr("training.means", values);
}
