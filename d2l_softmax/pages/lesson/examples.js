/** The page's images and weights. A canvas does not decode them: some browsers add noise. */

const SIDE = 28;

/** Return both splits, { train: { X: (n, 784), y: (n,) }, test: … }, in [0, 1]. */
async function loadExamples() {
  const { labels, images } = contentOf("examples");
  const packed = new Blob([bytesOf(images)]).stream();
  const unpacked = packed.pipeThrough(new DecompressionStream("deflate"));
  const shades = new Uint8Array(await new Response(unpacked).arrayBuffer()); // 0 to 15
  const { train, test } = labels;
  const X = [...train, ...test].map((_, n) =>
    Float64Array.from(shades.subarray(784 * n, 784 * (n + 1)), (shade) => shade / 15),
  );
  return {
    train: { X: X.slice(0, train.length), y: train },
    test: { X: X.slice(train.length), y: test },
  };
}

/** Return the trained model; its W (784, 10) is stored as float32. */
function loadTrained() {
  const { W, b } = contentOf("weights");
  const numbers = new Float32Array(bytesOf(W).buffer);
  return modelOf(
    Array.from({ length: 784 }, (_, i) => numbers.subarray(10 * i, 10 * i + 10)),
    b,
  );
}

/** Return a model with the weights W (d, q) and b (q,). */
function modelOf(W, b) {
  const model = new SoftmaxRegression(W.length, b.length);
  model.W = Array.from(W, (row) => Float64Array.from(row));
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
