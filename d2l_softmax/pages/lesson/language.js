/** The page's two languages: one table of texts, { key: { en: …, "zh-CN": … } }. */

const TEXTS = JSON.parse(document.getElementById("texts").textContent);
const KEPT = "d2l_softmax.language"; // in the browser's storage
const redraws = [];

/** Return a text in the page's language; a word in braces is replaced by the value of its name. */
export function say(key, values = {}) {
  return TEXTS[key][document.documentElement.lang].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Draw something now, and again whenever the language changes. */
export function drawAlways(draw) {
  redraws.push(draw);
  draw();
}

/** Begin in the language that was chosen here before, or else in the browser's; offer to switch. */
export function beginLanguage(buttons) {
  speak(recall() ?? (navigator.language.startsWith("zh") ? "zh-CN" : "en"));
  for (const button of buttons) {
    button.addEventListener("click", () => {
      speak(button.lang);
      remember(button.lang);
    });
  }

  function speak(language) {
    document.documentElement.lang = language;
    document.title = say("title");
    for (const button of buttons) button.setAttribute("aria-pressed", button.lang === language);
    for (const each of document.querySelectorAll("[data-text]")) {
      each.innerHTML = say(each.dataset.text, each.dataset);
    }
    for (const each of document.querySelectorAll("[data-label]")) {
      each.setAttribute("aria-label", say(each.dataset.label));
    }
    for (const each of document.querySelectorAll("[data-href]")) {
      each.setAttribute("href", say(each.dataset.href));
    }
    redraws.forEach((draw) => draw());
  }
}

function recall() {
  try {
    const language = localStorage.getItem(KEPT);
    return language in TEXTS.title ? language : null;
  } catch {
    return null; // some browsers keep nothing for a file from the disk
  }
}

function remember(language) {
  try {
    localStorage.setItem(KEPT, language);
  } catch {
    // then the page begins in the browser's language next time
  }
}
