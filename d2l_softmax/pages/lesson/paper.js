/** A canvas to draw on, by pointer or keyboard: white on black. */

const LENGTH = 280; // pixels, ten for each that the model sees
const PEN = 9; // pixels, the pen's radius
const STEP = 7; // pixels that an arrow key moves it
const KEY_MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** `mark` is an element over the canvas: it shows where the pen is, for drawing by keyboard. */
class Paper {
  constructor(canvas, mark, onStroke) {
    Object.assign(this, { canvas, mark, onStroke, pen: { x: LENGTH / 2, y: LENGTH / 2 } });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const style = { lineWidth: 2 * PEN, lineCap: "round", strokeStyle: "white" };
    this.context = Object.assign(context, style);
    this.clear();
    canvas.addEventListener("pointerdown", (event) => this.startStroke(event));
    canvas.addEventListener("pointermove", (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) this.drawTo(this.pointUnder(event));
    });
    canvas.addEventListener("lostpointercapture", () => this.onStroke());
    canvas.addEventListener("keydown", (event) => this.drawByKey(event));
    canvas.addEventListener("blur", () => (mark.hidden = true));
  }

  /** The drawing as a picture { pixels, width, height }, RGBA. */
  get picture() {
    return pixelsOf(this.canvas);
  }

  clear() {
    this.context.fillStyle = "black";
    this.context.fillRect(0, 0, LENGTH, LENGTH);
  }

  /** Fill the paper with an image x (784,), each of its pixels as a square. */
  stamp(x) {
    const scale = LENGTH / SIDE;
    x.forEach((shade, i) => {
      this.context.fillStyle = `rgb(${255 * shade} ${255 * shade} ${255 * shade})`;
      this.context.fillRect(scale * (i % SIDE), scale * Math.floor(i / SIDE), scale, scale);
    });
  }

  startStroke(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.mark.hidden = true;
    this.pen = this.pointUnder(event);
    this.drawTo({ x: this.pen.x + 0.1, y: this.pen.y }); // a line of no length is not drawn
  }

  /** Draw by arrow keys; with Shift they move the pen only. */
  drawByKey(event) {
    if (!(event.key in KEY_MOVES)) return;
    event.preventDefault(); // the page would scroll
    const [x, y] = [this.pen.x, this.pen.y].map((value, axis) =>
      Math.min(LENGTH - 1, Math.max(0, value + STEP * KEY_MOVES[event.key][axis])),
    );
    if (event.shiftKey) this.pen = { x, y };
    else this.drawTo({ x, y });
    Object.assign(this.mark.style, { left: `${(100 * x) / LENGTH}%`, top: `${(100 * y) / LENGTH}%` });
    this.mark.hidden = false;
    if (!event.shiftKey) this.onStroke();
  }

  /** Return the point of the paper under a pointer. */
  pointUnder(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = LENGTH / box.width;
    return { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale };
  }

  drawTo(point) {
    this.context.beginPath();
    this.context.moveTo(this.pen.x, this.pen.y);
    this.context.lineTo(point.x, point.y);
    this.context.stroke();
    this.pen = point;
  }
}
