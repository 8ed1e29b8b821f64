/** Picture files of any kind, as the browser reads them: rotated as the camera noted. */

const MAX_PIXELS = 50_000_000; // 7,000 × 7,000; a larger picture is a mistake
const LARGEST_SIDE = 512; // pixels; the model sees 28 of them

/**
 * Return a picture file (a Blob) as { pixels, width, height }, RGBA. It is halved until its longer
 * side is below 512 pixels. Rejects with the browser's error if it is no picture, and with the
 * `key` and `values` of a text if it has too many pixels.
 */
async function readPicture(file) {
  const image = new Image();
  const loaded = new Promise((done) => (image.onload = image.onerror = done));
  image.src = URL.createObjectURL(file);
  await loaded; // its size is known, but it is not decoded yet
  URL.revokeObjectURL(image.src);
  const { naturalWidth: width, naturalHeight: height } = image;
  if (width * height > MAX_PIXELS) {
    const values = { width, height };
    throw Object.assign(new Error("too many pixels"), { key: "tooManyPixels", values });
  }
  const bitmap = await createImageBitmap(file); // rejects a file that is cut off
  const picture = halved(bitmap);
  bitmap.close();
  return picture;
}

/** Halve an image while it is large: each time, bilinear smoothing averages 2×2 pixels. */
function halved(image) {
  let { width, height } = image;
  let smaller = image;
  do {
    if (Math.max(width, height) >= LARGEST_SIDE) {
      [width, height] = [width, height].map((length) => Math.max(1, Math.round(length / 2)));
    }
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    canvas.getContext("2d").drawImage(smaller, 0, 0, width, height);
    smaller = canvas;
  } while (Math.max(width, height) >= LARGEST_SIDE);
  return pixelsOf(smaller);
}

/** Return what a canvas shows as { pixels, width, height }, RGBA. */
function pixelsOf(canvas) {
  const { width, height } = canvas;
  return { pixels: canvas.getContext("2d").getImageData(0, 0, width, height).data, width, height };
}
