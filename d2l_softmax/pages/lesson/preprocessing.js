/**
 * A picture becomes the model's input, as Fashion-MNIST's images were made (Xiao, Rasul and
 * Vollgraf, 2017, section 2): as d2l_softmax/data/preprocessing.py does it without OpenCV, but
 * resized by area averages and not sharpened.
 */

const WORKING_SIDE = 256; // pixels of the longer side
const MIN_SIZE = 0.05; // of the foreground, as a share of the picture's longer side
const [MAX_COVERED, MAX_NOISE] = [0.35, 0.1]; // share of the border; standard deviation
const MIN_CONTRAST = 0.03; // between the edge and the rest of a cut-out object

/**
 * Return the model's input X (784,) in [0, 1] for a picture { pixels, width, height } (RGBA), the
 * picture after each step, and warnings ("blank", "speck", "cluttered").
 */
function preprocess(picture) {
  const steps = [{ name: "picture", ...picture }];
  const colours = withoutTransparency(picture);
  if (Math.max(picture.width, picture.height) <= SIDE) {
    const gray = toGray(colours);
    const edge = borderOf(picture.width, picture.height, 1).map((i) => gray.pixels[i]);
    const isBlank = gray.pixels.every((shade) => shade === gray.pixels[0]);
    return { X: centred(gray, median(edge)), steps, warnings: isBlank ? ["blank"] : [] };
  }
  const small = longer(colours) > WORKING_SIDE ? toSide(colours, WORKING_SIDE) : colours;
  const found = findObject(small.pixels, small.width, small.height);
  const isNoisy = found.noise > MAX_NOISE;
  if (!found.mask.some(Boolean)) {
    const X = new Float64Array(SIDE * SIDE);
    return { X, steps, warnings: [isNoisy ? "cluttered" : "blank"] };
  }
  const light = withoutBackground(small, found);
  const trimmed = trim(light, found.mask);
  const scaled = toSide(trimmed, SIDE);
  steps.push(
    { name: "withoutBackground", ...light },
    { name: "trimmed", ...trimmed },
    { name: "scaled", ...scaled },
  );
  const isSpeck = longer(trimmed) < MIN_SIZE * longer(small);
  const isCluttered = isNoisy || found.covered > MAX_COVERED;
  const warnings = isSpeck ? ["speck"] : isCluttered ? ["cluttered"] : [];
  return { X: centred(scaled, 0), steps, warnings };
}

function longer({ width, height }) {
  return Math.max(width, height);
}

/** Return an RGBA picture as RGB in [0, 1], its transparent parts black or white. */
function withoutTransparency({ pixels, width, height }) {
  const colours = new Float64Array(3 * width * height);
  const alpha = new Float64Array(width * height);
  alpha.forEach((_, i) => {
    alpha[i] = pixels[4 * i + 3] / 255;
    for (let c = 0; c < 3; c++) colours[3 * i + c] = pixels[4 * i + c] / 255;
  });
  const result = { pixels: colours, width, height, channels: 3 };
  if (alpha.every((share) => share === 1)) return result;
  const shade = isLightOnDark(toGray(result).pixels, alpha, width, height) ? 0 : 1;
  const mixed = colours.map((colour, i) => {
    const share = alpha[Math.floor(i / 3)];
    return share * colour + (1 - share) * shade;
  });
  return { ...result, pixels: mixed };
}

/** Return true if an object was cut out of a dark background: some is left along its edge. */
function isLightOnDark(gray, alpha, width, height) {
  const visible = alpha.map((share) => Number(share > 0));
  const inner = erode(visible, width, height, 1);
  const mean = (isChosen) => {
    const chosen = gray.filter((_, i) => visible[i] && isChosen(i));
    return sumOf(chosen) / chosen.length;
  };
  const contrast = mean((i) => inner[i]) - mean((i) => !inner[i]);
  return Math.abs(contrast) > MIN_CONTRAST ? contrast > 0 : mean(() => true) > 0.5;
}

/** Return the luma of an RGB picture. */
function toGray({ pixels, width, height }) {
  const gray = Float64Array.from({ length: width * height }, (_, i) => {
    const [red, green, blue] = pixels.subarray(3 * i, 3 * i + 3);
    return 0.299 * red + 0.587 * green + 0.114 * blue;
  });
  return { pixels: gray, width, height, channels: 1 };
}

/** Return the foreground light on black: its distance from the background, along one colour. */
function withoutBackground({ pixels, width, height }, { background, mask }) {
  const difference = pixels.map((value, i) => value - background[i]);
  const colour = [0, 0, 0]; // the sum over the foreground
  difference.forEach((value, i) => (colour[i % 3] += mask[Math.floor(i / 3)] * value));
  const length = Math.hypot(...colour) || 1;
  const distances = Float64Array.from(mask, (_, i) => {
    const [red, green, blue] = difference.subarray(3 * i, 3 * i + 3);
    return (red * colour[0] + green * colour[1] + blue * colour[2]) / length;
  });
  const eroded = erode(mask, width, height, 1);
  const inner = eroded.some(Boolean) ? eroded : mask;
  const inside = distances.filter((_, i) => inner[i]);
  const [black, white] = [0.02, 0.998].map((share) => quantile(inside, share));
  const from = Math.min(0, black);
  const shades = distances.map((distance, i) =>
    mask[i] ? Math.max(0, Math.min(1, (distance - from) / (white - from))) : 0,
  );
  return { pixels: shades, width, height, channels: 1 };
}

/** Return the smallest rectangle of a gray picture that has all of the mask. */
function trim({ pixels, width }, mask) {
  const chosen = [...mask.keys()].filter((i) => mask[i]);
  const columns = chosen.map((i) => i % width).sort((a, b) => a - b);
  const [left, right] = [columns[0], columns[columns.length - 1] + 1];
  const [top, bottom] = [chosen[0], chosen[chosen.length - 1]].map((i) => Math.floor(i / width));
  const rows = Array.from({ length: bottom + 1 - top }, (_, y) => [
    ...pixels.subarray((top + y) * width + left, (top + y) * width + right),
  ]);
  const size = { width: right - left, height: rows.length };
  return { pixels: Float64Array.from(rows.flat()), ...size, channels: 1 };
}

/** Return a picture scaled so that its longer side has a number of pixels, by area averages. */
function toSide(picture, side) {
  const [width, height] = [picture.width, picture.height].map((length) =>
    Math.max(1, Math.round((length * side) / longer(picture))),
  );
  const columns = overlaps(picture.width, width);
  const rows = overlaps(picture.height, height);
  const { pixels, channels } = picture;
  const scaled = Float64Array.from({ length: width * height * channels }, (_, i) => {
    const place = Math.floor(i / channels);
    let sum = 0;
    for (const [y, down] of rows[Math.floor(place / width)]) {
      for (const [x, across] of columns[place % width]) {
        sum += down * across * pixels[(y * picture.width + x) * channels + (i % channels)];
      }
    }
    return sum;
  });
  return { pixels: scaled, width, height, channels };
}

/** Return, for each new pixel along a side, the old pixels under it: [index, share] of each. */
function overlaps(from, to) {
  const scale = from / to;
  return Array.from({ length: to }, (_, i) => {
    const [start, end] = [i * scale, Math.min(from, (i + 1) * scale)];
    const first = Math.floor(start);
    return Array.from({ length: Math.ceil(end) - first }, (_, k) => {
      const [left, right] = [Math.max(start, first + k), Math.min(end, first + k + 1)];
      return [first + k, (right - left) / scale];
    });
  });
}

/** Return a gray picture in the middle of a square as the model's input (784,), light on dark. */
function centred({ pixels, width, height }, border) {
  const isInverted = border > 0.5;
  const X = new Float64Array(SIDE * SIDE).fill(isInverted ? 1 - border : border);
  const [left, top] = [width, height].map((length) => Math.floor((SIDE - length + 1) / 2));
  pixels.forEach((shade, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    X[(top + y) * SIDE + left + x] = isInverted ? 1 - shade : shade;
  });
  return X;
}
