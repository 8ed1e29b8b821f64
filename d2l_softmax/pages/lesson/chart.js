/** Charts in inline SVG. A sentence or table near each has the same numbers. */

const NAMESPACE = "http://www.w3.org/2000/svg";
const BOX = { left: 44, right: 352, top: 8, bottom: 178 }; // of the viewBox, 0 0 360 210

/** A chart in an <svg> element, with linear axes x and y, each { from, to, ticks }. */
export class Chart {
  constructor(svg, x, y) {
    this.svg = svg;
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
    const mark = (name, attributes, text = "") => {
      const element = document.createElementNS(NAMESPACE, name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      element.textContent = text;
      grid.append(element);
    };
    for (const tick of x.ticks) {
      const [left] = this.place(tick, y.from);
      mark("line", { x1: left, x2: left, y1: BOX.top, y2: BOX.bottom });
      mark("text", { x: left, y: BOX.bottom + 13, "text-anchor": "middle" }, tick);
    }
    for (const tick of y.ticks) {
      const [, top] = this.place(x.from, tick);
      mark("line", { x1: BOX.left, x2: BOX.right, y1: top, y2: top });
      mark("text", { x: BOX.left - 4, y: top + 4, "text-anchor": "end" }, tick);
    }
  }

  /** Draw a line of the name through points [x, y]; clipped to the box. */
  line(name, points) {
    const path = points.map(([x, y]) =>
      this.place(x, y)
        .map((at) => at.toFixed(1))
        .join(" "),
    );
    const shape = this.shape(name, "path");
    shape.setAttribute("d", path.length ? `M${path.join("L")}` : "");
    shape.setAttribute("clip-path", `url(#${this.svg.id}-box)`);
  }

  /** Draw a dot of the name, hidden outside the box; return it. */
  dot(name, x, y, radius = 5) {
    const isWithin = (value, { from, to }) => from <= value && value <= to;
    const [cx, cy] = this.place(x, y);
    const circle = this.shape(name, "circle");
    for (const [key, value] of Object.entries({ cx, cy, r: radius }))
      circle.setAttribute(key, value);
    circle.setAttribute(
      "visibility",
      isWithin(x, this.x) && isWithin(y, this.y) ? "visible" : "hidden",
    );
    return circle;
  }

  /** Return the shape of a name; a new one is drawn on top. */
  shape(name, tag) {
    if (!this.shapes.has(name)) {
      const element = document.createElementNS(NAMESPACE, tag);
      element.setAttribute("class", name);
      this.svg.append(element);
      this.shapes.set(name, element);
    }
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

/** Return an axis from `from` to `to` or slightly beyond, with about five round ticks. */
export function axisOf(from, to) {
  const rough = Math.max(to - from, 1e-9) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) * power;
  const count = Math.max(1, Math.ceil((to - from) / step - 1e-9));
  const ticks = Array.from({ length: count + 1 }, (_, i) =>
    Number((from + i * step).toPrecision(6)),
  );
  return { from, to: ticks[ticks.length - 1], ticks };
}
