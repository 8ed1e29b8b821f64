/** The images and the weights that the page carries. Never decoded by a canvas: some add noise. */

import { SoftmaxRegression, zeros } from "./softmax_regression.js";

export const SIDE = 28;

/** Return the images of both splits, { train: { X: (n, 784), y: (n,) }, test: … }, in [0, 1]. */
export async function loadExamples() {
  const { labels, images } = contentOf("examples");
  const bytes = await inflate(images); // two pixels each, of 16 grays
  const pixels = new Float64Array(2 * bytes.length);
  bytes.forEach((byte, i) => pixels.set([(byte >> 4) / 15, (byte & 15) / 15], 2 * i));
  const rows = (first, y) =>
    y.map((_, n) => pixels.slice((first + n) * 784, (first + n + 1) * 784));
  const { train, test } = labels;
  return {
    train: { X: rows(0, train), y: train },
    test: { X: rows(train.length, test), y: test },
  };
}

/** Return the trained model that the page carries; its W are float16. */
export function loadTrained() {
  const { W, b } = contentOf("weights");
  const halves = new DataView(bytesOf(W).buffer);
  const numbers = Float64Array.from({ length: 7840 }, (_, i) =>
    half(halves.getUint16(2 * i, true)),
  );
  return modelOf(
    Array.from({ length: 784 }, (_, i) => numbers.slice(10 * i, 10 * i + 10)),
    b,
  );
}

/** Return a model with the weights W (d, q) and b (q,). */
export function modelOf(W, b) {
  const model = new SoftmaxRegression(W.length, b.length);
  model.W = zeros(W.length, b.length).map((row, i) => (row.set(W[i]), row));
  model.b = Float64Array.from(b);
  return model;
}

/** Return the number that 16 bits stand for (IEEE 754, binary16). */
function half(bits) {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction);
}

function contentOf(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

async function inflate(base64) {
  const stream = new Blob([bytesOf(base64)]).stream();
  const inflated = stream.pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(inflated).arrayBuffer());
}
