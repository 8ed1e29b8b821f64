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
  setLanguage(savedLanguage() ?? (navigator.language.startsWith("zh") ? "zh-CN" : "en"));
  for (const button of LANGUAGE_BUTTONS) {
    button.addEventListener("click", () => {
      setLanguage(button.lang);
      saveLanguage(button.lang);
    });
  }
}

/** Return the page's language as links have it: en, zh. */
function languageInLinks() {
  return document.documentElement.lang.slice(0, 2);
}

/** Switch to the language of a link; others than en and zh are ignored. */
function followLanguage(name) {
  const button = LANGUAGE_BUTTONS.find(({ lang }) => lang.slice(0, 2) === name);
  if (button && name !== languageInLinks()) setLanguage(button.lang);
}

function setLanguage(language) {
  document.documentElement.lang = language;
  document.title = tr("title");
  for (const button of LANGUAGE_BUTTONS) {
    button.setAttribute("aria-pressed", button.lang === language);
  }
  for (const each of document.querySelectorAll("[data-text]")) {
    each.innerHTML = tr(each.dataset.text, each.dataset);
  }
  for (const each of document.querySelectorAll("[data-label]")) {
    each.setAttribute("aria-label", tr(each.dataset.label));
  }
  drawings.forEach((draw) => draw());
}

/** Return the language that was saved, or null. */
function savedLanguage() {
  try {
    const language = localStorage.getItem(STORAGE_KEY);
    return language in TEXTS.title ? language : null;
  } catch {
    return null; // some browsers have no storage for a local file
  }
}

function saveLanguage(language) {
  try {
    localStorage.setItem(STORAGE_KEY, language);
  } catch {
    // next time the page starts in the browser's language
  }
}
