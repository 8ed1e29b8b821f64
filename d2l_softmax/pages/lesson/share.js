/** One image's share of a step, (ŷ − y) × image for each template. */

import { largest } from "./numbers.js";
import {
  bar,
  className,
  CLASSES,
  drawImage,
  drawSigned,
  find,
  fixed,
  make,
  measured,
} from "./widgets.js";

/** Return ŷ − y (q,) of an image x (d,) of class c: its gradient with respect to the logits. */
export function errorOf(model, x, c) {
  const [yHat] = model.probabilities([x]);
  return yHat.map((p, j) => p - (j === c ? 1 : 0));
}

/** Return a function that draws the share of the selected image for a model. */
export function showShare({ X, y }) {
  const select = find("share-class");
  let model;
  const shown = CLASSES.map(() => {
    const [canvas, caption] = [make("canvas", { "aria-hidden": true }), make("figcaption")];
    return { canvas, caption, figure: make("figure", {}, canvas, caption) };
  });
  find("share").replaceChildren(...shown.map(({ figure }) => figure));
  select.addEventListener("change", draw);
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
    errors.forEach((error, j) => {
      const { canvas, caption } = shown[j];
      drawSigned(
        canvas,
        x.map((shade) => -error * shade),
        most,
      );
      const name = make("span", {}, className(j));
      const track = bar(0.5, 0.5 + error / most / 2);
      caption.replaceChildren(name, measured(fixed(error, 2), track, "signed"));
    });
  }
}
