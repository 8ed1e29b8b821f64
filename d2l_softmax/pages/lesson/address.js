/**
 * The page's address: #training&lr=1&batch=20&lang=zh shows a part in a state and a language,
 * #training&present shows it alone and large, #embed=training alone in an iframe.
 *
 * Invalid values are ignored. No text of the address is inserted as HTML.
 */

const TURNS = { ArrowLeft: -1, PageUp: -1, ArrowRight: 1, PageDown: 1 };
const USES_KEYS = "input, select, [role=application], [role=listbox], [role=slider]";

/** Return { id, view, values } of a hash; id and view may be empty, values are URLSearchParams. */
function parseHash(hash) {
  const [first, ...rest] = hash.slice(1).split("&");
  const isId = !first.includes("=") && first !== "present";
  const values = new URLSearchParams((isId ? rest : [first, ...rest]).join("&"));
  const view = values.has("embed") ? "embed" : values.has("present") ? "present" : "";
  return { id: values.get("embed") || (isId ? first : ""), view, values };
}

/** Follow the address, now and when it changes. */
function followAddress() {
  const root = document.documentElement;
  const parts = [...document.querySelectorAll(".part[id]")];
  const states = new Map(parts.map((part) => [part, new State(part)]));
  let shown = parts[0]; // alone, while there is a view

  for (const part of parts) {
    const [copy, alone] = part.querySelectorAll(".actions button");
    copy.addEventListener("click", () => copyLink(part));
    alone.addEventListener("click", () => present(part));
  }
  find("present-back").addEventListener("click", () => moveBy(-1));
  find("present-on").addEventListener("click", () => moveBy(1));
  find("present-end").addEventListener("click", leave);
  addEventListener("keydown", pressed);
  addEventListener("hashchange", follow);
  document.querySelector(".languages").addEventListener("click", () => {
    if (!parseHash(location.hash).values.has("lang")) return;
    replaceHash(location.hash.replace(/([#&]lang=)[^&]*/, `$1${languageInLinks()}`));
  });
  follow();

  /** Show what the address names. A link without a view keeps the present one. */
  function follow(event) {
    const { id, view, values } = parseHash(location.hash);
    followLanguage(values.get("lang"));
    const target = find(id);
    const part = target?.closest(".part[id]");
    if (part) states.get(part).set(values);
    if (view) root.dataset.view = view;
    if (root.dataset.view) show(part || shown);
    const hasScrolled = event && location.hash === `#${id}` && !root.dataset.view;
    if (target && !hasScrolled) target.scrollIntoView({ behavior: "instant" }); // parts have grown
  }

  function show(part) {
    shown = part;
    for (const each of parts) each.classList.toggle("shown", each === part);
    const number = parts.indexOf(part) + 1;
    find("present-number").textContent = `${number} / ${parts.length}`;
    find("present-back").setAttribute("aria-disabled", number === 1);
    find("present-on").setAttribute("aria-disabled", number === parts.length);
  }

  /** Present a part: its heading gets the focus. */
  function present(part) {
    root.dataset.view = "present";
    show(part);
    replaceHash(`#${part.id}&present`);
    focusOn(part);
  }

  function leave() {
    delete root.dataset.view;
    replaceHash(`#${shown.id}`);
    focusOn(shown);
  }

  function focusOn(part) {
    const heading = part.querySelector("h2");
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
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
    const hash = [`#${part.id}`, ...states.get(part).get(), `lang=${languageInLinks()}`];
    replaceHash(hash.join("&"));
    const said = part.querySelector(".actions output");
    try {
      await navigator.clipboard.writeText(location.href);
      said.textContent = tr("address.copied");
    } catch {
      said.textContent = tr("address.above");
    }
  }
}

function replaceHash(hash) {
  try {
    history.replaceState(null, "", hash);
  } catch {
    location.hash = hash; // a page without an address of its own, as in an iframe's srcdoc
  }
}
