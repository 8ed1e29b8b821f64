/** A canvas to draw on, by pointer or keyboard: white on black. */

const LENGTH = 280; // pixels, ten for each that the model sees
const PEN = 9; // pixels, the pen's radius
const STEP = 7; // pixels that an arrow key moves it
const KEY_MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Let users draw on a canvas; after a stroke, `useDrawing` gets the drawing, an ImageData. `mark`
 * is an element over the canvas: it shows where the pen is, for drawing by keyboard. Return a
 * function that fills the paper with an image.
 */
function makePaper(canvas, mark, useDrawing) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const style = { lineWidth: 2 * PEN, lineCap: "round", strokeStyle: "white" };
  Object.assign(context, style, { imageSmoothingEnabled: false });
  const endStroke = () => useDrawing(context.getImageData(0, 0, LENGTH, LENGTH));
  let pen = [LENGTH / 2, LENGTH / 2];

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    mark.hidden = true;
    pen = pointUnder(event);
    drawTo([pen[0] + 0.1, pen[1]]); // a line of no length is not drawn
  });
  followPointer(canvas, (event) => drawTo(pointUnder(event)));
  canvas.addEventListener("lostpointercapture", endStroke);
  canvas.addEventListener("blur", () => (mark.hidden = true));
  // Arrow keys draw; with Shift they move the pen only.
  canvas.addEventListener("keydown", (event) => {
    if (!(event.key in KEY_MOVES)) return;
    event.preventDefault(); // the page would scroll
    const moves = KEY_MOVES[event.key];
    const point = pen.map((at, axis) => clamp(at + STEP * moves[axis], 0, LENGTH - 1));
    if (event.shiftKey) pen = point;
    else drawTo(point);
    [mark.style.left, mark.style.top] = point.map((at) => `${(100 * at) / LENGTH}%`);
    mark.hidden = false;
    if (!event.shiftKey) endStroke();
  });

  function pointUnder({ clientX, clientY }) {
    const { left, top, width } = canvas.getBoundingClientRect();
    return [clientX - left, clientY - top].map((at) => (at * LENGTH) / width);
  }

  function drawTo(point) {
    context.beginPath();
    context.moveTo(...pen);
    context.lineTo(...point);
    context.stroke();
    pen = point;
  }

  return (image) => {
    const canvasOfImage = make("canvas");
    drawOn(canvasOfImage, image);
    context.drawImage(canvasOfImage, 0, 0, LENGTH, LENGTH);
  };
}
