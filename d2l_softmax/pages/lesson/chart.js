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
    const point = new DOMPoint(x, y).matrixTransform(this.matrix);
    return [point.x, point.y];
  }

  /** Draw the axes' lines and numbers; the caller redraws its curves. */
  setAxes(x, y) {
    if (this.x?.to === x.to && this.y?.to === y.to) return;
    const across = (BOX.right - BOX.left) / (x.to - x.from);
    const down = (BOX.top - BOX.bottom) / (y.to - y.from);
    const origin = [BOX.left - across * x.from, BOX.bottom - down * y.from];
    Object.assign(this, { x, y, matrix: new DOMMatrix([across, 0, 0, down, ...origin]) });
    const columns = x.ticks.map((tick) => {
      const [left] = this.place(tick, 0);
      return `<line x1="${left}" x2="${left}" y1="${BOX.top}" y2="${BOX.bottom}"/>
        <text x="${left}" y="${BOX.bottom + 13}" text-anchor="middle">${tick}</text>`;
    });
    const rows = y.ticks.map((tick) => {
      const [, top] = this.place(0, tick);
      return `<line x1="${BOX.left}" x2="${BOX.right}" y1="${top}" y2="${top}"/>
        <text x="${BOX.left - 4}" y="${top + 4}" text-anchor="end">${tick}</text>`;
    });
    this.shape("axes", "g").innerHTML = [...columns, ...rows].join("");
  }

  /** Draw a line of the name through points [x, y]; clipped to the box. */
  line(name, points) {
    const inPath = (point) => this.place(...point).map((at) => at.toFixed(1)).join(" ");
    const d = points.length ? `M${points.map(inPath).join("L")}` : "";
    setAttributes(this.shape(name, "path"), { d, "clip-path": `url(#${this.svg.id}-box)` });
  }

  /** Draw a dot of the name, hidden outside the box; return it. */
  dot(name, x, y, r = 5) {
    const visibility = isWithin(x, this.x) && isWithin(y, this.y) ? "visible" : "hidden";
    const [cx, cy] = this.place(x, y);
    const circle = this.shape(name, "circle");
    setAttributes(circle, { cx, cy, r, visibility });
    return circle;
  }

  /** Return the shape of a name; a new one is drawn on top. */
  shape(name, tag) {
    if (!this.shapes.has(name)) {
      const shape = document.createElementNS(this.svg.namespaceURI, tag);
      setAttributes(shape, { class: name });
      this.svg.append(shape);
      this.shapes.set(name, shape);
    }
    return this.shapes.get(name);
  }

  /** Call move({ x, y }), in the axes' units, while a shape of this chart is dragged. */
  drag(shape, move) {
    shape.classList.add("handle");
    // Some browsers ignore touch-action for shapes in an <svg>, and scroll.
    shape.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    shape.addEventListener("pointerdown", (event) => event.preventDefault()); // no text is selected
    followPointer(shape, ({ clientX, clientY }) => {
      const point = new DOMPoint(clientX, clientY);
      const inViewBox = point.matrixTransform(this.svg.getScreenCTM().inverse());
      move(inViewBox.matrixTransform(this.matrix.inverse()));
    });
  }
}

/** Call move(event) while a pointer is held down on an element, even outside it. */
function followPointer(element, move) {
  element.addEventListener("pointerdown", (event) => {
    if (event.button === 0) element.setPointerCapture(event.pointerId);
  });
  for (const type of ["pointermove", "pointerup"]) {
    element.addEventListener(type, (event) => {
      if (element.hasPointerCapture(event.pointerId)) move(event);
    });
  }
}

function isWithin(value, { from, to }) {
  return from <= value && value <= to;
}

/** Return an axis with ticks at the multiples of `step`. */
function axisOf(from, to, step) {
  const first = Math.ceil(from / step);
  const ticks = Array.from({ length: Math.floor(to / step + 1e-9) - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(6)),
  );
  return { from, to, ticks };
}

/** Return an axis from 0 to `to` or slightly beyond, with about five round ticks. */
function axisFromZero(to) {
  const power = 10 ** Math.floor(Math.log10(to / 5));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= 0.999 * (to / 5)) * power;
  return axisOf(0, step * Math.ceil(to / step - 1e-9), step);
}
