/** The page's two languages: one table of texts, { key: { en: …, "zh-CN": … } }. */

const TEXTS = contentOf("texts");
const STORAGE_KEY = "d2l_softmax.language"; // in the browser's storage
const LANGUAGE_BUTTONS = [...document.querySelectorAll(".languages button")];
const drawings = [];

/** Return a text in the page's language; a word in braces is replaced by the value of its name. */
function tr(key, values = {}) {
  return TEXTS[key][document.documentElement.lang].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Draw now, and again whenever the language changes. */
function drawLocalized(draw) {
  draw();
  drawings.push(draw); // not if it failed: the other parts go on
}

/** Start in the saved language, else in the browser's; switch when a button is clicked. */
function initLanguage() {
  const saved = useStorage((storage) => storage.getItem(STORAGE_KEY));
  setLanguage(languageOf(saved) ?? languageOf(navigator.language) ?? "en");
  for (const button of LANGUAGE_BUTTONS) {
    button.addEventListener("click", () => {
      setLanguage(button.lang);
      useStorage((storage) => storage.setItem(STORAGE_KEY, button.lang));
    });
  }
}

/** Return the page's language for en, zh, zh-TW and so on; undefined for others. */
function languageOf(name) {
  return ["en", "zh-CN"].find((language) => language.slice(0, 2) === name?.slice(0, 2));
}

function setLanguage(language) {
  document.documentElement.lang = language;
  document.title = tr("title");
  for (const button of LANGUAGE_BUTTONS)
    button.setAttribute("aria-pressed", button.lang === language);
  for (const each of document.querySelectorAll("[data-text]"))
    each.innerHTML = tr(each.dataset.text, each.dataset);
  for (const each of document.querySelectorAll("[data-label]"))
    each.setAttribute("aria-label", tr(each.dataset.label));
  drawings.forEach((draw) => draw());
}

/** Return what `use` gives of the browser's storage; null if there is none, as for a local file. */
function useStorage(use) {
  try {
    return use(localStorage);
  } catch {
    return null;
  }
}
