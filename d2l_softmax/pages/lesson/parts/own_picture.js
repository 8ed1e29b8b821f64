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
  return x.map((_, i) => {
    const [row, column] = [Math.floor(i / SIDE) - down, (i % SIDE) - right];
    const isInside = Math.min(row, column) >= 0 && Math.max(row, column) < SIDE;
    return isInside ? x[row * SIDE + column] : 0;
  });
}

function showOwnPicture({ X, y }, trained) {
  let [model, classes] = [trained, CLASSES];
  let input; // { X, steps, warnings }
  let offset = [0, 0]; // pixels to the right and down
  let pictureError = null; // { key, values }
  let weightsStatus = { key: "weights.trained", values: {} };
  const paper = new Paper(find("paper"), find("pen"), () => usePicture(paper.picture));

  find("own-clear").addEventListener("click", () => (paper.clear(), usePicture(paper.picture)));
  find("own-stamp").addEventListener("input", stamp);
  find("own-again").addEventListener("click", stamp);
  find("own-file").addEventListener("change", (event) => openPicture(event.target.files[0]));
  find("own-weights").addEventListener("change", (event) => openWeights(event.target.files[0]));
  find("own-reset").addEventListener("click", () => useModel(trained, CLASSES, "weights.trained"));
  for (const [way, [dx, dy]] of Object.entries(SHIFTS)) {
    find(`own-${way}`).addEventListener("click", () => moveTo(offset[0] + dx, offset[1] + dy));
  }
  find("own-middle").addEventListener("click", () => moveTo(0, 0));
  acceptDrops(find("paper").closest(".part"), (file) =>
    /\.json$/i.test(file.name) ? openWeights(file) : openPicture(file),
  );
  stamp();
  drawLocalized(draw);

  function stamp() {
    const x = X[y.indexOf(Number(find("own-stamp").value))];
    paper.stamp(x);
    const pixels = Uint8Array.from({ length: 4 * x.length }, (_, i) =>
      i % 4 < 3 ? 255 * x[i >> 2] : 255,
    );
    usePicture({ pixels, width: SIDE, height: SIDE });
  }

  function moveTo(...place) {
    offset = place.map((pixels) => Math.max(-SIDE, Math.min(SIDE, pixels))); // no further than out
    pictureError = null;
    draw();
  }

  function useModel(newModel, newClasses, key, values = {}) {
    [model, classes, weightsStatus] = [newModel, newClasses, { key, values }];
    draw();
  }

  function usePicture(picture) {
    [input, offset, pictureError] = [preprocess(picture), [0, 0], null];
    draw();
  }

  async function openPicture(file) {
    if (!file) return;
    find("own-said").textContent = tr("own_picture.working");
    // Preparing a photograph blocks the page, for seconds on a phone: show that text first.
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    try {
      usePicture(await readPicture(file));
    } catch (error) {
      const values = { name: file.name, ...error.values };
      pictureError = { key: `picture.${error.key ?? "notAPicture"}`, values };
      draw();
    }
  }

  async function openWeights(file) {
    if (!file) return;
    try {
      const weights = parseWeights(await file.text());
      useModel(weights.model, weights.classes, "weights.loaded", { name: file.name });
    } catch {
      useModel(model, classes, "weights.wrong", { name: file.name });
    }
  }

  function draw() {
    find("own-weights-said").textContent = tr(weightsStatus.key, weightsStatus.values);
    const x = shifted(input.X, ...offset);
    const [logits] = model.logits([x]);
    const [probabilities] = model.probabilities([x]);
    const guess = argmax(probabilities);
    const rival = argmax(logits.map((o, c) => (c === guess ? -Infinity : o)));
    drawSteps(x);
    fillScores(find("own-table"), { logits, probabilities }, guess, { classes });
    drawMaps(x, [guess, rival], logits);
    find("own-said").textContent = verdict(probabilities, guess, !x.some(Boolean));
  }

  function verdict(probabilities, guess, isBlank) {
    if (pictureError) return tr(pictureError.key, pictureError.values);
    if (isBlank) return tr("picture.blank");
    const warnings = input.warnings.map((warning) => tr(`picture.${warning}`));
    const probability = inPercent(probabilities[guess]);
    const values = { name: className(guess, classes), probability };
    if (!offset.some(Boolean)) return [...warnings, tr("own_picture.said", values)].join(" ");
    const [right, down] = offset.map((pixels) => fixed(pixels, 0));
    return [...warnings, tr("own_picture.moved", { ...values, right, down })].join(" ");
  }

  function drawSteps(x) {
    const last = figureNamed(tr("own_picture.input"));
    drawImage(last.firstChild, x);
    const figures = input.steps.map(({ name, ...step }) => {
      const figure = figureNamed(tr(`step_of.${name}`));
      drawStep(figure.firstChild, step);
      return figure;
    });
    find("own-steps").replaceChildren(...figures, last);
  }

  function drawMaps(x, pair, logits) {
    const added = pair.map((c) => products(model, x, c));
    const most = largest(added.map(largest));
    const figures = pair.map((c, k) => {
      const name = className(c, classes);
      const sum = fixed(sumOf(added[k]));
      const values = { name, sum, b: fixed(model.b[c]), score: fixed(logits[c]) };
      const figure = figureNamed(tr("own_picture.adds", values), tr("own_picture.map", { name }));
      drawSigned(figure.firstChild, added[k], most);
      return figure;
    });
    find("own-maps").replaceChildren(...figures);
    const [name, other] = pair.map((c) => className(c, classes));
    const lead = fixed(logits[pair[0]] - logits[pair[1]]);
    find("own-sum").textContent = tr("own_picture.lead", { name, other, lead });
  }
}

function figureNamed(caption, label = caption) {
  return makeFigure({ role: "img", "aria-label": label }, caption);
}

/** Draw a picture, RGBA or gray in [0, 1]. */
function drawStep(canvas, { pixels, width, height, channels = 4 }) {
  drawPixels(canvas, width, height, (i, channel) => {
    if (channels === 4) return pixels[4 * i + channel];
    return channel < 3 ? 255 * pixels[i] : 255;
  });
}

function acceptDrops(element, openFile) {
  for (const type of ["dragover", "drop"]) {
    addEventListener(type, (event) => event.preventDefault()); // or the browser opens it
  }
  element.addEventListener("dragover", () => element.classList.add("over"));
  element.addEventListener("dragleave", () => element.classList.remove("over"));
  element.addEventListener("drop", (event) => {
    element.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file) openFile(file);
  });
}
