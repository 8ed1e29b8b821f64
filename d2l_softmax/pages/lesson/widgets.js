/** Elements and number formats that several parts of the page share. */

const COLORS = contentOf("colors"); // red, green, blue
const CLASSES = contentOf("classes");
const PARTS = {}; // for each part its name and a function of the examples and the trained model

function find(id) {
  return document.getElementById(id);
}

function onClick(id, act) {
  find(id).addEventListener("click", act);
}

/** Make an element with attributes and children. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

/** Return a class's name in the page's language; names in a file of weights stay as they are. */
function className(c, classes = CLASSES) {
  return classes === CLASSES ? tr(`class.${c}`) : classes[c];
}

/** Make a figure of a code, and perhaps a shape, above what it computes. */
function titled(code, content, shape = "") {
  const heading = make("figcaption", {}, make("code", {}, code));
  if (shape) heading.append(" ", make("span", { class: "shape" }, shape));
  return make("figure", {}, heading, content);
}

/** Return pixels in [0, 1] as an ImageData, light on black. */
function grayImage(shades, width = SIDE, height = SIDE) {
  return imageOf(width, height, (i) => [255 * shades[i], 255 * shades[i], 255 * shades[i]]);
}

/** Return numbers between -most and most as an image: blue if positive, orange if negative. */
function signedImage(numbers, most) {
  const scale = 1 / (most || 1);
  return imageOf(SIDE, SIDE, (i) => {
    const color = numbers[i] > 0 ? COLORS.positive : COLORS.negative;
    const share = Math.min(1, Math.abs(numbers[i]) * scale);
    return color.map((channel) => 255 + share * (channel - 255));
  });
}

/** Return an ImageData; `colorOf` returns [red, green, blue] of pixel i. */
function imageOf(width, height, colorOf) {
  const image = new ImageData(width, height);
  const { data } = image; // reading it from the image each time is slow
  data.fill(255); // opaque
  for (let i = 0; i < width * height; i++) data.set(colorOf(i), 4 * i);
  return image;
}

/** Make a canvas show an ImageData. */
function drawOn(canvas, image) {
  const { width, height } = image;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Return a bar between two positions on its track, both in [0, 1]; to the left: negative. */
function bar(from, to) {
  const percent = (share) => `${(100 * share).toFixed(2)}%`;
  const style = `--start:${percent(Math.min(from, to))};--size:${percent(Math.abs(to - from))}`;
  return make("span", { class: to < from ? "bar negative" : "bar", style });
}

/** Fill a table's body with rows of cells, texts or elements; each row's first is a heading. */
function fillTable(table, rows) {
  table.tBodies[0].replaceChildren(
    ...rows.map(([heading, ...cells]) =>
      make("tr", {}, make("th", { scope: "row" }, heading), ...cells.map((c) => make("td", {}, c))),
    ),
  );
}

/**
 * Fill a table with each class's score and probability; the predicted class is marked.
 * `heading` makes a row's heading of a class's name.
 */
function fillScores(table, scores, guess, { classes = CLASSES, heading = String } = {}) {
  const { logits, probabilities } = scores;
  const most = largest(logits) || 1;
  const rows = Array.from(logits, (o, c) => [
    heading(className(c, classes) + (c === guess ? " ◀" : "")),
    measured(fixed(o, 2), bar(0.5, 0.5 + o / most / 2), "signed"),
    measured(inPercent(probabilities[c]), bar(0, probabilities[c])),
  ]);
  fillTable(table, rows);
}

/** Return a number with its bar, for a table cell; a signed one has a line at zero. */
function measured(text, shape, kind = "") {
  const track = make("span", { class: `track ${kind}` }, shape);
  return make("span", { class: "measured" }, make("span", { class: "value" }, text), track);
}

/** Return a number as a table cell's content; inf, nan and wrong ones have a warning sign. */
function checked(number, digits = 4, isWrong = false) {
  const text = significant(number, digits);
  if (Number.isFinite(number) && !isWrong) return text;
  return make("strong", { class: "broken" }, `⚠ ${text}`);
}

/** Return a matrix as a table between brackets; mark(i, j) may give a cell a class. */
function matrix(rows, { digits = 2, mark = () => "" } = {}) {
  const cell = (value, i, j) =>
    make("td", { class: mark(i, j) }, typeof value === "number" ? fixed(value, digits) : value);
  const body = rows.map((row, i) => make("tr", {}, ...Array.from(row, (v, j) => cell(v, i, j))));
  return make("table", { class: "matrix" }, make("tbody", {}, ...body));
}

/** Return a number with `digits` after the decimal point and a true minus; inf, nan as text. */
function fixed(number, digits = 3) {
  if (!Number.isFinite(number)) return Number.isNaN(number) ? "nan" : number > 0 ? "inf" : "−inf";
  const text = Math.abs(number).toFixed(digits);
  return number < 0 && Number(text) ? `−${text}` : text;
}

/** Show a slider's value in its label and announce it to screen readers. */
function setSliderText(slider, text) {
  slider.labels[0].querySelector("output").textContent = text;
  slider.setAttribute("aria-valuetext", text);
}

/** Return a probability in percent; a tiny one is not rounded to zero. */
function inPercent(p) {
  return p > 0 && p < 0.0005 ? "<0.1%" : `${fixed(100 * p, 1)}%`;
}

/** Return a number with `digits` significant digits; very large and small ones with an exponent. */
function significant(number, digits = 4) {
  if (!Number.isFinite(number) || number === 0) return fixed(number, 0);
  const size = Math.abs(number);
  const text =
    size >= 1e5 || size < 1e-3 ? size.toExponential(digits - 1) : size.toPrecision(digits);
  return (number < 0 ? "−" : "") + text.replace("e+", "e").replace("e-", "e−");
}

/** Return a random number generator: numbers in [0, 1), the same for a seed (mulberry32). */
function seeded(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
