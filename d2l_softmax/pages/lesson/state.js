/** The controls of a part that a link can set: elements with data-state, their name in links. */

const VALUED = "select, input:not([type=checkbox])"; // the others are checked or pressed

/** The state of a part's controls; the values they have now are the defaults. */
export class State {
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
      if (!write(control, values.get(name) ?? initial)) write(control, initial);
    }
  }

  /** Return what differs from the defaults, as in a link: ["lr=1", "batch=20"]. */
  get() {
    const changed = this.controls.filter(({ control, initial }) => read(control) !== initial);
    return changed.map(({ control, name }) => `${name}=${encodeURIComponent(read(control))}`);
  }
}

/** Return a control's value as links have it; of a group of buttons which one is pressed. */
function read(control) {
  if (control.matches(VALUED)) return control.value;
  if (control.matches("fieldset")) return control.querySelector(":checked").value;
  if (control.matches("[role=group]")) return String([...control.children].findIndex(isOn));
  return isOn(control) ? "1" : "0";
}

/** Set a control; return whether it takes the text. */
function write(control, text) {
  if (read(control) === text) return true;
  if (control.matches(VALUED)) {
    const before = control.value;
    control.value = text;
    const isTaken = control.value === text && control.selectedIndex !== -1;
    if (!isTaken) control.value = before;
    else for (const type of ["input", "change"]) control.dispatchEvent(new Event(type));
  } else if (control.matches("fieldset, [role=group]")) {
    const choices = [...control.querySelectorAll("input, button")];
    choices.find(({ value }, i) => (value || String(i)) === text)?.click();
  } else if (text === "0" || text === "1") control.click();
  return read(control) === text;
}

function isOn(control) {
  return control.checked || control.getAttribute("aria-pressed") === "true";
}
