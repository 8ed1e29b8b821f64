/** The page's images and weights. A canvas does not decode them: some browsers add noise. */

import { inflate } from "./inflate.js";
import { SoftmaxRegression, zeros } from "./softmax_regression.js";

export const SIDE = 28;

/** Return both splits, { train: { X: (n, 784), y: (n,) }, test: … }, in [0, 1]. */
export function loadExamples() {
  const { labels, images } = contentOf("examples");
  const bytes = inflate(bytesOf(images)); // two pixels of 4 bits in each
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

/** Return the trained model; its W (784, 10) is stored as float32. */
export function loadTrained() {
  const { W, b } = contentOf("weights");
  const numbers = new Float32Array(bytesOf(W).buffer);
  const rows = Array.from({ length: 784 }, (_, i) => numbers.slice(10 * i, 10 * i + 10));
  return modelOf(rows, b);
}

/** Return a model with the weights W (d, q) and b (q,). */
export function modelOf(W, b) {
  const model = new SoftmaxRegression(W.length, b.length);
  model.W = zeros(W.length, b.length).map((row, i) => (row.set(W[i]), row));
  model.b = Float64Array.from(b);
  return model;
}

function contentOf(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
