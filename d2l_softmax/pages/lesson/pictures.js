/** Picture files of any kind, as the browser reads them: turned as the camera noted. */

import { reduced } from "./pillow.js";

const MOST_PIXELS = 50_000_000; // 7,000 × 7,000; a larger picture is a mistake
const LARGEST_SIDE = 1000; // pixels; the model sees 28 of them
const STRIP = 64; // rows of the reduced picture that are read at a time: phones limit a canvas

/** A file that can't be used as a picture; `key` says why. */
export class PictureError extends Error {
  constructor(key, values = {}) {
    super(key);
    Object.assign(this, { key, values });
  }
}

/**
 * Return a picture file (a Blob) as { pixels, width, height }, RGBA. One with a side of 2,000
 * pixels or more is reduced. Rejects with a PictureError.
 */
export async function readPicture(file) {
  const address = URL.createObjectURL(file);
  try {
    const image = new Image();
    const loaded = new Promise((done) => (image.onload = image.onerror = done));
    image.src = address;
    await loaded; // its size is known, but it is not decoded yet
    const { naturalWidth: width, naturalHeight: height } = image;
    if (width * height > MOST_PIXELS) throw new PictureError("tooManyPixels", { width, height });
    const bitmap = await createImageBitmap(file); // unlike the element's, it has all of the picture
    const picture = pixelsOf(bitmap, bitmap.width, bitmap.height);
    bitmap.close();
    return picture;
  } catch (error) {
    throw error instanceof PictureError ? error : new PictureError("notAPicture");
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** Read an image strip by strip, each reduced at once. */
function pixelsOf(image, width, height) {
  const factor = Math.max(1, Math.floor(Math.max(width, height) / LARGEST_SIDE));
  const rows = factor * STRIP;
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height: Math.min(rows, height) });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const size = { width: Math.ceil(width / factor), height: Math.ceil(height / factor) };
  const pixels = new Uint8Array(4 * size.width * size.height);
  for (let top = 0; top < height; top += rows) {
    const count = Math.min(rows, height - top);
    context.clearRect(0, 0, width, count);
    context.drawImage(image, 0, -top);
    const { data } = context.getImageData(0, 0, width, count);
    const strip = reduced({ pixels: data, width, height: count, channels: 4 }, factor);
    pixels.set(strip.pixels, (4 * size.width * top) / factor);
  }
  return { pixels, ...size };
}
