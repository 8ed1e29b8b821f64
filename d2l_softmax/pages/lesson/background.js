/**
 * Separate an object from its background: d2l_softmax/data/background.py without OpenCV, step by
 * step. The object is what differs by more than a threshold from a polynomial that is fitted to the
 * colours of the picture's border.
 */

const DEGREES = [3, 6, 6]; // number of terms of the polynomials that are fitted in turn
const BORDER = 0.02; // of the longer side
const INLIERS = 0.6; // share of the border in a fit; the rest, what differs most, may be an object
const MIN_PART = 0.05; // of the object's largest part; smaller parts are dropped

/**
 * Separate object and background of pixels (h w 3,) in [0, 1]. Return the background (h w 3,), the
 * object's mask (h w,), the standard deviation of the background's noise, and the share of the
 * border that differs from the background.
 */
function findObject(pixels, width, height) {
  const terms = Array.from({ length: width * height }, (_, i) => termsAt(i, width, height));
  const band = Math.max(2, Math.round(BORDER * Math.max(width, height))); // pixels
  const border = borderOf(width, height, band);
  const polynomials = fitBackground(
    border.map((i) => terms[i]),
    border.map((i) => pixels.subarray(3 * i, 3 * i + 3)),
  );
  const background = pixels.map((_, i) => valueAt(polynomials, terms[Math.floor(i / 3)], i % 3));
  const distances = Float64Array.from(terms, (_, i) => maxDifference(pixels, background, 3 * i));
  const noise = 1.4826 * median(border.map((i) => distances[i])); // if it is normally distributed
  const threshold = Math.max(0.03, 4 * noise, 0.12 * quantile(distances, 0.995));
  const above = Uint8Array.from(distances, (distance) => Number(distance > threshold));
  const near = dilate(erode(above, width, height, 1), width, height, 2);
  const mask = above.map((is, i) => is & near[i]); // without specks of noise
  const covered = sumOf(border.map((i) => mask[i])) / border.length;
  return { background, mask: withoutSmallParts(mask, width, height), noise, covered };
}

/** Return the terms of a quadratic polynomial at pixel i; x and y are in [-1, 1]. */
function termsAt(i, width, height) {
  const x = (2 * (i % width)) / (width - 1) - 1;
  const y = (2 * Math.floor(i / width)) / (height - 1) - 1;
  return [1, x, y, x * x, x * y, y * y];
}

/** Return the indices of the border's pixels: the outer `band` on each side. */
function borderOf(width, height, band) {
  return Array.from({ length: width * height }, (_, i) => i).filter((i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return Math.min(x, y, width - 1 - x, height - 1 - y) < band;
  });
}

/**
 * Fit colours (n, 3) by terms (n, 6): least squares, three times. The pixels that differ most from
 * the fit before, or at first from the median colour, are left out: an object at the border does
 * not bend the polynomials. Return their coefficients (6, 3).
 */
function fitBackground(terms, colours) {
  const middle = [0, 1, 2].map((c) => median(colours.map((colour) => colour[c])));
  let residuals = colours.map((colour) => maxDifference(colour, middle));
  let polynomials;
  for (const degree of DEGREES) {
    const limit = quantile(residuals, INLIERS);
    const inliers = [...terms.keys()].filter((n) => residuals[n] <= limit);
    polynomials = leastSquares(
      inliers.map((n) => terms[n]),
      inliers.map((n) => colours[n]),
      degree,
    );
    const fitted = (row) => [0, 1, 2].map((c) => valueAt(polynomials, row, c));
    residuals = terms.map((row, n) => maxDifference(colours[n], fitted(row)));
  }
  return polynomials;
}

/** Return coefficients (6, 3) of least squares; those from `degree` on are zero. */
function leastSquares(terms, colours, degree) {
  // rows of the normal equations
  const rows = Array.from({ length: degree }, () => new Float64Array(degree + 3));
  terms.forEach((row, n) => {
    for (let i = 0; i < degree; i++) {
      for (let j = 0; j < degree; j++) rows[i][j] += row[i] * row[j];
      for (let c = 0; c < 3; c++) rows[i][degree + c] += row[i] * colours[n][c];
    }
  });
  rows.forEach((row, i) => {
    row[i] += 1e-9; // so that it can be solved, whatever the terms
    row.set(row.map((value) => value / row[i]));
    for (const other of rows) {
      const factor = other[i];
      if (other !== row) other.forEach((value, j) => (other[j] = value - factor * row[j]));
    }
  });
  return Array.from({ length: 6 }, (_, i) => rows[i]?.slice(degree) ?? [0, 0, 0]);
}

/**
 * Return the largest connected part of a mask, and those of similar size. Pixels are connected to
 * their eight neighbours.
 */
function withoutSmallParts(mask, width, height) {
  const rest = mask.slice(); // pixels that are in no part yet
  const parts = [];
  for (let first = 0; first < rest.length; first++) {
    if (!rest[first]) continue;
    const part = [first];
    rest[first] = 0;
    for (let k = 0; k < part.length; k++) {
      for (const i of neighbours(part[k], width, height, 1)) {
        if (rest[i]) part.push(i);
        rest[i] = 0;
      }
    }
    parts.push(part);
  }
  const largest = parts.reduce((size, part) => Math.max(size, part.length), 0);
  const kept = new Uint8Array(mask.length);
  for (const part of parts) {
    if (part.length >= MIN_PART * largest) for (const i of part) kept[i] = 1;
  }
  return kept;
}

/** Return the pixels of the picture in the square around pixel i, itself included. */
function neighbours(i, width, height, radius) {
  const [x, y] = [i % width, Math.floor(i / width)];
  const found = [];
  for (let row = Math.max(0, y - radius); row <= Math.min(height - 1, y + radius); row++) {
    for (let column = Math.max(0, x - radius); column <= Math.min(width - 1, x + radius); column++)
      found.push(row * width + column);
  }
  return found;
}

/** Dilate a mask by a square that reaches `radius` pixels to each side. */
function dilate(mask, width, height, radius) {
  const dilated = new Uint8Array(mask.length);
  mask.forEach((is, i) => {
    if (is) for (const near of neighbours(i, width, height, radius)) dilated[near] = 1;
  });
  return dilated;
}

/** Erode a mask by such a square; outside the picture counts as mask. */
function erode(mask, width, height, radius) {
  const outside = mask.map((is) => 1 - is);
  return dilate(outside, width, height, radius).map((is) => 1 - is);
}

function valueAt(polynomials, row, c) {
  let sum = 0;
  for (let j = 0; j < 6; j++) sum += polynomials[j][c] * row[j];
  return sum;
}

/** Return a quantile of numbers, such as 0.5 for the median: the nearest one. */
function quantile(numbers, share) {
  const sorted = Float64Array.from(numbers).sort();
  return sorted[Math.round(share * (sorted.length - 1))];
}

function median(numbers) {
  return quantile(numbers, 0.5);
}

/** Return the largest difference of two colours among red, green and blue, which begin at i. */
function maxDifference(colours, others, i = 0) {
  let largest = 0;
  for (let c = i; c < i + 3; c++) largest = Math.max(largest, Math.abs(colours[c] - others[c]));
  return largest;
}
