/**
 * Foreground and background of a picture. The background is modelled as a smooth surface of colour,
 * fitted robustly to the picture's border; the foreground is what differs by more than a threshold.
 */

const TERMS = 6; // of a quadratic surface in x and y
const DEGREES = [1, 1, 3, 3, 6, 6, 6]; // number of terms in each round: constant, linear, quadratic
const MIN_SCALE = 0.004; // of residuals; colours are in [0, 1]

/**
 * Separate foreground and background of pixels (h w 3,) in [0, 1]. Return the background (h w 3,),
 * the foreground's mask (h w,), the standard deviation of the background's noise, and the share of
 * the border that the foreground covers.
 */
export function findForeground(pixels, width, height) {
  const terms = Array.from({ length: width * height }, (_, i) => termsAt(i, width, height));
  const border = borderOf(width, height);
  const { surface, noise } = fitSurface(
    border.map((i) => terms[i]),
    border.map((i) => pixels.subarray(3 * i, 3 * i + 3)),
  );
  const background = pixels.map((_, i) => valueAt(surface, terms[Math.floor(i / 3)], i % 3));
  const distances = Float64Array.from(terms, (_, i) => maxDifference(pixels, background, 3 * i));
  const threshold = Math.max(0.03, 4 * noise, 0.12 * quantile(distances, 0.995));
  const above = Uint8Array.from(distances, (distance) => Number(distance > threshold));
  const counts = countNeighbours(above, width, height);
  const mask = above.map((is, i) => Number(is && counts[i] >= 5)); // without specks of noise
  return { background, mask, noise, covered: sumOf(border.map((i) => mask[i])) / border.length };
}

/** Return the terms of a quadratic surface at pixel i; x and y are in [-1, 1]. */
function termsAt(i, width, height) {
  const x = (2 * (i % width)) / (width - 1) - 1;
  const y = (2 * Math.floor(i / width)) / (height - 1) - 1;
  return [1, x, y, x * x, x * y, y * y];
}

/** Return the indices of the border's pixels: the outer 2 % of the longer side, two at least. */
function borderOf(width, height) {
  const band = Math.max(2, Math.round(0.02 * Math.max(width, height)));
  return Array.from({ length: width * height }, (_, i) => i).filter((i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return Math.min(x, y, width - 1 - x, height - 1 - y) < band;
  });
}

/**
 * Fit colours (n, 3) by terms (n, 6), by iteratively reweighted least squares: an object at the
 * border does not bend the surface. Return the surface (6, 3) and the noise.
 */
function fitSurface(terms, colours) {
  const constant = [0, 1, 2].map((c) => median(colours.map((colour) => colour[c])));
  let residuals = colours.map((colour) => maxDifference(colour, constant));
  let surface;
  for (const degree of DEGREES) {
    const scale = 2 * Math.max(median(residuals), MIN_SCALE);
    // weights of Geman and McClure: 1 for no residual, a quarter at twice the median
    const weights = residuals.map((residual) => 1 / (1 + (residual / scale) ** 2) ** 2);
    surface = leastSquares(terms, colours, weights, degree);
    residuals = terms.map((row, n) =>
      maxDifference(
        colours[n],
        [0, 1, 2].map((c) => valueAt(surface, row, c)),
      ),
    );
  }
  return { surface, noise: 1.4826 * median(residuals) }; // as of a normal distribution
}

/** Return coefficients (6, 3) of weighted least squares; those from `degree` on are zero. */
function leastSquares(terms, colours, weights, degree) {
  // rows of the normal equations
  const rows = Array.from({ length: degree }, () => new Float64Array(degree + 3));
  terms.forEach((row, n) => {
    for (let i = 0; i < degree; i++) {
      const factor = weights[n] * row[i];
      for (let j = 0; j < degree; j++) rows[i][j] += factor * row[j];
      for (let c = 0; c < 3; c++) rows[i][degree + c] += factor * colours[n][c];
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
  return Array.from({ length: TERMS }, (_, i) => rows[i]?.slice(degree) ?? [0, 0, 0]);
}

function valueAt(surface, row, c) {
  let sum = 0;
  for (let j = 0; j < TERMS; j++) sum += surface[j][c] * row[j];
  return sum;
}

/** Return how many pixels of a mask are in the 3×3 square around each pixel, itself included. */
export function countNeighbours(mask, width, height) {
  const counts = new Uint8Array(mask.length);
  mask.forEach((is, i) => {
    if (!is) return;
    const [x, y] = [i % width, Math.floor(i / width)];
    for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
      for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
        counts[row * width + column] += 1;
      }
    }
  });
  return counts;
}

/** Return a quantile of numbers, such as 0.5 for the median: the nearest one. */
export function quantile(numbers, share) {
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

export function sumOf(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0);
}
