/**
 * The page's address: #training&lr=1&batch=20&lang=zh shows a part in a state and a language,
 * #training&present shows it alone and large, #embed=training alone in an iframe.
 *
 * Invalid values are ignored. No text of the address is inserted as HTML. The controls that a link
 * can set have data-state, their name in links.
 */

const TURNS = { ArrowLeft: -1, PageUp: -1, ArrowRight: 1, PageDown: 1 };
const USES_KEYS = "input, select, [role=application], [role=listbox], [role=slider]";
const GROUP = "fieldset, [role=group]"; // of choices, one of them chosen
const SWITCH = "[type=checkbox], button";
const CHOSEN = ":checked, [aria-pressed=true]";

/** Return { id, view, values } of a hash; id and view may be empty, values are URLSearchParams. */
function parseHash(hash) {
  const values = new URLSearchParams(hash.slice(1));
  const [first = ""] = values.keys();
  const isId = first !== "present" && !values.get(first);
  const view = values.get("embed") ? "embed" : values.has("present") ? "present" : "";
  return { id: values.get("embed") || (isId ? first : ""), view, values };
}

/** Follow the address, now and when it changes. */
function followAddress() {
  const root = document.documentElement;
  const parts = [...document.querySelectorAll(".part[id]")];
  const controlsOf = (part) => [...part.querySelectorAll("[data-state]")];
  const defaults = new Map(parts.flatMap(controlsOf).map((control) => [control, read(control)]));
  const languageInLinks = () => root.lang.slice(0, 2);
  let shown = parts[0]; // alone, while there is a view

  for (const part of parts) {
    const [copy, alone] = part.querySelectorAll(".actions button");
    copy.addEventListener("click", () => copyLink(part));
    alone.addEventListener("click", () => present(part));
  }
  onClick("present-back", () => moveBy(-1));
  onClick("present-on", () => moveBy(1));
  onClick("present-end", leave);
  addEventListener("keydown", pressed);
  addEventListener("hashchange", follow);
  document.querySelector(".languages").addEventListener("click", () => {
    const hash = location.hash.replace(/([#&]lang=)[^&]*/, `$1${languageInLinks()}`);
    if (hash !== location.hash) replaceHash(hash);
  });
  follow();

  /** Show what the address names. A link without a view keeps the present one. */
  function follow(event) {
    const { id, view, values } = parseHash(location.hash);
    const language = languageOf(values.get("lang"));
    if (language && language !== root.lang) setLanguage(language);
    const target = find(id);
    const part = target?.closest(".part[id]");
    if (part) setState(part, values);
    if (view) root.dataset.view = view;
    if (root.dataset.view) show(part || shown);
    const hasScrolled = event && location.hash === `#${id}` && !root.dataset.view;
    if (target && !hasScrolled) target.scrollIntoView({ behavior: "instant" }); // parts have grown
  }

  /** Set a part's controls if values name one; the others have their defaults. */
  function setState(part, values) {
    const controls = controlsOf(part);
    if (!controls.some(({ dataset }) => values.has(dataset.state))) return;
    for (const control of controls) {
      write(control, defaults.get(control));
      write(control, values.get(control.dataset.state) ?? defaults.get(control));
    }
  }

  function show(part) {
    shown = part;
    for (const each of parts) each.classList.toggle("shown", each === part);
    const number = parts.indexOf(part) + 1;
    find("present-number").textContent = `${number} / ${parts.length}`;
    find("present-back").setAttribute("aria-disabled", number === 1);
    find("present-on").setAttribute("aria-disabled", number === parts.length);
  }

  function present(part) {
    root.dataset.view = "present";
    show(part);
    goTo(part, `#${part.id}&present`);
  }

  function leave() {
    delete root.dataset.view;
    goTo(shown, `#${shown.id}`);
  }

  /** Go to a part's heading, which gets the focus. */
  function goTo(part, hash) {
    replaceHash(hash);
    part.querySelector("h2").focus({ preventScroll: true });
    part.scrollIntoView({ behavior: "instant" });
  }

  function moveBy(step) {
    const next = parts[parts.indexOf(shown) + step];
    if (next) present(next);
  }

  function pressed(event) {
    const { key, target, defaultPrevented, altKey, ctrlKey, metaKey } = event;
    if (root.dataset.view !== "present" || defaultPrevented || altKey || ctrlKey || metaKey) return;
    if (key === "Escape" && !target.closest("[role=listbox]")) leave();
    if (!(key in TURNS) || target.closest(USES_KEYS)) return;
    event.preventDefault(); // the page would scroll
    moveBy(TURNS[key]);
  }

  /** Copy a link to a part as it is, or show it where the browser does not allow that. */
  async function copyLink(part) {
    const changed = controlsOf(part).filter((control) => read(control) !== defaults.get(control));
    const state = changed.map((control) => [control.dataset.state, read(control)]);
    replaceHash(`#${part.id}&${new URLSearchParams([...state, ["lang", languageInLinks()]])}`);
    const said = part.querySelector(".actions output");
    try {
      await navigator.clipboard.writeText(location.href);
      said.textContent = tr("address.copied");
    } catch {
      said.textContent = tr("address.above");
    }
  }
}

/** Return a control's value as links have it. */
function read(control) {
  if (control.matches(GROUP)) return control.querySelector(CHOSEN).value;
  return control.matches(SWITCH) ? String(Number(control.matches(CHOSEN))) : control.value;
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

function replaceHash(hash) {
  try {
    history.replaceState(null, "", hash);
  } catch {
    location.hash = hash; // a page without an address of its own, as in an iframe's srcdoc
  }
}
