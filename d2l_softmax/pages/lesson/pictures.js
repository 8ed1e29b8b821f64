/** Picture files of any kind, as the browser reads them: rotated as the camera noted. */

const MAX_PIXELS = 50_000_000; // 7,000 × 7,000; a larger picture is a mistake
const LARGEST_SIDE = 512; // pixels; the model sees 28 of them

/**
 * Return a picture file (a Blob) as ImageData. It is halved until its longer side is below 512
 * pixels. Rejects with the browser's error if it is no picture, and with the `key` and `values` of
 * a text if it has too many pixels.
 */
async function readPicture(file) {
  const image = new Image();
  const loaded = new Promise((done) => (image.onload = image.onerror = done));
  image.src = URL.createObjectURL(file);
  await loaded; // its size is known, but it is not decoded yet
  URL.revokeObjectURL(image.src);
  const values = { width: image.naturalWidth, height: image.naturalHeight };
  if (values.width * values.height > MAX_PIXELS)
    throw Object.assign(new Error("too many pixels"), { key: "tooManyPixels", values });
  const bitmap = await createImageBitmap(file); // rejects a file that is cut off
  let [picture, context] = [bitmap];
  do {
    // Bilinear smoothing averages 2×2 pixels.
    const factor = longer(picture) < LARGEST_SIDE ? 1 : 2;
    const canvas = make("canvas");
    canvas.width = Math.max(1, Math.round(picture.width / factor));
    canvas.height = Math.max(1, Math.round(picture.height / factor));
    context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture = canvas;
  } while (longer(picture) >= LARGEST_SIDE);
  bitmap.close();
  return context.getImageData(0, 0, picture.width, picture.height);
}
