/** A canvas to draw on, by pointer or keyboard: white on black. */

import { SIDE } from "./examples.js";
import { pixelsOf } from "./pictures.js";

const LENGTH = 280; // pixels, ten for each that the model sees
const PEN = 9; // pixels, the pen's radius
const STEP = 7; // pixels that an arrow key moves it

/** The drawing is on a canvas of its own; the visible one shows it, at times with the pen. */
export class Paper {
  constructor(canvas, onStroke) {
    Object.assign(this, { canvas, onStroke, pen: { x: LENGTH / 2, y: LENGTH / 2 } });
    this.drawing = Object.assign(document.createElement("canvas"), {
      width: LENGTH,
      height: LENGTH,
    });
    const context = this.drawing.getContext("2d", { willReadFrequently: true });
    this.context = Object.assign(context, { lineWidth: 2 * PEN, lineCap: "round" });
    this.clear();
    canvas.addEventListener("pointerdown", (event) => this.startStroke(event));
    canvas.addEventListener("pointermove", (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) this.drawTo(this.pointUnder(event));
    });
    canvas.addEventListener("lostpointercapture", () => this.onStroke());
    canvas.addEventListener("keydown", (event) => this.drawByKey(event));
    canvas.addEventListener("blur", () => this.show());
  }

  /** The drawing as a picture { pixels, width, height }, RGBA. */
  get picture() {
    return pixelsOf(this.drawing);
  }

  clear() {
    this.context.fillStyle = "black";
    this.context.fillRect(0, 0, LENGTH, LENGTH);
    this.show();
  }

  /** Fill the paper with an image x (784,), each of its pixels as a square. */
  stamp(x) {
    const scale = LENGTH / SIDE;
    x.forEach((shade, i) => {
      this.context.fillStyle = `rgb(${255 * shade} ${255 * shade} ${255 * shade})`;
      this.context.fillRect(scale * (i % SIDE), scale * Math.floor(i / SIDE), scale, scale);
    });
    this.show();
  }

  startStroke(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pen = this.pointUnder(event);
    this.drawTo(this.pen);
  }

  /** Draw by arrow keys; with Shift they move the pen only. */
  drawByKey(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (!(event.key in moves)) return;
    event.preventDefault(); // the page would scroll
    const [x, y] = [this.pen.x, this.pen.y].map((value, axis) =>
      Math.min(LENGTH - 1, Math.max(0, value + STEP * moves[event.key][axis])),
    );
    if (event.shiftKey) this.pen = { x, y };
    else this.drawTo({ x, y });
    this.show();
    this.showPen();
    if (!event.shiftKey) this.onStroke();
  }

  /** Return the point of the paper under a pointer. */
  pointUnder(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = LENGTH / box.width;
    return { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale };
  }

  drawTo(point) {
    this.context.strokeStyle = "white";
    this.context.beginPath();
    this.context.moveTo(this.pen.x, this.pen.y);
    this.context.lineTo(point.x, point.y);
    this.context.stroke();
    this.pen = point;
    this.show();
  }

  show() {
    this.canvas.getContext("2d").drawImage(this.drawing, 0, 0);
  }

  /** Show where the pen is, for drawing by keyboard; it is not in the picture. */
  showPen() {
    const context = this.canvas.getContext("2d");
    Object.assign(context, { strokeStyle: "#ffa657", lineWidth: 2 });
    context.beginPath();
    context.arc(this.pen.x, this.pen.y, PEN + 2, 0, 2 * Math.PI);
    context.stroke();
  }
}
