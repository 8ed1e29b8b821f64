/** A sheet to draw on, by pointer or keyboard. Its pixels are kept here, not in the canvas. */

import { SIDE } from "./examples.js";

const LENGTH = 280; // pixels, ten for each that the model sees
const PEN = 9; // pixels from the middle of the pen to its edge
const STEP = 7; // pixels that an arrow key moves it

/** White ink on black paper; calls `finished` after each stroke. */
export class Paper {
  constructor(canvas, finished) {
    Object.assign(this, { canvas, finished, at: { x: LENGTH / 2, y: LENGTH / 2 } });
    this.image = new ImageData(LENGTH, LENGTH);
    this.clear();
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("lostpointercapture", () => this.finished());
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => this.show());
  }

  /** The sheet as a picture. */
  get picture() {
    return { pixels: this.image.data, width: LENGTH, height: LENGTH };
  }

  clear() {
    this.image.data.forEach((_, i, data) => (data[i] = i % 4 === 3 ? 255 : 0));
    this.show();
  }

  /** Fill the sheet with an image x (784,), each of its pixels as a square. */
  stamp(x) {
    const scale = LENGTH / SIDE;
    for (let row = 0; row < LENGTH; row++) {
      for (let column = 0; column < LENGTH; column++) {
        const shade = 255 * x[Math.floor(row / scale) * SIDE + Math.floor(column / scale)];
        this.image.data.set([shade, shade, shade], 4 * (row * LENGTH + column));
      }
    }
    this.show();
  }

  begin(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.at = this.under(event);
    this.drawTo(this.at);
  }

  move(event) {
    if (this.canvas.hasPointerCapture(event.pointerId)) this.drawTo(this.under(event));
  }

  /** Arrow keys draw; with Shift the pen is lifted meanwhile. */
  key(event) {
    const [dx, dy] =
      { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ??
      [];
    if (dx === undefined) return;
    event.preventDefault(); // the page would scroll
    const within = (value) => Math.min(LENGTH - 1, Math.max(0, value));
    const to = { x: within(this.at.x + STEP * dx), y: within(this.at.y + STEP * dy) };
    if (event.shiftKey) this.at = to;
    else this.drawTo(to);
    this.show();
    this.showPen();
    if (!event.shiftKey) this.finished();
  }

  /** Return the place on the sheet under a pointer. */
  under(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = LENGTH / box.width;
    return { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale };
  }

  /** Draw a line from where the pen is, as discs of one pixel's distance, with soft edges. */
  drawTo(to) {
    const length = Math.hypot(to.x - this.at.x, to.y - this.at.y);
    for (let done = 0; done <= length; done++) {
      const share = length ? done / length : 1;
      this.disc(this.at.x + share * (to.x - this.at.x), this.at.y + share * (to.y - this.at.y));
    }
    this.at = to;
    this.show();
  }

  disc(x, y) {
    const { data } = this.image;
    for (let row = Math.max(0, Math.floor(y - PEN)); row <= Math.min(LENGTH - 1, y + PEN); row++) {
      for (
        let column = Math.max(0, Math.floor(x - PEN));
        column <= Math.min(LENGTH - 1, x + PEN);
        column++
      ) {
        const ink = 255 * Math.min(1, Math.max(0, PEN - Math.hypot(column - x, row - y)));
        const place = 4 * (row * LENGTH + column);
        data.fill(Math.max(data[place], ink), place, place + 3);
      }
    }
  }

  show() {
    this.canvas.getContext("2d").putImageData(this.image, 0, 0);
  }

  /** Show where the pen is, for those who draw by keyboard; it is not in the picture. */
  showPen() {
    const context = this.canvas.getContext("2d");
    context.strokeStyle = "#ffa657";
    context.lineWidth = 2;
    context.beginPath();
    context.arc(this.at.x, this.at.y, PEN + 2, 0, 2 * Math.PI);
    context.stroke();
  }
}
