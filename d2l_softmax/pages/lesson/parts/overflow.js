/** Part 3: softmax as the formula is written overflows; less the row's maximum it can't. */

import { drawAlways, say } from "../language.js";
import { LARGEST, overflowsBeyond, ROUND } from "../precision.js";
import { provide } from "../quantities.js";
import { fillTable, find, fixed, make, significant, tell } from "../widgets.js";

const LOGITS = [2, 1, 0.1];

/** Return each step of softmax of logits (q,), rounded to a dtype; naive, or less the maximum. */
export function stepsOfSoftmax(logits, dtype, naive) {
  const round = ROUND[dtype];
  const o = Float64Array.from(logits, round);
  const largest = Math.max(...o);
  const less = naive ? o : o.map((each) => round(each - largest));
  const exponentials = less.map((each) => round(Math.exp(each)));
  const sum = exponentials.reduce((total, e) => round(total + e), 0);
  return { o, less, exponentials, sum, chances: exponentials.map((e) => round(e / sum)) };
}

export function showOverflow() {
  const slider = find("overflow-shift");
  const dtypes = find("overflow-dtype");
  let stable;

  dtypes.addEventListener("change", draw);
  slider.addEventListener("input", draw);
  const moveTo = (shift) => ((slider.value = shift), draw());
  find("overflow-hundred").addEventListener("click", () => moveTo(Number(slider.value) + 100));
  find("overflow-zero").addEventListener("click", () => moveTo(0));
  find("overflow-limit").addEventListener("click", () =>
    moveTo(Math.ceil(overflowsBeyond(chosenDtype()) - LOGITS[0])),
  );
  provide("stable", find("overflow-stable"), () => Array.from(stable.chances, (p) => fixed(p)));
  drawAlways(draw);

  function chosenDtype() {
    return dtypes.querySelector(":checked").value;
  }

  function draw() {
    const dtype = chosenDtype();
    const shift = Number(slider.value);
    const shifted = LOGITS.map((o) => o + shift);
    const naive = stepsOfSoftmax(shifted, dtype, true);
    stable = stepsOfSoftmax(shifted, dtype, false);
    tell(slider, find("overflow-shift-value"), `+${shift}`);
    const limit = fixed(overflowsBeyond(dtype), 2);
    find("overflow-limit").textContent = say("overflow.limit", { limit });
    fillTable(find("overflow-naive"), [
      ["o", ...cells(naive.o)],
      ["exp(o)", ...cells(naive.exponentials)],
      [say("sum"), ...cells([naive.sum])],
      ["ŷ", ...cells(naive.chances, !Number.isFinite(naive.sum))],
    ]);
    fillTable(find("overflow-stable"), [
      ["o − max(o)", ...cells(stable.less)],
      ["exp(o − max(o))", ...cells(stable.exponentials)],
      [say("sum"), ...cells([stable.sum])],
      ["ŷ", ...cells(stable.chances)],
    ]);
    find("overflow-said").textContent = say(`overflow.${stateOf(naive)}`, {
      dtype,
      limit,
      largest: significant(LARGEST[dtype], 5),
      exponent: significant(naive.o[0]),
    });
  }
}

/** Return what has overflowed: nothing, the sum alone, or exponentials too. */
function stateOf({ exponentials, sum }) {
  if (Number.isFinite(sum)) return "whole";
  return exponentials.every(Number.isFinite) ? "sum" : "broken";
}

/** Return numbers as cells; what is none, or wrong, is marked, and not by colour alone. */
function cells(numbers, areWrong = false) {
  return Array.from(numbers, (number) =>
    Number.isFinite(number) && !areWrong
      ? significant(number)
      : make("strong", { class: "broken" }, `⚠ ${significant(number)}`),
  );
}
