/** Indexing, y_hat[[0, 1], y], instead of a product with one-hot rows. */

const Y_HAT = [
  [0.1, 0.3, 0.6],
  [0.3, 0.2, 0.5],
];

/** Return the probabilities at y (n,), by index and by one-hot rows; losses and accuracy. */
function picked(yHat, y) {
  const labels = oneHot(y, yHat[0].length).map((row) => Array.from(row));
  const products = labels.map((row, n) => row.map((one, j) => one * yHat[n][j]));
  return {
    labels,
    products,
    byIndex: y.map((c, n) => yHat[n][c]),
    byProduct: products.map(sumOf),
    losses: crossEntropy(yHat, y),
    accuracy: countCorrect(yHat, y) / y.length,
  };
}

PARTS.picking = () => {
  const selects = [0, 1].map((i) => find(`label-${i}`));
  const matrices = find("picking-matrices");
  const sentence = find("picking-said");
  let now;

  find("picking").addEventListener("input", draw);
  provide("picked", matrices, () => now.byIndex.map((p) => fixed(p, 1)));
  provide("one_hot", matrices, () => now.labels.map((row) => `[${row.join(", ")}]`));
  provide("mean", sentence, () => [fixed(mean(now.losses))]);
  provide("accuracy", sentence, () => [fixed(now.accuracy, 1)]);
  drawLocalized(draw);

  function draw() {
    const y = selects.map((select) => Number(select.value));
    now = picked(Y_HAT, y);
    const list = now.byIndex.map((p) => fixed(p, 1)).join(", ");
    find("picking-code").textContent = `y_hat[[0, 1], [${y.join(", ")}]]  →  [${list}]`;
    const lit = { digits: 1, mark: (i, j) => (j === y[i] ? "lit" : "") };
    matrices.replaceChildren(
      titled("y_hat", matrix(Y_HAT, lit)),
      titled("one_hot(y)", matrix(now.labels, { ...lit, digits: 0 })),
      titled("y_hat * one_hot(y)", matrix(now.products, lit)),
      titled(".sum(dim=1)", matrix([now.byProduct], { digits: 1 })),
    );
    sentence.textContent = tr("picking.said", {
      losses: now.losses.map((loss) => fixed(loss)).join(tr("comma")),
      mean: fixed(mean(now.losses)),
      guesses: Y_HAT.map(argmax).join(tr("comma")),
      accuracy: fixed(now.accuracy, 1),
    });
  }
};
