/**
 * A picture becomes the model's input, as Fashion-MNIST's images were made (Xiao, Rasul and
 * Vollgraf, 2017, section 2): as d2l_softmax/data/preprocessing.py does it without OpenCV, but
 * resized by area averages and not sharpened. Pictures are { planes, width, height }: three planes
 * of colours or one of gray, each (h w,) in [0, 1].
 */

const WORKING_SIDE = 256; // pixels of the longer side
const MIN_SIZE = 0.05; // of the foreground, as a share of the picture's longer side
const [MAX_COVERED, MAX_NOISE] = [0.35, 0.1]; // share of the border; standard deviation
const MIN_CONTRAST = 0.03; // between the edge and the rest of a cut-out object

/**
 * Return the model's input X (784,) in [0, 1] for an ImageData, images of the picture after each
 * step, and warnings ("blank", "speck", "cluttered").
 */
function preprocess(image) {
  const steps = [{ name: "picture", image }];
  const picture = withoutTransparency(image);
  if (longer(picture) <= SIDE) {
    const gray = luma(picture.planes);
    const border = borderOf(picture.width, picture.height, 1).map((i) => gray[i]);
    const X = centred({ ...picture, planes: [gray] }, quantile(border, 0.5));
    return { X, steps, warnings: gray.every((shade) => shade === gray[0]) ? ["blank"] : [] };
  }
  const small = longer(picture) > WORKING_SIDE ? toSide(picture, WORKING_SIDE) : picture;
  const found = findObject(small);
  const isNoisy = found.noise > MAX_NOISE;
  if (!found.mask.some(Boolean)) {
    const X = new Float64Array(SIDE * SIDE);
    return { X, steps, warnings: [isNoisy ? "cluttered" : "blank"] };
  }
  const withoutBackground = subtractBackground(small, found);
  const trimmed = trim(withoutBackground, found.mask);
  const scaled = toSide(trimmed, SIDE);
  for (const [name, gray] of Object.entries({ withoutBackground, trimmed, scaled }))
    steps.push({ name, image: grayImage(gray.planes[0], gray.width, gray.height) });
  const isSpeck = longer(trimmed) < MIN_SIZE * longer(small);
  const isCluttered = isNoisy || found.covered > MAX_COVERED;
  const warnings = isSpeck ? ["speck"] : isCluttered ? ["cluttered"] : [];
  return { X: centred(scaled, 0), steps, warnings };
}

function longer({ width, height }) {
  return Math.max(width, height);
}

/** Return the picture of an ImageData, its transparent parts black or white. */
function withoutTransparency({ data, width, height }) {
  const [alpha, ...planes] = [3, 0, 1, 2].map((c) =>
    Float64Array.from({ length: width * height }, (_, i) => data[4 * i + c] / 255),
  );
  if (alpha.every((share) => share === 1)) return { planes, width, height };
  const shade = isLightOnDark(luma(planes), alpha, width, height) ? 0 : 1;
  const mixed = planes.map((plane) =>
    plane.map((value, i) => alpha[i] * value + (1 - alpha[i]) * shade),
  );
  return { planes: mixed, width, height };
}

/** Return true if an object was cut out of a dark background: some is left along its edge. */
function isLightOnDark(gray, alpha, width, height) {
  const visible = alpha.map(Math.ceil);
  const inner = erode(visible, width, height);
  const meanOf = (isChosen) => mean(gray.filter((_, i) => visible[i] && isChosen(i)));
  const contrast = meanOf((i) => inner[i]) - meanOf((i) => !inner[i]);
  return Math.abs(contrast) > MIN_CONTRAST ? contrast > 0 : meanOf(() => true) > 0.5;
}

function luma([red, green, blue]) {
  return red.map((value, i) => 0.299 * value + 0.587 * green[i] + 0.114 * blue[i]);
}

/** Return the foreground light on black: its distance from the background, along one colour. */
function subtractBackground({ planes, width, height }, { background, mask }) {
  const rest = planes.map((plane, c) => plane.map((value, i) => value - background[c][i]));
  const colour = rest.map((plane) => sumOf(plane.map((value, i) => mask[i] * value)));
  const length = Math.hypot(...colour) || 1;
  const distances = rest[0].map(
    (_, i) => (rest[0][i] * colour[0] + rest[1][i] * colour[1] + rest[2][i] * colour[2]) / length,
  );
  const eroded = erode(mask, width, height);
  const inner = eroded.some(Boolean) ? eroded : mask;
  const inside = distances.filter((_, i) => inner[i]);
  const [black, white] = [0.02, 0.998].map((share) => quantile(inside, share));
  const from = Math.min(0, black);
  const shades = distances.map((distance, i) =>
    mask[i] ? clamp((distance - from) / (white - from), 0, 1) : 0,
  );
  return { planes: [shades], width, height };
}

/** Return the smallest rectangle of a gray picture that has all of the mask. */
function trim(picture, mask) {
  const chosen = [...mask.keys()].filter((i) => mask[i]);
  const columns = Uint16Array.from(chosen, (i) => i % picture.width).sort();
  const [top, bottom] = [chosen[0], chosen.at(-1)].map((i) => Math.floor(i / picture.width));
  return cut(picture, columns[0], top, columns.at(-1) + 1 - columns[0], bottom + 1 - top);
}

/** Return the rectangle of a gray picture at (left, top); outside the picture it is `fill`. */
function cut({ planes: [shades], ...picture }, left, top, width, height, fill = 0) {
  const cutOut = Float64Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [left + (i % width), top + Math.floor(i / width)];
    const isInside = Math.min(x, y) >= 0 && x < picture.width && y < picture.height;
    return isInside ? shades[y * picture.width + x] : fill;
  });
  return { planes: [cutOut], width, height };
}

/** Return a picture scaled so that its longer side has a number of pixels, by area averages. */
function toSide(picture, side) {
  const [width, height] = [picture.width, picture.height].map((length) =>
    Math.max(1, Math.round((length * side) / longer(picture))),
  );
  const columns = overlaps(picture.width, width);
  const rows = overlaps(picture.height, height);
  const planes = picture.planes.map((plane) =>
    Float64Array.from({ length: width * height }, (_, i) => {
      let sum = 0;
      for (const [y, down] of rows[Math.floor(i / width)]) {
        for (const [x, across] of columns[i % width])
          sum += down * across * plane[y * picture.width + x];
      }
      return sum;
    }),
  );
  return { planes, width, height };
}

/** Return, for each new pixel along a side, the old pixels under it: [index, share] of each. */
function overlaps(from, to) {
  const scale = from / to;
  return Array.from({ length: to }, (_, i) => {
    const [start, end] = [i * scale, Math.min(from, (i + 1) * scale)];
    const shares = [];
    for (let old = Math.floor(start); old < end; old++)
      shares.push([old, (Math.min(end, old + 1) - Math.max(start, old)) / scale]);
    return shares;
  });
}

/** Return a gray picture in the middle of a square as the model's input (784,), light on dark. */
function centred(picture, border) {
  const [left, top] = [picture.width, picture.height].map((length) => (SIDE - length + 1) >> 1);
  const [shades] = cut(picture, -left, -top, SIDE, SIDE, border).planes;
  return border > 0.5 ? shades.map((shade) => 1 - shade) : shades;
}
