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

function showShapes() {
  const random = seeded(2);
  let X = drawn(random);
  let partition;
  let step = 0;

  find("shapes-next").addEventListener("click", () => ((step += 1), draw())); // `draw` limits it
  find("shapes-again").addEventListener("click", () => ((step = 0), draw()));
  find("shapes-new").addEventListener("click", () => ((X = drawn(random)), draw()));
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
    const whole = [X_ROWS, X_COLUMNS];
    const sums = partition.shape.length === 2 ? partition.sums : [partition.sums.flat()];
    const steps = [
      shown("X", whole, matrix(X)),
      shown("X_exp = exp(X)", whole, matrix(exponentials)),
      shown(`partition = X_exp.${call}`, partition.shape, matrix(sums)),
    ];
    if (repeated) {
      const mark = (i, j) => ((dim === 0 ? i : j) === 0 ? "" : "copy");
      const quotient = exponentials.map((row, i) => row.map((e, j) => e / repeated[i][j]));
      steps.push(shown(tr("shapes.broadcast"), whole, matrix(repeated, { mark })));
      steps.push(shown("X_exp / partition", whole, withSums(quotient, dim)));
    } else {
      const error = make("strong", { class: "broken" }, tr("shapes.error"));
      steps.push(shown(tr("shapes.broadcast"), null, error));
    }
    const last = steps.length - 1;
    step = Math.min(step, last);
    find("shapes-next").setAttribute("aria-disabled", step === last); // it keeps the focus
    find("shapes-steps").replaceChildren(...steps.slice(0, step + 1));
    find("shapes-said").textContent = sentence(repeated, dim);
  }

  function sentence(repeated, dim) {
    const shape = inWords(partition.shape);
    if (step < 2) return tr("shapes.begin");
    if (step === 2) return tr("shapes.summed", { dim, shape });
    if (!repeated) return tr("shapes.refused");
    if (step === 3) return tr("shapes.repeated", { shape });
    return tr(dim === 1 ? "shapes.rows" : "shapes.columns");
  }
}

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

function shown(title, shape, content) {
  const heading = make("figcaption", {}, make("code", {}, title));
  if (shape) heading.append(" ", make("span", { class: "shape" }, inWords(shape)));
  const label = heading.textContent;
  return make("figure", { class: "scroll", tabindex: 0, "aria-label": label }, heading, content);
}
