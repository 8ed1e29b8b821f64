/** The page begins: language, images and weights, then part after part. */

import { loadExamples, loadTrained, modelOf } from "./examples.js";
import { prepare } from "./garments.js";
import { beginLanguage } from "./language.js";
import { LOSSES } from "./losses.js";
import { showCrossEntropy, formsOfLoss } from "./parts/cross_entropy.js";
import { showLosses, pointsWith } from "./parts/losses.js";
import { showOverflow, stepsOfSoftmax } from "./parts/overflow.js";
import { showOwnPicture, parseWeights } from "./parts/own_picture.js";
import { showPicking, picked } from "./parts/picking.js";
import { showPrograms } from "./parts/programs.js";
import { showScores } from "./parts/scores.js";
import { showShapes, sumOver, broadcast } from "./parts/shapes.js";
import { showSoftmax, withTemperature } from "./parts/softmax.js";
import { showTraining } from "./parts/training.js";
import { readPicture } from "./pictures.js";
import * as pillow from "./pillow.js";
import { ROUND, overflowsBeyond } from "./precision.js";
import * as twin from "./softmax_regression.js";
import { finish, meansOfClasses, Training } from "./training.js";

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
  globalThis.d2l_softmax = {
    ...{ examples, trained, modelOf, prepare, readPicture, parseWeights, LOSSES, formsOfLoss },
    ...{ pointsWith, stepsOfSoftmax, picked, sumOver, broadcast, withTemperature, Training },
    ...{ pillow, finish, meansOfClasses, ROUND, overflowsBeyond, ...twin },
  };
  document.documentElement.dataset.ready = "";
}

begin();
