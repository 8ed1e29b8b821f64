/** Your own picture: the model's input, and how each pixel contributes to a score. */

const MAX_WEIGHT = 1e6; // a trained one is near 0.1; beyond, scores may overflow
const SHIFTS = { left: [-1, 0], right: [1, 0], up: [0, -1], down: [0, 1] };

/** Return { model, classes } of what `python -m d2l_softmax demo --model` writes as JSON. */
function parseWeights(text) {
  const { W, b, classes = CLASSES } = JSON.parse(text);
  const isUsable = (w) => Number.isFinite(w) && Math.abs(w) <= MAX_WEIGHT;
  const areRows = [...W, b].every((row) => row.length === 10 && row.every(isUsable));
  if (W.length !== 784 || classes.length !== 10 || !areRows)
    throw new Error("expected W (784, 10), b (10,) and ten classes");
  const areOurs = CLASSES.every((name, c) => name === classes[c]);
  return { model: modelOf(W, b), classes: areOurs ? CLASSES : classes };
}

/** Return an image (784,) shifted by whole pixels; new pixels are black. */
function shifted(x, right, down) {
  const picture = { planes: [x], width: SIDE, height: SIDE };
  return cut(picture, -right, -down, SIDE, SIDE).planes[0];
}

PARTS.own_picture = ({ test: { X, y } }, trained) => {
  let [model, classes] = [trained, CLASSES];
  let input; // { X, steps, warnings }
  let offset; // pixels to the right and down
  let pictureError; // null or a function that returns its text
  let weightsStatus = () => tr("weights.trained");
  const part = find("own_picture");
  const fillPaper = makePaper(find("paper"), find("pen"), usePicture);

  onClick("own-clear", () => useImage(new Float64Array(SIDE * SIDE)));
  find("own-stamp").addEventListener("input", useItem);
  onClick("own-again", useItem);
  find("own-file").addEventListener("change", (event) => openPicture(event.target.files[0]));
  find("own-weights").addEventListener("change", (event) => openWeights(event.target.files[0]));
  onClick("own-reset", () => useModel(trained, CLASSES, () => tr("weights.trained")));
  for (const [way, [dx, dy]] of Object.entries(SHIFTS))
    onClick(`own-${way}`, () => moveTo(offset[0] + dx, offset[1] + dy));
  onClick("own-middle", () => moveTo(0, 0));
  for (const type of ["dragover", "dragleave", "drop"]) {
    addEventListener(type, (event) => event.preventDefault()); // or the browser opens the file
    part.addEventListener(type, () => part.classList.toggle("over", type === "dragover"));
  }
  part.addEventListener("drop", ({ dataTransfer }) => {
    const [file] = dataTransfer.files;
    return /\.json$/i.test(file?.name) ? openWeights(file) : openPicture(file);
  });
  useItem();
  drawLocalized(draw);

  function useItem() {
    useImage(X[y.indexOf(Number(find("own-stamp").value))]);
  }

  function useImage(x) {
    fillPaper(grayImage(x));
    usePicture(grayImage(x));
  }

  function usePicture(image) {
    [input, offset, pictureError] = [preprocess(image), [0, 0], null];
    draw();
  }

  function moveTo(...place) {
    offset = place.map((pixels) => clamp(pixels, -SIDE, SIDE)); // no further than out
    pictureError = null;
    draw();
  }

  async function openPicture(file) {
    if (!file) return;
    find("own-said").textContent = tr("own_picture.working");
    // Preparing a photograph blocks the page, for seconds on a phone: show that text first.
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    try {
      usePicture(await readPicture(file));
    } catch ({ key = "notAPicture", values }) {
      pictureError = () => tr(`picture.${key}`, { name: file.name, ...values });
      draw();
    }
  }

  async function openWeights(file) {
    if (!file) return;
    const { name } = file;
    try {
      const weights = parseWeights(await file.text());
      useModel(weights.model, weights.classes, () => tr("weights.loaded", { name }));
    } catch {
      useModel(model, classes, () => tr("weights.wrong", { name }));
    }
  }

  function useModel(...those) {
    [model, classes, weightsStatus] = those;
    draw();
  }

  function draw() {
    find("own-weights-said").textContent = weightsStatus();
    const x = shifted(input.X, ...offset);
    const [logits] = model.logits([x]);
    const [probabilities] = model.probabilities([x]);
    const guess = argmax(probabilities);
    const rival = argmax(logits.map((o, c) => (c === guess ? -Infinity : o)));
    const figures = input.steps.map(({ name, image }) => pictured(image, tr(`step_of.${name}`)));
    find("own-steps").replaceChildren(...figures, pictured(grayImage(x), tr("own_picture.input")));
    fillScores(find("own-table"), { logits, probabilities }, guess, { classes });
    drawMaps(x, [guess, rival], logits);
    const [right, down] = offset.map((pixels) => fixed(pixels, 0));
    const values = {
      name: className(guess, classes),
      probability: inPercent(probabilities[guess]),
    };
    const isShifted = offset.some(Boolean);
    const sentences = [
      ...input.warnings.map((warning) => tr(`picture.${warning}`)),
      tr(isShifted ? "own_picture.moved" : "own_picture.said", { ...values, right, down }),
    ];
    const said = x.some(Boolean) ? sentences.join(" ") : tr("picture.blank");
    find("own-said").textContent = pictureError?.() ?? said;
  }

  function drawMaps(x, pair, logits) {
    const added = pair.map((c) => products(model, x, c));
    const most = largest(added.map(largest));
    const figures = pair.map((c, k) => {
      const name = className(c, classes);
      const sum = fixed(sumOf(added[k]));
      const values = { name, sum, b: fixed(model.b[c]), score: fixed(logits[c]) };
      const label = tr("own_picture.map", { name });
      return pictured(signedImage(added[k], most), tr("own_picture.adds", values), label);
    });
    find("own-maps").replaceChildren(...figures);
    const [name, other] = pair.map((c) => className(c, classes));
    const lead = fixed(logits[pair[0]] - logits[pair[1]]);
    find("own-sum").textContent = tr("own_picture.lead", { name, other, lead });
  }
};

function pictured(image, caption, label = caption) {
  const canvas = make("canvas", { role: "img", "aria-label": label });
  drawOn(canvas, image);
  return make("figure", {}, canvas, make("figcaption", {}, caption));
}
