/**
 * A picture as Fashion-MNIST's were made (Xiao, Rasul and Vollgraf, 2017, section 2): the twin of
 * d2l_softmax/data/preprocessing.py, of which each step is the same.
 */

import { SIDE } from "./examples.js";
import { countOf, findObject, quantile, shrunk } from "./background.js";
import { channelsOf, cropped, grayOf, inverted, median, resized, sharpened } from "./pillow.js";
import { roundHalfToEven } from "./precision.js";

const WORKING_SIDE = 256; // pixels of the copy that is worked on
const SMALLEST = 0.05; // of the picture's longer side
const [MOST_BORDER, MOST_NOISE] = [0.35, 0.1]; // covered by the object; in parts of white
const MIN_CONTRAST = 0.03; // between the edge and the rest of an object

/**
 * Return what the model sees of a picture { pixels, width, height } (RGBA): X (784,) in [0, 1], the
 * picture after each step, and doubts ("blank", "speck", "cluttered").
 */
export function prepare(picture) {
  const whole = { ...picture, channels: 4 };
  const isLarge = Math.max(whole.width, whole.height) > SIDE;
  if (isLarge && isOpaque(whole)) return ofPhotograph(whole);
  const visible = withoutMargin(whole);
  const { gray: flat, ground } = flattened(visible);
  if (ground === null && Math.max(visible.width, visible.height) > SIDE)
    return ofPhotograph(visible);
  const steps = [{ name: "picture", ...whole }];
  let [gray, border] = [flat, ground ?? borderShade(flat)];
  if (border > 127) [gray, border] = [inverted(gray), 255 - border];
  if (ground !== null) steps.push({ name: "trimmed", ...gray });
  const longer = Math.max(gray.width, gray.height);
  if (longer < SIDE - 2 || longer > SIDE) {
    // a margin does less harm than a pixel more
    gray = toSide(gray);
    steps.push({ name: "resized", ...gray });
  }
  const isBlank = gray.pixels.every((shade) => shade === gray.pixels[0]);
  return { X: inTheMiddle(gray, border), steps, doubts: isBlank ? ["blank"] : [] };
}

/** Return what the model sees of a picture whose ground is to be taken away. */
function ofPhotograph(picture) {
  const steps = [{ name: "picture", ...picture }];
  const factor = Math.max(1, Math.max(picture.width, picture.height) / WORKING_SIDE);
  const [width, height] = [picture.width, picture.height].map((length) =>
    Math.max(5, roundHalfToEven(length / factor)),
  );
  const small = resized(channelsOf(picture, [0, 1, 2]), width, height, "box");
  const found = findObject(inUnitInterval(median(small)), width, height);
  if (!countOf(found.mask)) {
    return {
      X: new Float64Array(SIDE * SIDE),
      steps,
      doubts: [found.noise > MOST_NOISE ? "cluttered" : "blank"],
    };
  }
  const light = withoutGround(inUnitInterval(small), found, width, height);
  const trimmed = cropped(light, boundsOf(found.mask, width, height));
  const sharp = sharpened(toSide(trimmed));
  steps.push(
    { name: "withoutGround", ...light },
    { name: "trimmed", ...trimmed },
    { name: "resized", ...sharp },
  );
  return { X: inTheMiddle(sharp, 0), steps, doubts: doubtsOf(found, trimmed, width, height) };
}

/** Return the object light on black: its distance from the ground, along the colour of both. */
function withoutGround(pixels, { ground, mask }, width, height) {
  const away = pixels.map((value, i) => value - ground[i]);
  const size = countOf(mask);
  const colour = [0, 1, 2].map(
    (c) => mask.reduce((sum, is, i) => sum + (is ? away[3 * i + c] : 0), 0) / size,
  );
  const length = Math.hypot(...colour) + 1e-9;
  const distance = Float64Array.from(
    mask,
    (_, i) => dot3(away.subarray(3 * i, 3 * i + 3), colour) / length,
  );
  let inside = shrunk(mask, 3, width, height);
  if (!countOf(inside)) inside = mask;
  const black = Math.min(
    0,
    quantile(
      distance.filter((_, i) => inside[i]),
      0.02,
    ),
  );
  const light = distance.map((each, i) => (mask[i] ? Math.max(0, each - black) : 0));
  const white = Math.max(
    1e-3,
    quantile(
      light.filter((_, i) => inside[i]),
      0.998,
    ),
  );
  const shades = Uint8Array.from(light, (each) => roundHalfToEven(255 * Math.min(1, each / white)));
  return { pixels: shades, width, height, channels: 1 };
}

function dot3([a, b, c], [d, e, f]) {
  return a * d + b * e + c * f;
}

function doubtsOf({ shareOfBorder, noise }, trimmed, width, height) {
  const longer = Math.max(trimmed.width, trimmed.height);
  if (longer < SMALLEST * Math.max(width, height)) return ["speck"];
  return shareOfBorder > MOST_BORDER || noise > MOST_NOISE ? ["cluttered"] : [];
}

function isOpaque({ pixels }) {
  for (let i = 3; i < pixels.length; i += 4) if (pixels[i] < 255) return false;
  return true;
}

/** Return a picture without the margin in which it is transparent, if it has one. */
function withoutMargin(picture) {
  const alpha = channelsOf(picture, [3]);
  return alpha.pixels.some(Boolean)
    ? cropped(picture, boundsOf(alpha.pixels, picture.width, picture.height))
    : picture;
}

/** Return left, upper, right and lower end of what is not zero (h w,). */
function boundsOf(mask, width, height) {
  let [left, upper, right, lower] = [width, height, 0, 0];
  mask.forEach((is, i) => {
    if (!is) return;
    const [x, y] = [i % width, Math.floor(i / width)];
    [left, upper] = [Math.min(left, x), Math.min(upper, y)];
    [right, lower] = [Math.max(right, x + 1), Math.max(lower, y + 1)];
  });
  return [left, upper, right, lower];
}

/** Return a picture in gray without transparency, and the shade that filled it, or null. */
function flattened(picture) {
  const gray = grayOf(picture);
  const alpha = channelsOf(picture, [3]).pixels;
  if (alpha.every((each) => each === 255) || !alpha.some(Boolean)) return { gray, ground: null };
  const ground = isLightOnDark(gray, alpha) ? 0 : 255;
  const pixels = gray.pixels.map((shade, i) => blend(shade, ground, alpha[i]));
  return { gray: { ...gray, pixels }, ground };
}

/** Return a share of alpha / 255 of the one shade and the rest of the other, as Pillow rounds. */
function blend(shade, other, alpha) {
  const sum = shade * alpha + other * (255 - alpha) + 128;
  return (sum + (sum >> 8)) >> 8;
}

/** Tell whether an object was cut out of a dark ground, of which some is left along its edge. */
function isLightOnDark({ pixels, width, height }, alpha) {
  const visible = alpha.map((each) => (each ? 1 : 0));
  const inner = visible.map((is, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    if (!is || Math.min(x, y) === 0 || x === width - 1 || y === height - 1) return 0;
    return [-width, 0, width].every((row) =>
      [-1, 0, 1].every((column) => visible[i + row + column]),
    )
      ? 1
      : 0;
  });
  const rim = visible.map((is, i) => is - inner[i]);
  const mean = (mask) =>
    pixels.reduce((sum, shade, i) => sum + shade * mask[i], 0) / countOf(mask) / 255;
  const contrast = countOf(inner) ? mean(inner) - mean(rim) : 0;
  return Math.abs(contrast) > MIN_CONTRAST ? contrast > 0 : mean(visible) > 0.5;
}

/** Return the lower median of the outermost pixels, which count twice in the corners. */
function borderShade({ pixels, width, height }) {
  const edges = [];
  for (let x = 0; x < width; x++) edges.push(pixels[x], pixels[(height - 1) * width + x]);
  for (let y = 0; y < height; y++) edges.push(pixels[y * width], pixels[y * width + width - 1]);
  edges.sort((a, b) => a - b);
  return edges[Math.floor((edges.length - 1) / 2)];
}

/** Return a gray picture whose longer side has 28 pixels. */
function toSide(gray) {
  const longer = Math.max(gray.width, gray.height);
  const [width, height] = [gray.width, gray.height].map((length) =>
    Math.max(1, roundHalfToEven((length * SIDE) / longer)),
  );
  return resized(gray, width, height, "lanczos");
}

/** Return a gray picture on a square of a shade as the model's input (784,). */
function inTheMiddle({ pixels, width, height }, border) {
  const X = new Float64Array(SIDE * SIDE).fill(border / 255);
  const [left, upper] = [width, height].map((length) => Math.floor((SIDE - length + 1) / 2));
  pixels.forEach((shade, i) => {
    X[(upper + Math.floor(i / width)) * SIDE + left + (i % width)] = shade / 255;
  });
  return X;
}

function inUnitInterval({ pixels }) {
  return new Float64Array(pixels).map((shade) => shade / 255);
}
