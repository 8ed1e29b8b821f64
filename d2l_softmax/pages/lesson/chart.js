/** Charts in inline SVG. A sentence or table near each has the same numbers. */

const BOX = { left: 44, right: 352, top: 8, bottom: 178 }; // of the viewBox, 0 0 360 210

/** A chart in the <svg> of an id, with linear axes x and y, each { from, to, ticks }. */
class Chart {
  constructor(id, x, y) {
    this.svg = find(id);
    this.shapes = new Map();
    this.setAxes(x, y);
  }

  /** Return viewBox coordinates of a point in the axes' units. */
  place(x, y) {
    const share = (value, axis) => (value - axis.from) / (axis.to - axis.from);
    return [
      BOX.left + share(x, this.x) * (BOX.right - BOX.left),
      BOX.bottom - share(y, this.y) * (BOX.bottom - BOX.top),
    ];
  }

  /** Return the point in the axes' units under a pointer. */
  pointUnder(event) {
    const at = new DOMPoint(event.clientX, event.clientY);
    const { x, y } = at.matrixTransform(this.svg.getScreenCTM().inverse());
    const value = (share, axis) => axis.from + share * (axis.to - axis.from);
    return {
      x: value((x - BOX.left) / (BOX.right - BOX.left), this.x),
      y: value((BOX.bottom - y) / (BOX.bottom - BOX.top), this.y),
    };
  }

  /** Draw the axes' lines and numbers; the caller redraws its curves. */
  setAxes(x, y) {
    if (this.x?.to === x.to && this.y?.to === y.to) return;
    Object.assign(this, { x, y });
    const grid = this.shape("axes", "g");
    grid.replaceChildren();
    for (const tick of x.ticks) {
      const [left] = this.place(tick, y.from);
      makeSvg(grid, "line", { x1: left, x2: left, y1: BOX.top, y2: BOX.bottom });
      const attributes = { x: left, y: BOX.bottom + 13, "text-anchor": "middle" };
      makeSvg(grid, "text", attributes).textContent = tick;
    }
    for (const tick of y.ticks) {
      const [, top] = this.place(x.from, tick);
      makeSvg(grid, "line", { x1: BOX.left, x2: BOX.right, y1: top, y2: top });
      const attributes = { x: BOX.left - 4, y: top + 4, "text-anchor": "end" };
      makeSvg(grid, "text", attributes).textContent = tick;
    }
  }

  /** Draw a line of the name through points [x, y]; clipped to the box. */
  line(name, points) {
    const inPath = (point) => this.place(...point).map((at) => at.toFixed(1)).join(" ");
    const d = points.length ? `M${points.map(inPath).join("L")}` : "";
    setAttributes(this.shape(name, "path"), { d, "clip-path": `url(#${this.svg.id}-box)` });
  }

  /** Draw a dot of the name, hidden outside the box; return it. */
  dot(name, x, y, r = 5) {
    const isShown = isWithin(x, this.x) && isWithin(y, this.y);
    const [cx, cy] = this.place(x, y);
    const circle = this.shape(name, "circle");
    setAttributes(circle, { cx, cy, r, visibility: isShown ? "visible" : "hidden" });
    return circle;
  }

  /** Return the shape of a name; a new one is drawn on top. */
  shape(name, tag) {
    if (!this.shapes.has(name)) this.shapes.set(name, makeSvg(this.svg, tag, { class: name }));
    return this.shapes.get(name);
  }

  /** Call move({ x, y }) while a shape of this chart is dragged. */
  drag(shape, move) {
    shape.classList.add("handle");
    // Some browsers ignore touch-action for shapes in an <svg>, and scroll.
    shape.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    shape.addEventListener("pointerdown", (event) => {
      shape.setPointerCapture(event.pointerId);
      event.preventDefault(); // no text is selected
    });
    for (const type of ["pointermove", "pointerup"]) {
      shape.addEventListener(type, (event) => {
        if (shape.hasPointerCapture(event.pointerId)) move(this.pointUnder(event));
      });
    }
  }
}

/** Append an element with attributes to one in an <svg>; return it. */
function makeSvg(parent, tag, attributes) {
  const element = document.createElementNS(parent.namespaceURI, tag);
  setAttributes(element, attributes);
  parent.append(element);
  return element;
}

function isWithin(value, { from, to }) {
  return from <= value && value <= to;
}

/** Return an axis from `from` to `to` or slightly beyond, with about five round ticks. */
function axisOf(from, to) {
  const rough = Math.max(to - from, 1e-9) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) * power;
  const count = Math.max(1, Math.ceil((to - from) / step - 1e-9));
  const ticks = Array.from({ length: count + 1 }, (_, i) =>
    Number((from + i * step).toPrecision(6)),
  );
  return { from, to: ticks[ticks.length - 1], ticks };
}
