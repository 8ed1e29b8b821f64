/** The controls of a part that a link can set: elements with data-state, their name in links. */

/** Kinds of controls: the first whose selector matches. `accepts` tells whether a text is valid. */
const KINDS = [
  {
    selector: "select",
    read: (select) => select.value,
    accepts: (select, text) => [...select.options].some(({ value }) => value === text),
    write: writeValue,
  },
  {
    selector: "input[type=range]",
    read: (slider) => slider.value,
    accepts: ({ min, max }, text) =>
      /^-?\d+(\.\d+)?$/.test(text) && Number(text) >= Number(min) && Number(text) <= Number(max),
    write: writeValue,
  },
  {
    selector: "input[type=hidden]", // its part ignores what it can't use
    read: (input) => input.value,
    accepts: () => true,
    write: writeValue,
  },
  {
    selector: "input[type=checkbox]",
    read: (box) => String(Number(box.checked)),
    accepts: isFlag,
    write: (box, text) => ((box.checked = text === "1"), announce(box)),
  },
  {
    selector: "fieldset",
    read: (set) => set.querySelector(":checked").value,
    accepts: (set, text) => radios(set).some(({ value }) => value === text),
    write: (set, text) => {
      const radio = radios(set).find(({ value }) => value === text);
      radio.checked = true;
      announce(radio);
    },
  },
  {
    selector: "button",
    read: (button) => String(Number(isPressed(button))),
    accepts: isFlag,
    write: (button) => button.click(),
  },
  {
    selector: "[role=group]", // of buttons, one of them pressed
    read: (group) => String([...group.children].findIndex(isPressed)),
    accepts: (group, text) => [...group.children].some((_, i) => String(i) === text),
    write: (group, text) => group.children[text].click(),
  },
];

/** The state of a part's controls; the values they have now are the defaults. */
export class State {
  constructor(part) {
    this.controls = [...part.querySelectorAll("[data-state]")].map((control) => {
      const { read, accepts, write } = KINDS.find(({ selector }) => control.matches(selector));
      return {
        name: control.dataset.state,
        read: () => read(control),
        accepts: (text) => accepts(control, text),
        write: (text) => text !== read(control) && write(control, text),
        initial: read(control),
      };
    });
  }

  /** Set the controls if a link's values (URLSearchParams) name one: the others to the default. */
  set(values) {
    if (!this.controls.some(({ name }) => values.has(name))) return;
    for (const { name, accepts, write, initial } of this.controls) {
      const text = values.get(name);
      write(text !== null && accepts(text) ? text : initial);
    }
  }

  /** Return what differs from the defaults, as in a link: ["lr=1", "batch=20"]. */
  get() {
    const changed = this.controls.filter(({ read, initial }) => read() !== initial);
    return changed.map(({ name, read }) => `${name}=${encodeURIComponent(read())}`);
  }
}

function writeValue(control, text) {
  control.value = text;
  announce(control);
}

/** Tell a part that a control has changed, as the browser does; no answer opens (main.js). */
function announce(control) {
  control.dispatchEvent(new Event("input"));
  control.dispatchEvent(new Event("change", { bubbles: true }));
}

function isFlag(_, text) {
  return text === "0" || text === "1";
}

function isPressed(button) {
  return button.getAttribute("aria-pressed") === "true";
}

function radios(set) {
  return [...set.querySelectorAll("input[type=radio]")];
}
