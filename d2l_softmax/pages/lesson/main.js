/** The page's entry point: language, images and weights, the parts in their order, the address. */

async function main() {
  initLanguage();
  const examples = await loadExamples();
  const trained = loadTrained();
  for (const [name, show] of Object.entries(PARTS)) {
    try {
      show(examples, trained);
    } catch (error) {
      console.error(error); // the other parts go on
      find(name).querySelector(".panel").textContent = tr("failed.part", { error: error.message });
    }
  }
  followAddress();
  document.querySelectorAll(".panel").forEach(answerOnActing);

  // For the browser's console, and for the tests that compare these numbers with PyTorch's.
  globalThis.d2l_softmax = {
    ...{ softmax, crossEntropy, argmax, SoftmaxRegression, SGD, modelOf, Training, examples },
    ...{ trained, LOSSES, centredClassMeans, products, noticed, errorOf, POINTS, LABELS, PlaneFit },
    ...{ boundaries, ROUND, overflowsBeyond, stepsOfSoftmax, formsOfLoss, withTemperature },
    ...{ pointsWith, sumOver, broadcast, picked, parseWeights, shifted, preprocess, readPicture },
  };
  document.documentElement.dataset.ready = "";
}

/** Open the answer to a part's question when its panel is first used. */
function answerOnActing(panel) {
  const answer = panel.parentElement.querySelector(".see");
  const open = ({ target, isTrusted }) => {
    if (!isTrusted) return; // a link sets the controls
    for (const type of ["click", "input"]) panel.removeEventListener(type, open);
    if (answer.open) return;
    const before = panel.getBoundingClientRect().top;
    answer.open = true; // on a phone it is above the panel, which must not move under the finger
    scrollBy({ top: panel.getBoundingClientRect().top - before, behavior: "instant" });
    target.scrollIntoView({ block: "nearest", behavior: "instant" }); // smooth scrolling has ended
  };
  for (const type of ["click", "input"]) panel.addEventListener(type, open);
}

main();
