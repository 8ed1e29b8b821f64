/** The controls of a part that a link can set: elements with data-state, their name in links. */

const GROUP = "fieldset, [role=group]"; // of choices, one of them chosen
const SWITCH = "[type=checkbox], button";
const CHOSEN = ":checked, [aria-pressed=true]";

/** The state of a part's controls; the values they have now are the defaults. */
class State {
  constructor(part) {
    this.controls = [...part.querySelectorAll("[data-state]")].map((control) => ({
      control,
      name: control.dataset.state,
      initial: read(control),
    }));
  }

  /** Set the controls if a link's values (URLSearchParams) name one: the others to the default. */
  set(values) {
    if (!this.controls.some(({ name }) => values.has(name))) return;
    for (const { control, name, initial } of this.controls) {
      write(control, initial);
      if (values.has(name)) write(control, values.get(name));
    }
  }

  /** Return what differs from the defaults, as in a link: ["lr=1", "batch=20"]. */
  get() {
    const changed = this.controls.filter(({ control, initial }) => read(control) !== initial);
    return changed.map(({ control, name }) => `${name}=${encodeURIComponent(read(control))}`);
  }
}

/** Return a control's value as links have it. */
function read(control) {
  if (control.matches(GROUP)) return control.querySelector(CHOSEN).value;
  if (control.matches(SWITCH)) return control.matches(CHOSEN) ? "1" : "0";
  return control.value;
}

/** Set a control, unless the text is none of its values. */
function write(control, text) {
  const before = read(control);
  if (before === text) return;
  if (control.matches(GROUP)) {
    [...control.querySelectorAll("input, button")].find(({ value }) => value === text)?.click();
  } else if (control.matches(SWITCH)) {
    if (text === "0" || text === "1") control.click();
  } else {
    control.value = text;
    if (control.value !== text || control.selectedIndex === -1) control.value = before;
    else control.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
