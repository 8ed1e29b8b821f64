/** The page begins: language, images and weights, then part after part. */

import { loadExamples, loadTrained, modelOf } from "./examples.js";
import { prepare } from "./preprocessing.js";
import { beginLanguage } from "./language.js";
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
import * as pillow from "./pillow.js";
import * as precision from "./precision.js";
import * as twin from "./softmax_regression.js";
import * as training from "./training.js";

async function begin() {
  beginLanguage(document.querySelectorAll(".languages button"));
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

  // For the browser's console, and for the tests that hold these numbers to PyTorch's.
  const ofParts = { formsOfLoss, pointsWith, stepsOfSoftmax, parseWeights, shifted, picked };
  const ofShapes = { broadcast, sumOver, withTemperature };
  const ofPictures = { pillow, prepare, readPicture };
  const data = { examples, trained, modelOf, LOSSES };
  const computing = { ...twin, ...training, ...precision };
  globalThis.d2l_softmax = { ...data, ...computing, ...ofParts, ...ofShapes, ...ofPictures };
  document.documentElement.dataset.ready = "";
}

begin();
