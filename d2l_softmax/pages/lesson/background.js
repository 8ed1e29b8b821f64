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
 * Separate object and background of a picture { planes, width, height }: red, green and blue (h w,)
 * in [0, 1]. Return the background's planes, the object's mask (h w,), the standard deviation of
 * the background's noise, and the share of the border that differs from the background.
 */
function findObject({ planes, width, height }) {
  const terms = Array.from(planes[0], (_, i) => termsAt(i, width, height));
  const band = Math.max(2, Math.round(BORDER * Math.max(width, height))); // pixels
  const border = borderOf(width, height, band);
  const along = (values) => border.map((i) => values[i]);

  // The pixels that differ most from the fit before, or at first from the median colour, are left
  // out of a fit: an object at the border does not bend the polynomials.
  let background = planes.map((plane) => plane.slice().fill(quantile(along(plane), 0.5)));
  for (const degree of DEGREES) {
    const residuals = along(differences(planes, background));
    const limit = quantile(residuals, INLIERS);
    const inliers = border.filter((_, n) => residuals[n] <= limit);
    background = planes.map((plane) => fitted(plane, terms, inliers, degree));
  }
  const distances = differences(planes, background);
  const noise = 1.4826 * quantile(along(distances), 0.5); // if it is normally distributed
  const threshold = Math.max(0.03, 4 * noise, 0.12 * quantile(distances, 0.995));
  const above = Uint8Array.from(distances, (distance) => Number(distance > threshold));
  const core = erode(above, width, height);
  const near = dilate(dilate(core, width, height), width, height);
  const mask = above.map((is, i) => is & near[i]); // without specks of noise
  const covered = mean(along(mask));
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

/** Return each pixel's largest difference of two pictures' red, green or blue. */
function differences([red, green, blue], [r, g, b]) {
  return red.map((_, i) =>
    Math.max(Math.abs(red[i] - r[i]), Math.abs(green[i] - g[i]), Math.abs(blue[i] - b[i])),
  );
}

/** Fit the first terms, `degree` of them, to values at the inliers; return the fit everywhere. */
function fitted(values, terms, inliers, degree) {
  // least squares: rows of the normal equations
  const rows = Array.from({ length: degree }, () => new Float64Array(degree + 1));
  for (const i of inliers) {
    rows.forEach((row, j) => {
      for (let k = 0; k < degree; k++) row[k] += terms[i][j] * terms[i][k];
      row[degree] += terms[i][j] * values[i];
    });
  }
  rows.forEach((row, j) => {
    row[j] += 1e-9; // so that it can be solved, whatever the terms
    row.set(row.map((value) => value / row[j]));
    for (const other of rows) {
      const factor = other[j];
      if (other !== row) other.forEach((value, k) => (other[k] = value - factor * row[k]));
    }
  });
  return values.map((_, i) => rows.reduce((sum, row, j) => sum + row[degree] * terms[i][j], 0));
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
    for (const i of part) {
      for (const near of neighbours(i, width, height)) {
        if (rest[near]) part.push(near);
        rest[near] = 0;
      }
    }
    parts.push(part);
  }
  const least = MIN_PART * largest(parts.map((part) => part.length));
  const kept = new Uint8Array(mask.length);
  for (const part of parts) if (part.length >= least) for (const i of part) kept[i] = 1;
  return kept;
}

/** Return the pixels of the picture in the 3×3 square around pixel i, itself included. */
function neighbours(i, width, height) {
  const [x, y] = [i % width, Math.floor(i / width)];
  const found = [];
  for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
    for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++)
      found.push(row * width + column);
  }
  return found;
}

/** Dilate a mask by a square of 3×3 pixels. */
function dilate(mask, width, height) {
  const dilated = new Uint8Array(mask.length);
  mask.forEach((is, i) => {
    if (is) for (const near of neighbours(i, width, height)) dilated[near] = 1;
  });
  return dilated;
}

/** Erode a mask by such a square; outside the picture counts as mask. */
function erode(mask, width, height) {
  const outside = mask.map((is) => 1 - is);
  return dilate(outside, width, height).map((is) => 1 - is);
}
