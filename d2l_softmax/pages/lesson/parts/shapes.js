/** Sums over a dimension, their shapes, and broadcasting. */

const [X_ROWS, X_COLUMNS] = [2, 5];

/** Return a matrix's sums over a dimension, as a matrix, and the shape that torch gives them. */
function sumOver(X, dim, keepdim) {
  const columns = X[0].map((_, j) => X.map((row) => row[j]));
  const sums = dim === 0 ? [columns.map(sumOf)] : X.map((row) => [sumOf(row)]);
  const kept = dim === 0 ? [1, X[0].length] : [X.length, 1];
  return { sums, shape: keepdim ? kept : kept.filter((_, d) => d !== dim) };
}

/** Return sums broadcast to (rows, columns), or null if the shapes do not match. */
function broadcast({ sums, shape }, rows, columns) {
  // Shapes are compared from the right; a dimension of 1, or a missing one, is repeated.
  const [down, right] = shape.length === 2 ? shape : [1, shape[0]];
  if (![1, rows].includes(down) || ![1, columns].includes(right)) return null;
  return Array.from({ length: rows }, (_, i) =>
    Array.from({ length: columns }, (_, j) => sums[down === 1 ? 0 : i][right === 1 ? 0 : j]),
  );
}

PARTS.shapes = () => {
  const random = seeded(2);
  let X = drawn(random);
  let partition;
  let step = 0;

  onClick("shapes-next", () => ((step += 1), draw())); // `draw` limits it
  onClick("shapes-again", () => ((step = 0), draw()));
  onClick("shapes-new", () => ((X = drawn(random)), draw()));
  find("shapes").addEventListener("input", draw);
  provide("partition", find("shapes-steps"), () => partition.sums.flat().map((s) => fixed(s, 2)));
  drawLocalized(draw);

  function draw() {
    const dim = Number(find("shapes-dim").querySelector(":checked").value);
    const keepdim = find("keepdim").checked;
    const exponentials = X.map((row) => row.map(Math.exp));
    partition = sumOver(exponentials, dim, keepdim);
    const repeated = broadcast(partition, X_ROWS, X_COLUMNS);
    const call = `sum(dim=${dim}${keepdim ? ", keepdim=True" : ""})`;
    const whole = inWords([X_ROWS, X_COLUMNS]);
    const shape = inWords(partition.shape);
    const sums = keepdim ? partition.sums : [partition.sums.flat()];
    const steps = [
      titled("X", matrix(X), whole),
      titled("X_exp = exp(X)", matrix(exponentials), whole),
      titled(`partition = X_exp.${call}`, matrix(sums), shape),
    ];
    if (repeated) {
      const mark = (i, j) => ((dim === 0 ? i : j) === 0 ? "" : "copy");
      const quotient = exponentials.map((row, i) => row.map((e, j) => e / repeated[i][j]));
      steps.push(titled(tr("shapes.broadcast"), matrix(repeated, { mark }), whole));
      steps.push(titled("X_exp / partition", withSums(quotient, dim), whole));
    } else {
      const error = make("strong", { class: "broken" }, tr("shapes.error"));
      steps.push(titled(tr("shapes.broadcast"), error));
    }
    for (const figure of steps) {
      const label = figure.firstChild.textContent;
      setAttributes(figure, { class: "scroll", tabindex: 0, "aria-label": label });
    }
    const last = steps.length - 1;
    step = Math.min(step, last);
    find("shapes-next").setAttribute("aria-disabled", step === last); // it keeps the focus
    find("shapes-steps").replaceChildren(...steps.slice(0, step + 1));
    const keys = ["begin", "begin", "summed", "repeated", dim === 1 ? "rows" : "columns"];
    const key = step === 3 && !repeated ? "refused" : keys[step];
    find("shapes-said").textContent = tr(`shapes.${key}`, { dim, shape });
  }
};

/** Return a matrix of normal(0, 1) numbers, rounded to two digits (Box and Muller). */
function drawn(random) {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: X_ROWS }, () =>
    Array.from({ length: X_COLUMNS }, () => Number(normal().toFixed(2))),
  );
}

function inWords(shape) {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}

/** Return a matrix with its sums: those of columns below it, those of rows beside it. */
function withSums(rows, dim) {
  const { sums } = sumOver(rows, dim, true);
  const texts = sums.map((row) => row.map((sum) => `Σ ${fixed(sum, 2)}`));
  return make("div", { class: dim === 0 ? "column" : "row" }, matrix(rows), matrix(texts));
}
