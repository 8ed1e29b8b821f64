/** The page's entry point: language, images and weights, then the parts in their order. */

import { loadExamples, loadTrained, modelOf } from "./examples.js";
import { initLanguage } from "./language.js";
import { LOSSES } from "./losses.js";
import { formsOfLoss, showCrossEntropy } from "./parts/cross_entropy.js";
import { pointsWith, showLosses } from "./parts/losses.js";
import { showOverflow, stepsOfSoftmax } from "./parts/overflow.js";
import { parseWeights, shifted, showOwnPicture } from "./parts/own_picture.js";
import { picked, showPicking } from "./parts/picking.js";
import { showPrograms } from "./parts/programs.js";
import { showScores } from "./parts/scores.js";
import { broadcast, showShapes, sumOver } from "./parts/shapes.js";
import { showSoftmax, withTemperature } from "./parts/softmax.js";
import { showTraining } from "./parts/training.js";
import { readPicture } from "./pictures.js";
import * as precision from "./precision.js";
import { preprocess } from "./preprocessing.js";
import * as regression from "./softmax_regression.js";
import * as training from "./training.js";

async function main() {
  initLanguage(document.querySelectorAll(".languages button"));
  const examples = await loadExamples();
  const trained = loadTrained();
  showScores(examples.test, trained);
  showSoftmax();
  showOverflow();
  showCrossEntropy();
  showLosses();
  showShapes();
  showPicking();
  showTraining(examples);
  showPrograms();
  showOwnPicture(examples.test, trained);

  // For the browser's console, and for the tests that compare these numbers with PyTorch's.
  globalThis.d2l_softmax = {
    ...{ examples, trained, modelOf, LOSSES, ...regression, ...training, ...precision },
    ...{ formsOfLoss, pointsWith, stepsOfSoftmax, parseWeights, shifted, picked },
    ...{ broadcast, sumOver, withTemperature, preprocess, readPicture },
  };
  document.documentElement.dataset.ready = "";
}

main();
