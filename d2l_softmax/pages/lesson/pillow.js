/**
 * What Pillow computes, to the last bit. A picture is { pixels, width, height, channels }, its
 * pixels a Uint8Array, row by row, the channels of a pixel side by side.
 */

const ONE = 2 ** 22; // Pillow's weights are whole numbers of this unit (its Resample.c)
const BOX_WEIGHTS = { middle: 11184811, beside: 2796202 }; // of 2 ** 24, as float32 rounds them

/** Return a picture with fn(i) at the place i of its pixels. */
function filled(width, height, channels, fn) {
  const pixels = new Uint8Array(width * height * channels);
  for (let i = 0; i < pixels.length; i++) pixels[i] = fn(i);
  return { pixels, width, height, channels };
}

/** Return some channels of a picture, such as [0, 1, 2] of RGBA. */
export function channelsOf({ pixels, width, height, channels }, chosen) {
  const result = new Uint8Array(width * height * chosen.length); // of all pixels: a plain loop
  for (let to = 0, from = 0; to < result.length; from += channels) {
    for (const c of chosen) result[to++] = pixels[from + c];
  }
  return { pixels: result, width, height, channels: chosen.length };
}

/** Return the gray of a coloured picture (ITU-R BT.601's luma, in whole numbers). */
export function grayOf({ pixels, width, height, channels }) {
  return filled(width, height, 1, (i) => {
    const at = i * channels;
    const sum = pixels[at] * 19595 + pixels[at + 1] * 38470 + pixels[at + 2] * 7471;
    return (sum + 0x8000) >> 16;
  });
}

export function inverted({ pixels, width, height, channels }) {
  return filled(width, height, channels, (i) => 255 - pixels[i]);
}

/** Return the part of a picture from left and upper to right and lower, which are not in it. */
export function cropped({ pixels, width, channels }, [left, upper, right, lower]) {
  const row = (right - left) * channels;
  return filled(right - left, lower - upper, channels, (i) => {
    const y = Math.floor(i / row);
    return pixels[((upper + y) * width + left) * channels + (i - y * row)];
  });
}

const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const FILTERS = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** Return a picture of another size, by the filter "box" or "lanczos": across first, then down. */
export function resized(picture, width, height, filter) {
  let result = picture;
  if (width !== picture.width) result = resizedAcross(result, width, FILTERS[filter]);
  if (height === picture.height) return result;
  return transposed(resizedAcross(transposed(result), height, FILTERS[filter]));
}

function resizedAcross({ pixels, width, height, channels }, length, filter) {
  const taps = tapsOf(width, length, filter);
  const result = new Uint8Array(length * height * channels);
  let place = 0;
  for (let y = 0; y < height; y++) {
    for (const { first, weights } of taps) {
      for (let c = 0; c < channels; c++) {
        let sum = ONE / 2;
        let from = (y * width + first) * channels + c;
        for (let k = 0; k < weights.length; k++, from += channels) sum += pixels[from] * weights[k];
        result[place++] = clipped(Math.floor(sum / ONE));
      }
    }
  }
  return { pixels: result, width: length, height, channels };
}

/** Return which pixels make each pixel of the result: the first, and weights in whole numbers. */
function tapsOf(from, to, { support, weight }) {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  return Array.from({ length: to }, (_, i) => {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support * stretch + 0.5));
    const end = Math.min(from, Math.trunc(center + support * stretch + 0.5));
    const weights = Array.from({ length: end - first }, (_, k) =>
      weight((k + first - center + 0.5) / stretch),
    );
    const sum = weights.reduce((total, w) => total + w, 0);
    const whole = weights.map((w) => Math.trunc((w / sum) * ONE + (w < 0 ? -0.5 : 0.5)));
    return { first, weights: whole };
  });
}

function transposed({ pixels, width, height, channels }) {
  const result = new Uint8Array(pixels.length);
  let to = 0;
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      for (let c = 0; c < channels; c++) result[to++] = pixels[(y * width + x) * channels + c];
    }
  }
  return { pixels: result, width: height, height: width, channels };
}

function clipped(shade) {
  return Math.min(255, Math.max(0, shade));
}

/** Return the median of each pixel and its eight neighbours; the border is repeated outwards. */
export function median({ pixels, width, height, channels }) {
  const nine = new Uint8Array(9);
  return filled(width, height, channels, (i) => {
    const place = Math.floor(i / channels);
    const [x, y] = [place % width, Math.floor(place / width)];
    for (let k = 0; k < 9; k++) {
      const row = within(y - 1 + Math.floor(k / 3), height);
      const column = within(x - 1 + (k % 3), width);
      insert(nine, k, pixels[(row * width + column) * channels + (i % channels)]);
    }
    return nine[4];
  });
}

/** Put a number among the first n of an array, which are in order. */
function insert(numbers, n, number) {
  while (n > 0 && numbers[n - 1] > number) numbers[n] = numbers[--n];
  numbers[n] = number;
}

function within(place, length) {
  return Math.min(length - 1, Math.max(0, place));
}

/** Return a gray picture sharpened: 40 % of its difference from itself, blurred, are added. */
export function sharpened(picture) {
  const blurry = transposed(blurred(transposed(blurred(picture))));
  return filled(picture.width, picture.height, 1, (i) => {
    const difference = picture.pixels[i] - blurry.pixels[i];
    return clipped(picture.pixels[i] + Math.trunc((difference * 40) / 100));
  });
}

/**
 * Return a gray picture blurred across, by a Gaussian of radius 1: three boxes of radius 1/4, each
 * with 2/3 of a pixel and 1/6 of the ones beside it (Gwosdek et al., 2011, as Pillow's BoxBlur.c).
 */
function blurred(picture) {
  const { width, height } = picture;
  let { pixels } = picture;
  for (let pass = 0; pass < 3; pass++) {
    const before = pixels;
    ({ pixels } = filled(width, height, 1, (i) => {
      const x = i % width;
      const sides = before[i - (x > 0)] + before[i + (x < width - 1)];
      const sum = before[i] * BOX_WEIGHTS.middle + sides * BOX_WEIGHTS.beside;
      return Math.floor((sum + 2 ** 23) / 2 ** 24);
    }));
  }
  return { ...picture, pixels };
}

/** Return the means of factor × factor pixels; at the right and below, of those that are left. */
export function reduced({ pixels, width, height, channels }, factor) {
  const [w, h] = [Math.ceil(width / factor), Math.ceil(height / factor)];
  return filled(w, h, channels, (i) => {
    const place = Math.floor(i / channels);
    const [left, upper] = [(place % w) * factor, Math.floor(place / w) * factor];
    const [right, lower] = [Math.min(width, left + factor), Math.min(height, upper + factor)];
    let sum = 0;
    for (let y = upper; y < lower; y++) {
      for (let x = left; x < right; x++) sum += pixels[(y * width + x) * channels + (i % channels)];
    }
    return Math.round(sum / ((right - left) * (lower - upper)));
  });
}
