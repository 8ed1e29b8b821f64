/** The page's two languages: one table of texts, { key: { en: …, "zh-CN": … } }. */

const TEXTS = JSON.parse(document.getElementById("texts").textContent);
const STORAGE_KEY = "d2l_softmax.language"; // in the browser's storage
const drawings = [];
const IN_LINKS = { en: "en", "zh-CN": "zh" };

/** Return a language as links have it: en, zh. */
export function languageOf(lang) {
  return IN_LINKS[lang];
}

/** Return a text in the page's language; a word in braces is replaced by the value of its name. */
export function tr(key, values = {}) {
  return TEXTS[key][document.documentElement.lang].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Draw now, and again whenever the language changes. */
export function drawLocalized(draw) {
  draw();
  drawings.push(draw); // not if it failed: the other parts go on
}

/**
 * Start in the saved language, else in the browser's; switch when a button is clicked. Return a
 * function that switches to a language of a link, and ignores others.
 */
export function initLanguage(buttons) {
  setLanguage(loadLanguage() ?? (navigator.language.startsWith("zh") ? "zh-CN" : "en"));
  for (const button of buttons) {
    button.addEventListener("click", () => {
      setLanguage(button.lang);
      saveLanguage(button.lang);
    });
  }
  return (name) => {
    const lang = Object.keys(IN_LINKS).find((each) => IN_LINKS[each] === name);
    if (lang && lang !== document.documentElement.lang) setLanguage(lang);
  };

  function setLanguage(language) {
    document.documentElement.lang = language;
    document.title = tr("title");
    for (const button of buttons) button.setAttribute("aria-pressed", button.lang === language);
    for (const each of document.querySelectorAll("[data-text]")) {
      each.innerHTML = tr(each.dataset.text, each.dataset);
    }
    for (const each of document.querySelectorAll("[data-label]")) {
      each.setAttribute("aria-label", tr(each.dataset.label));
    }
    drawings.forEach((draw) => draw());
  }
}

/** Return the language that was saved, or null. */
function loadLanguage() {
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
