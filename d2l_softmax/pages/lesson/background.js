/** An object on a nearly even ground: where it is. The twin of d2l_softmax/data/background.py. */

const DEGREES = [1, 3, 6]; // terms: an even ground, a slope of light, one that curves
const LEAST = 0.03; // what differs less from the ground is ground; colours are in [0, 1]
const [OF_NOISE, OF_CONTRAST] = [4, 0.12]; // or less than these times its noise, and the most
const FAR = 9; // pixels around the object that say nothing of the ground
const LEAST_GROUND = 0.2; // of the picture
const ENOUGH = 2000; // pixels, to fit a surface to them

/**
 * Tell an object from the ground around it; pixels (h w 3,) are in [0, 1]. Return the ground
 * (h w 3,), the mask of the object (h w,), the ground's noise, and the object's part of the border.
 */
export function findObject(pixels, width, height) {
  const terms = termsOf(width, height);
  const border = borderOf(width, height);

  const someOf = (where) => {
    const rows = [...where.keys()].filter((i) => where[i]);
    const step = Math.max(1, Math.floor(rows.length / ENOUGH));
    const chosen = rows.filter((_, k) => k % step === 0);
    return [chosen.map((i) => terms[i]), chosen.map((i) => pixels.subarray(3 * i, 3 * i + 3))];
  };
  const foundBy = ({ surface, residuals }) => {
    const ground = pixels.map((_, i) => valueOf(surface, terms[Math.floor(i / 3)], i % 3));
    const noise = 1.4826 * medianOf(residuals); // a normal distribution's, from its median
    const distance = terms.map((_, i) => largestOf3((c) => pixels[3 * i + c] - ground[3 * i + c]));
    const mask = standingOut(distance, noise, width, height);
    const covered = mask.reduce((sum, is, i) => sum + (is && border[i] ? 1 : 0), 0);
    return { ground, mask, noise, shareOfBorder: covered / countOf(border) };
  };

  const first = foundBy(fitBorder(...someOf(border)));
  const far = grown(first.mask, FAR, width, height).map((is) => 1 - is);
  if (countOf(far) / far.length < LEAST_GROUND) return first;
  return foundBy(fit(...someOf(far)));
}

/** Return what a surface's colour may depend on at each pixel: (h w) rows of 6. */
function termsOf(width, height) {
  return Array.from({ length: width * height }, (_, i) => {
    const x = (2 * (i % width)) / (width - 1) - 1;
    const y = (2 * Math.floor(i / width)) / (height - 1) - 1;
    return [1, x, y, x * x, x * y, y * y];
  });
}

/** Return which pixels are the border: the outer 2 % of the longer side, two at least. */
function borderOf(width, height) {
  const band = Math.max(2, Math.round(0.02 * Math.max(width, height)));
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return Math.min(x, y, width - 1 - x, height - 1 - y) < band ? 1 : 0;
  });
}

/** Fit a surface to the border: first an even one, so that an object there doesn't bend it. */
function fitBorder(terms, colours) {
  const middle = [0, 1, 2].map((c) => medianOf(colours.map((colour) => colour[c])));
  let weights = trust(
    colours.map((colour) => largestOf3((c) => colour[c] - middle[c])),
    0.01,
  );
  let fitted;
  for (const degree of DEGREES) {
    fitted = fit(
      terms.map((row) => row.slice(0, degree)),
      colours,
      weights,
    );
    ({ weights } = fitted);
  }
  return fitted;
}

/** Fit colours (n, 3) by terms (n, k), robustly: the surface (k, 3), residuals and weights (n,). */
function fit(terms, colours, weights = terms.map(() => 1)) {
  let surface, residuals;
  for (let round = 0; round < 4; round++) {
    surface = leastSquares(terms, colours, weights);
    residuals = terms.map((row, n) => largestOf3((c) => colours[n][c] - valueOf(surface, row, c)));
    weights = trust(residuals);
  }
  return { surface, residuals, weights };
}

/** Return weights for residuals: 1 for none, a quarter at twice their median (Geman, McClure). */
function trust(residuals, least = 0.004) {
  const scale = 2 * Math.max(medianOf(residuals), least);
  return residuals.map((residual) => 1 / (1 + (residual / scale) ** 2) ** 2);
}

/** Return the factors (k, 3) of the terms (n, k) with the least weighted squares of errors. */
function leastSquares(terms, colours, weights) {
  const k = terms[0].length;
  const rows = Array.from({ length: k }, () => new Float64Array(k + 3)); // normal equations
  terms.forEach((row, n) => {
    for (let i = 0; i < k; i++) {
      const factor = weights[n] * row[i];
      for (let j = 0; j < k; j++) rows[i][j] += factor * row[j];
      for (let c = 0; c < 3; c++) rows[i][k + c] += factor * colours[n][c];
    }
  });
  return solved(rows, k);
}

/** Solve k linear equations for three right sides, by elimination with pivots (Gauss, Jordan). */
function solved(rows, k) {
  for (let i = 0; i < k; i++) {
    const pivot = rows.slice(i).reduce((a, b) => (Math.abs(b[i]) > Math.abs(a[i]) ? b : a));
    rows.splice(rows.indexOf(pivot), 1);
    rows.splice(i, 0, pivot);
    const divisor = pivot[i] || Infinity; // what the terms don't tell is zero
    for (let j = 0; j < pivot.length; j++) pivot[j] /= divisor;
    for (const row of rows) {
      const factor = row[i];
      if (row !== pivot) for (let j = 0; j < row.length; j++) row[j] -= factor * pivot[j];
    }
  }
  return rows.map((row) => [...row.slice(k)]);
}

function valueOf(surface, row, c) {
  let sum = 0;
  for (let j = 0; j < surface.length; j++) sum += surface[j][c] * row[j];
  return sum;
}

/** Return which pixels are of the object, given how far they are from the ground. */
function standingOut(distance, noise, width, height) {
  const contrast = quantile(distance, 0.995);
  const least = Math.max(LEAST, OF_NOISE * noise, OF_CONTRAST * contrast);
  const mask = Uint8Array.from(distance, (each) => (each > least ? 1 : 0));
  const kept = grown(shrunk(mask, 3, width, height), 5, width, height); // without specks
  return kept.map((is, i) => is & mask[i]);
}

/** Return which pixels have one of the mask in the square around them. */
function grown(mask, side, width, height) {
  const reach = Math.floor(side / 2);
  const across = new Uint8Array(mask.length);
  const result = new Uint8Array(mask.length);
  for (let y = 0; y < height; y++) spread(mask, across, y * width, 1, width, reach);
  for (let x = 0; x < width; x++) spread(across, result, x, width, height, reach);
  return result;
}

/** Mark what is near the marks of one row or column: its first place, the step, its length. */
function spread(from, to, first, step, length, reach) {
  let end = 0; // of what is marked already
  for (let i = 0; i < length; i++) {
    if (!from[first + i * step]) continue;
    const stop = Math.min(length, i + reach + 1);
    for (let j = Math.max(end, i - reach); j < stop; j++) to[first + j * step] = 1;
    end = stop;
  }
}

/** Return which pixels have only those of the mask in the square around them. */
export function shrunk(mask, side, width, height) {
  return grown(
    mask.map((is) => 1 - is),
    side,
    width,
    height,
  ).map((is) => 1 - is);
}

/** Return the number below which a part of the numbers lies, between two of them in proportion. */
export function quantile(numbers, part) {
  const sorted = Float64Array.from(numbers).sort();
  const place = part * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

function medianOf(numbers) {
  return quantile(numbers, 0.5);
}

function largestOf3(differenceOf) {
  return Math.max(Math.abs(differenceOf(0)), Math.abs(differenceOf(1)), Math.abs(differenceOf(2)));
}

export function countOf(mask) {
  return mask.reduce((sum, is) => sum + is, 0);
}
