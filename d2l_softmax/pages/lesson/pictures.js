/** Picture files of any kind, as the browser reads them: rotated as the camera noted. */

const MAX_PIXELS = 50_000_000; // 7,000 × 7,000; a larger picture is a mistake
const LARGEST_SIDE = 512; // pixels; the model sees 28 of them

/** A file that can't be used as a picture; `key` names the text that says why. */
export class PictureError extends Error {
  constructor(key, values = {}) {
    super(key);
    Object.assign(this, { key, values });
  }
}

/**
 * Return a picture file (a Blob) as { pixels, width, height }, RGBA. It is halved until its longer
 * side is below 512 pixels. Rejects with a PictureError.
 */
export async function readPicture(file) {
  const address = URL.createObjectURL(file);
  try {
    const image = new Image();
    const loaded = new Promise((done) => (image.onload = image.onerror = done));
    image.src = address;
    await loaded; // its size is known, but it is not decoded yet
    const { naturalWidth: width, naturalHeight: height } = image;
    if (width * height > MAX_PIXELS) throw new PictureError("tooManyPixels", { width, height });
    const bitmap = await createImageBitmap(file); // rejects a file that is cut off
    const picture = halved(bitmap);
    bitmap.close();
    return picture;
  } catch (error) {
    throw error instanceof PictureError ? error : new PictureError("notAPicture");
  } finally {
    URL.revokeObjectURL(address);
  }
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
export function pixelsOf(canvas) {
  const { width, height } = canvas;
  return { pixels: canvas.getContext("2d").getImageData(0, 0, width, height).data, width, height };
}
