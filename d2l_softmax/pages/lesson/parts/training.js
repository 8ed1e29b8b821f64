/** Part 8: training, a step at a time, on real images. */

import { axisOf, Chart } from "../chart.js";
import { drawAlways, say } from "../language.js";
import { provide } from "../quantities.js";
import { finish, meansOfClasses, Training } from "../training.js";
import { className, CLASSES, drawSigned, find, fixed, make, significant } from "../widgets.js";

const MOST_EPOCHS = 300;
const STEPS_A_DRAWING = 4; // painting takes a slow phone longer than a step

export function showTraining(examples) {
  const means = meansOfClasses(examples.train);
  const drawTemplates = templates();
  const drawCurves = curves();
  const play = find("train-play");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let training;
  let work = null; // what is left of a step
  let due = null; // what the next frame draws: { epochEnded }
  let next = 0; // frame
  let playing = false;
  let seen = false;

  find("train-step").addEventListener("click", () => {
    setPlaying(false);
    finish(work ?? training.step());
    work = null;
    draw();
  });
  find("train-again").addEventListener("click", begin);
  for (const id of ["train-rate", "train-batch", "train-dtype"]) {
    find(id).addEventListener("change", begin);
  }
  play.addEventListener("click", () => {
    if (training.epochs >= MOST_EPOCHS) begin();
    setPlaying(!playing);
  });
  new IntersectionObserver(([{ isIntersecting }]) => {
    seen = isIntersecting;
    goOn();
  }).observe(play.closest(".panel"));
  provideQuantities(() => training);
  begin();
  drawAlways(() => {
    setPlaying(playing);
    draw();
  });

  function begin() {
    training = new Training(examples, {
      lr: Number(find("train-rate").value),
      batchSize: Number(find("train-batch").value),
      dtype: find("train-dtype").value,
    });
    work = null;
    setPlaying(false);
    draw();
  }

  function setPlaying(now) {
    playing = now;
    goOn();
    play.setAttribute("aria-pressed", now);
    play.textContent = say(now ? "training.pause" : "training.play");
    // A screen reader would read a sentence a frame.
    for (const id of ["train-said", "templates-said"]) {
      find(id).setAttribute("aria-live", now ? "off" : "polite");
    }
  }

  /** Go on with the next frame: with one at a time, whatever else asks for it. */
  function goOn() {
    cancelAnimationFrame(next);
    next = requestAnimationFrame(frame);
  }

  /** Work for a frame, or draw what came of it; with reduced motion every tenth epoch only. */
  function frame() {
    if (!playing || !seen) return;
    goOn();
    if (due) {
      draw(due.epochEnded);
      if (training.epochs >= MOST_EPOCHS) setPlaying(false);
      return;
    }
    work ??= training.step();
    if (!work.next().done) return;
    work = null;
    const epochEnded = !training.order.length;
    const isTime = epochEnded || training.steps % STEPS_A_DRAWING === 0;
    if (calm.matches ? epochEnded && training.epochs % 10 === 0 : isTime) due = { epochEnded };
  }

  /** Show how far it is; the curves only where they have changed. */
  function draw(epochEnded = true) {
    due = null;
    if (epochEnded) drawCurves(training.history);
    const most = drawTemplates(training.model.W);
    const { train, test } = training.history.at(-1);
    find("train-said").textContent = say(training.epochs ? "training.said" : "training.before", {
      steps: training.steps,
      epochs: training.epochs,
      loss: fixed(train.loss),
      train: fixed(100 * train.accuracy, 1),
      test: fixed(100 * test.accuracy, 1),
    });
    find("templates-said").textContent = aboutTemplates(training, most, means);
  }
}

/** Return a function that draws the history of a training. */
function curves() {
  const loss = new Chart(find("train-loss"), axisOf(0, 5), axisOf(0, 2.5));
  const accuracy = new Chart(find("train-accuracy"), axisOf(0, 5), axisOf(0, 1));
  return (history) => {
    const worst = Math.max(...history.flatMap(({ train, test }) => [train.loss, test.loss]));
    const epochs = axisOf(0, Math.max(5, history.length - 1));
    loss.setAxes(epochs, axisOf(0, Math.max(2.5, worst)));
    accuracy.setAxes(epochs, axisOf(0, 1));
    for (const [what, chart] of Object.entries({ loss, accuracy })) {
      for (const [split, style] of [
        ["train", "blue"],
        ["test", "orange dashed"],
      ]) {
        const points = history.map((measured, epoch) => [epoch, measured[split][what]]);
        chart.line(`curve ${style}`, points);
        chart.dot(`dot ${style}`, ...points.at(-1), 4);
      }
    }
  };
}

/** Return a function that draws the columns of W (d, q), and returns the largest weight. */
function templates() {
  const shown = CLASSES.map(() => {
    const [canvas, name] = [make("canvas", { role: "img" }), make("figcaption")];
    return { canvas, name, figure: make("figure", {}, canvas, name) };
  });
  find("templates").replaceChildren(...shown.map(({ figure }) => figure));
  drawAlways(() =>
    shown.forEach(({ canvas, name }, c) => {
      name.textContent = className(c);
      canvas.setAttribute("aria-label", say("training.template", { name: className(c) }));
    }),
  );
  return (W) => {
    const most = largest(W.map(largest));
    shown.forEach(({ canvas }, c) =>
      drawSigned(
        canvas,
        W.map((row) => row[c]),
        most,
      ),
    );
    return most;
  };
}

function largest(numbers) {
  let most = 0;
  for (let i = 0; i < numbers.length; i++) most = Math.max(most, Math.abs(numbers[i]));
  return most;
}

function aboutTemplates({ steps, batchSize, optimizer, model }, most, means) {
  if (steps === 0) return say("training.none");
  if (steps > 1 || batchSize < 200) return say("training.scale", { most: significant(most, 2) });
  const share = optimizer.lr / 10; // y_hat is 1/10 for each class, and so is each class's part
  const differences = model.W.map((row, i) => largest(row.map((w, c) => w - share * means[i][c])));
  const values = { share: significant(share, 2), difference: significant(largest(differences), 2) };
  return say("training.means", values);
}

function provideQuantities(now) {
  const steps = () => [say("training.steps", { steps: now().steps })];
  provide("gradient", find("templates"), steps);
  provide("step", find("templates"), steps);
  provide("loss", find("train-loss"), () => [fixed(now().history.at(-1).train.loss)]);
  provide("accuracy", find("train-accuracy"), () => [fixed(now().history.at(-1).test.accuracy)]);
}
