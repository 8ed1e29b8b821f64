/** Training on real images, step by step. */

const MAX_EPOCHS = 300;
const EPOCHS_ON_PAPER = 20; // if none were trained
const MILLISECONDS = 8; // of steps in a frame; drawing needs the rest
const UNIFORM = Math.log(10); // the loss of uniform guessing, in nats

function showTraining(examples) {
  const means = centredClassMeans(examples.train);
  const drawTemplates = templates();
  const drawCurves = curves();
  const drawShare = showShare(examples.train);
  const outputs = [find("train-said"), find("templates-said")];
  const player = new Player("train", outputs, { step, restart, advance });
  let training;

  for (const id of ["train-rate", "train-batch", "train-dtype"]) {
    find(id).addEventListener("input", restart);
  }
  addEventListener("beforeprint", () => {
    if (training.steps) return;
    while (training.epochs < EPOCHS_ON_PAPER) training.step(); // or the paper has no curves
    draw();
  });
  const steps = () => [tr("training.steps", { steps: training.steps })];
  provide("gradient", find("templates"), steps);
  provide("step", find("templates"), steps);
  provide("loss", find("train-loss"), () => [fixed(training.latest.train.loss)]);
  provide("accuracy", find("train-accuracy"), () => [fixed(training.latest.test.accuracy)]);
  restart();
  drawLocalized(draw);

  function restart() {
    begin();
    player.set(false);
    draw();
  }

  function begin() {
    training = new Training(examples, {
      lr: Number(find("train-rate").value),
      batchSize: Number(find("train-batch").value),
      dtype: find("train-dtype").value,
    });
  }

  function step() {
    training.step();
    draw();
  }

  /** Take steps for some milliseconds, then draw; with reduced motion after every tenth epoch. */
  function advance() {
    if (training.epochs >= MAX_EPOCHS) begin();
    const start = performance.now();
    const epochs = training.epochs;
    let isTenth = false;
    do {
      training.step();
      isTenth = !training.remaining.length && training.epochs % 10 === 0;
    } while (!isTenth && performance.now() - start < MILLISECONDS);
    if (isTenth || !REDUCED_MOTION.matches) draw(training.epochs > epochs);
    if (training.epochs >= MAX_EPOCHS) player.set(false);
  }

  /** Show the progress; the curves only when they have changed. */
  function draw(epochEnded = true) {
    if (epochEnded) drawCurves(training.history);
    const largestWeight = drawTemplates(training.model.W);
    drawShare(training.model);
    const { train, test } = training.latest;
    const key = training.epochs ? "training.said" : "training.before";
    const values = {
      steps: training.steps,
      epochs: training.epochs,
      loss: fixed(train.loss),
      train: fixed(100 * train.accuracy, 1),
      test: fixed(100 * test.accuracy, 1),
    };
    find("train-said").textContent = [tr(key, values), ...noticed(training.history)].join(" ");
    find("templates-said").textContent = describeTemplates(training, largestWeight, means);
  }
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

/** Return a function that draws the history of a training. */
function curves() {
  const loss = new Chart("train-loss", axisOf(0, 5), axisOf(0, 2.5));
  const accuracy = new Chart("train-accuracy", axisOf(0, 5), axisOf(0, 1));
  return (history) => {
    const worst = Math.max(...history.flatMap(({ train, test }) => [train.loss, test.loss]));
    const epochs = axisOf(0, Math.max(5, history.length - 1));
    loss.setAxes(epochs, axisOf(0, Math.max(2.5, worst)));
    accuracy.setAxes(epochs, axisOf(0, 1));
    for (const [what, chart] of Object.entries({ loss, accuracy })) {
      for (const [split, style] of Object.entries({ train: "blue", test: "orange dashed" })) {
        const points = history.map((measured, epoch) => [epoch, measured[split][what]]);
        chart.line(`curve ${style}`, points);
        chart.dot(`dot ${style}`, ...points[points.length - 1], 4);
      }
    }
  };
}

/** Return a function that draws the columns of W (d, q), and returns the largest weight. */
function templates() {
  const figures = CLASSES.map(() => makeFigure({ role: "img" }));
  find("templates").replaceChildren(...figures);
  drawLocalized(() =>
    figures.forEach(({ firstChild: canvas, lastChild: caption }, c) => {
      caption.textContent = className(c);
      canvas.setAttribute("aria-label", tr("training.template", { name: className(c) }));
    }),
  );
  return (W) => {
    const most = largest(W.map(largest));
    figures.forEach(({ firstChild: canvas }, c) => {
      const template = W.map((row) => row[c]);
      drawSigned(canvas, template, most);
    });
    return most;
  };
}

/** Return the sentence below the templates. */
function describeTemplates({ steps, batchSize, optimizer, model }, largestWeight, means) {
  if (steps === 0) return tr("training.none");
  if (steps > 1 || batchSize < 200) {
    return tr("training.scale", { most: significant(largestWeight, 2) });
  }
  const share = optimizer.lr / 10; // y_hat is 1/10 for each class, as is its share of the images
  const differences = model.W.map((row, i) => largest(row.map((w, c) => w - share * means[i][c])));
  const values = { share: significant(share, 2), difference: significant(largest(differences), 2) };
  return tr("training.means", values);
}
