/** The page's images and weights. A canvas does not decode them: some browsers add noise. */

const SIDE = 28;

/** Return both splits, { train: { X: (n, 784), y: (n,) }, test: … }, in [0, 1]. */
async function loadExamples() {
  const { labels, images } = contentOf("examples");
  const packed = new Blob([bytesOf(images)]).stream();
  const unpacked = packed.pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(unpacked).arrayBuffer());
  const pixels = Float64Array.from(shadesOf(bytes), (shade) => shade / 15);
  const rows = (first, y) =>
    y.map((_, n) => pixels.slice((first + n) * 784, (first + n + 1) * 784));
  const { train, test } = labels;
  return {
    train: { X: rows(0, train), y: train },
    test: { X: rows(train.length, test), y: test },
  };
}

/** Return images' shades, 0 to 15: a byte has two pixels, one above the other, of 4 bits each. */
function shadesOf(bytes) {
  const shades = new Uint8Array(2 * bytes.length);
  bytes.forEach((byte, i) => {
    const at = i + SIDE * Math.floor(i / SIDE);
    shades[at] = byte >> 4;
    shades[at + SIDE] = byte & 15;
  });
  return shades;
}

/** Return the trained model; its W (784, 10) is stored as float32. */
function loadTrained() {
  const { W, b } = contentOf("weights");
  const numbers = new Float32Array(bytesOf(W).buffer);
  const rows = Array.from({ length: 784 }, (_, i) => numbers.slice(10 * i, 10 * i + 10));
  return modelOf(rows, b);
}

/** Return a model with the weights W (d, q) and b (q,). */
function modelOf(W, b) {
  const model = new SoftmaxRegression(W.length, b.length);
  model.W = zeros(W.length, b.length).map((row, i) => (row.set(W[i]), row));
  model.b = Float64Array.from(b);
  return model;
}

/** Return the JSON that the page has in an element. */
function contentOf(id) {
  return JSON.parse(find(id).textContent);
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
