/** One image's share of a step, (ŷ − y) × image for each template. */

/** Return ŷ − y (q,) of an image x (d,) of class c: its gradient with respect to the logits. */
function errorOf(model, x, c) {
  const [yHat] = model.probabilities([x]);
  return yHat.map((p, j) => p - (j === c ? 1 : 0));
}

/** Return a function that draws the share of the selected image for a model. */
function showShare({ X, y }) {
  const select = find("share-class");
  const figures = CLASSES.map(() => makeFigure({ "aria-hidden": true }));
  let model;
  find("share").replaceChildren(...figures);
  select.addEventListener("input", draw);
  return (now) => {
    model = now;
    draw();
  };

  function draw() {
    const c = Number(select.value);
    const x = X[y.indexOf(c)];
    drawImage(find("share-image"), x);
    const errors = errorOf(model, x, c);
    const most = largest(errors) || 1;
    figures.forEach(({ firstChild: canvas, lastChild: caption }, j) => {
      const share = x.map((shade) => -errors[j] * shade);
      drawSigned(canvas, share, most);
      const track = bar(0.5, 0.5 + errors[j] / most / 2);
      const name = make("span", {}, className(j));
      caption.replaceChildren(name, measured(fixed(errors[j], 2), track, "signed"));
    });
  }
}
