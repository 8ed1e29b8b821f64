/** Part 10: a picture of one's own: what the model saw, and what each pixel added. */

import { modelOf, SIDE } from "../examples.js";
import { prepare } from "../preprocessing.js";
import { drawAlways, say } from "../language.js";
import { Paper } from "../paper.js";
import { readPicture } from "../pictures.js";
import { argmax } from "../softmax_regression.js";
import {
  className,
  CLASSES,
  drawImage,
  drawSigned,
  fillScores,
  find,
  fixed,
  inPercent,
  make,
} from "../widgets.js";

const MOST_BYTES = 5_000_000; // of a file of weights; ours has some 160,000
const LARGEST_WEIGHT = 1e6; // a trained one is near 0.1; beyond, scores may overflow
const MOST_MOVED = SIDE; // pixels: out of sight
const SHIFTS = { left: [-1, 0], right: [1, 0], up: [0, -1], down: [0, 1] };

/** A file of weights that can't be used; `values` say what came. */
export class WeightsError extends Error {
  constructor(key, values = {}) {
    super(key);
    Object.assign(this, { key, values });
  }
}

/** Return { model, classes } of what `python -m d2l_softmax page --model` writes as JSON. */
export function parseWeights(text) {
  let content;
  try {
    content = JSON.parse(text);
  } catch {
    throw new WeightsError("weights.no_json");
  }
  const { W, b, classes } = content ?? {};
  if (!Array.isArray(W) || !Array.isArray(b)) throw new WeightsError("weights.nothing");
  const came = `${W.length} × ${W[0]?.length ?? 0}, ${b.length}`;
  const fits = W.length === 784 && b.length === 10 && W.every((row) => row?.length === 10);
  if (!fits) throw new WeightsError("weights.shape", { came });
  const isFine = (w) => Number.isFinite(w) && Math.abs(w) <= LARGEST_WEIGHT;
  if (![...W.flat(), ...b].every(isFine)) throw new WeightsError("weights.numbers");
  const isNamed =
    Array.isArray(classes) && classes.length === 10 && classes.every((c) => typeof c === "string");
  const areOurs = !isNamed || classes.every((name, c) => name === CLASSES[c]);
  return { model: modelOf(W, b), classes: areOurs ? CLASSES : classes };
}

/** Return an image (784,) moved by whole pixels; what moves in is black. */
export function shifted(x, right, down) {
  return x.map((_, i) => {
    const [row, column] = [Math.floor(i / SIDE) - down, (i % SIDE) - right];
    const isInside = Math.min(row, column) >= 0 && Math.max(row, column) < SIDE;
    return isInside ? x[row * SIDE + column] : 0;
  });
}

export function showOwnPicture({ X, y }, trained) {
  let [model, classes] = [trained, CLASSES];
  let seen = null; // { X, steps, doubts }
  let moved = [0, 0];
  let trouble = null; // how a file failed: { key, values }
  let weightsSaid = { key: "weights.ours", values: {} };
  const paper = new Paper(find("paper"), () => see(paper.picture));

  find("own-clear").addEventListener("click", () => (paper.clear(), see(paper.picture)));
  find("own-stamp").addEventListener("change", stamp);
  find("own-again").addEventListener("click", stamp);
  find("own-file").addEventListener("change", (event) => take(event.target.files[0]));
  find("own-weights").addEventListener("change", (event) => takeWeights(event.target.files[0]));
  find("own-ours").addEventListener("click", () => use(trained, CLASSES, "weights.ours"));
  for (const [way, [dx, dy]] of Object.entries(SHIFTS)) {
    find(`own-${way}`).addEventListener("click", () => moveTo(moved[0] + dx, moved[1] + dy));
  }
  find("own-middle").addEventListener("click", () => moveTo(0, 0));
  acceptDrops(find("paper").closest(".part"), (file) =>
    /\.json$/i.test(file.name) ? takeWeights(file) : take(file),
  );
  drawAlways(() => {
    const options = CLASSES.map((_, c) => make("option", { value: c }, className(c)));
    const chosen = find("own-stamp").value || 9;
    find("own-stamp").replaceChildren(...options);
    find("own-stamp").value = chosen;
  });
  stamp();
  drawAlways(draw);

  function stamp() {
    const x = X[y.indexOf(Number(find("own-stamp").value))];
    paper.stamp(x);
    const pixels = Uint8Array.from({ length: 4 * x.length }, (_, i) =>
      i % 4 < 3 ? 255 * x[i >> 2] : 255,
    );
    see({ pixels, width: SIDE, height: SIDE });
  }

  function moveTo(...place) {
    moved = place.map((pixels) => Math.max(-MOST_MOVED, Math.min(MOST_MOVED, pixels)));
    trouble = null;
    draw();
  }

  function use(newModel, newClasses, key, values = {}) {
    [model, classes, weightsSaid] = [newModel, newClasses, { key, values }];
    draw();
  }

  function see(picture) {
    [seen, moved, trouble] = [prepare(picture), [0, 0], null];
    draw();
  }

  async function take(file) {
    if (!file) return;
    try {
      see(await readPicture(file));
    } catch (error) {
      trouble = {
        key: `picture.${error.key ?? "notAPicture"}`,
        values: { name: file.name, ...error.values },
      };
      draw();
    }
  }

  async function takeWeights(file) {
    if (!file) return;
    try {
      if (file.size > MOST_BYTES) throw new WeightsError("weights.large");
      const weights = parseWeights(await file.text());
      use(weights.model, weights.classes, "weights.yours", { name: file.name });
    } catch (error) {
      const key = error.key ?? "weights.no_json";
      use(model, classes, key, { name: file.name, ...error.values });
    }
  }

  function draw() {
    find("own-weights-said").textContent = say(weightsSaid.key, weightsSaid.values);
    const x = shifted(seen.X, ...moved);
    const [logits] = model.logits([x]);
    const [chances] = model.probabilities([x]);
    const guess = argmax(chances);
    const rival = argmax(logits.map((o, c) => (c === guess ? -Infinity : o)));
    drawSteps(x);
    fillScores(find("own-table"), logits, chances, guess, classes);
    drawMaps(x, [guess, rival], logits);
    find("own-said").textContent = verdict(chances, guess, !x.some(Boolean));
  }

  function verdict(chances, guess, isBlank) {
    if (trouble) return say(trouble.key, trouble.values);
    if (isBlank) return say("picture.blank");
    const doubts = seen.doubts.map((doubt) => say(`picture.${doubt}`));
    const values = { name: className(guess, classes), chance: inPercent(chances[guess]) };
    if (!moved.some(Boolean)) return [...doubts, say("own_picture.said", values)].join(" ");
    const [right, down] = moved.map((pixels) => fixed(pixels, 0));
    return [...doubts, say("own_picture.moved", { ...values, right, down })].join(" ");
  }

  function drawSteps(x) {
    const figures = seen.steps.map(({ name, ...step }) => drawnStep(step, say(`step_of.${name}`)));
    const canvas = make("canvas", { role: "img", "aria-label": say("own_picture.seen") });
    drawImage(canvas, x);
    figures.push(make("figure", {}, canvas, make("figcaption", {}, say("own_picture.seen"))));
    find("own-steps").replaceChildren(...figures);
  }

  function drawMaps(x, pair, logits) {
    const added = pair.map((c) => x.map((shade, i) => shade * model.W[i][c]));
    const most = Math.max(...added.flatMap((each) => [...each.map(Math.abs)]));
    const figures = pair.map((c, k) => {
      const name = className(c, classes);
      const canvas = make("canvas", {
        role: "img",
        "aria-label": say("own_picture.map", { name }),
      });
      drawSigned(canvas, added[k], most);
      const sum = added[k].reduce((total, each) => total + each, 0);
      const values = { name, sum: fixed(sum), b: fixed(model.b[c]), score: fixed(logits[c]) };
      return make("figure", {}, canvas, make("figcaption", {}, say("own_picture.adds", values)));
    });
    find("own-maps").replaceChildren(...figures);
    const [name, other] = pair.map((c) => className(c, classes));
    const lead = fixed(logits[pair[0]] - logits[pair[1]]);
    find("own-sum").textContent = say("own_picture.lead", { name, other, lead });
  }
}

/** Return a picture of one or four channels as a figure. */
function drawnStep({ pixels, width, height, channels = 4 }, caption) {
  const canvas = make("canvas", { role: "img", "aria-label": caption, width, height });
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const colour = [0, 1, 2].map((c) => pixels[channels * i + (channels > 2 ? c : 0)]);
    image.data.set([...colour, channels === 4 ? pixels[4 * i + 3] : 255], 4 * i);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return make("figure", {}, canvas, make("figcaption", {}, caption));
}

function acceptDrops(element, take) {
  for (const type of ["dragover", "drop"]) {
    addEventListener(type, (event) => event.preventDefault()); // beside it: no other page is opened
  }
  element.addEventListener("dragover", (event) => {
    event.preventDefault();
    element.classList.add("over");
  });
  element.addEventListener("dragleave", () => element.classList.remove("over"));
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    element.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file) take(file);
  });
}
