/** Naive softmax overflows; with the row's maximum subtracted it does not. */

const LOGITS = [2, 1, 0.1];

/** Return each step of softmax of logits (q,), rounded to a dtype; naive or stable. */
function stepsOfSoftmax(logits, dtype, naive) {
  const round = ROUND[dtype];
  const o = Float64Array.from(logits, round);
  const largest = Math.max(...o);
  const less = naive ? o : o.map((each) => round(each - largest));
  const exponentials = less.map((each) => round(Math.exp(each)));
  const sum = exponentials.reduce((total, e) => round(total + e), 0);
  return { o, less, exponentials, sum, probabilities: exponentials.map((e) => round(e / sum)) };
}

function showOverflow() {
  const slider = find("overflow-shift");
  const dtypes = find("overflow-dtype");
  let stable;

  find("overflow").addEventListener("input", draw);
  const moveTo = (shift) => ((slider.value = shift), draw());
  find("overflow-hundred").addEventListener("click", () => moveTo(Number(slider.value) + 100));
  find("overflow-zero").addEventListener("click", () => moveTo(0));
  find("overflow-limit").addEventListener("click", () =>
    moveTo(Math.ceil(overflowsBeyond(chosenDtype()) - LOGITS[0])),
  );
  provide("stable", find("overflow-stable"), () =>
    Array.from(stable.probabilities, (p) => fixed(p)),
  );
  drawLocalized(draw);

  function chosenDtype() {
    return dtypes.querySelector(":checked").value;
  }

  function draw() {
    const dtype = chosenDtype();
    const shift = Number(slider.value);
    const shifted = LOGITS.map((o) => o + shift);
    const naive = stepsOfSoftmax(shifted, dtype, true);
    stable = stepsOfSoftmax(shifted, dtype, false);
    setSliderText(slider, `+${shift}`);
    const limit = fixed(overflowsBeyond(dtype), 2);
    find("overflow-limit").textContent = tr("overflow.limit", { limit });
    fillTable(find("overflow-naive"), [
      ["o", ...cells(naive.o)],
      ["exp(o)", ...cells(naive.exponentials)],
      [tr("sum"), ...cells([naive.sum])],
      ["ŷ", ...cells(naive.probabilities, !Number.isFinite(naive.sum))],
    ]);
    fillTable(find("overflow-stable"), [
      ["o − max(o)", ...cells(stable.less)],
      ["exp(o − max(o))", ...cells(stable.exponentials)],
      [tr("sum"), ...cells([stable.sum])],
      ["ŷ", ...cells(stable.probabilities)],
    ]);
    find("overflow-said").textContent = tr(`overflow.${stateOf(naive)}`, {
      dtype,
      limit,
      largest: significant(LARGEST[dtype], 5),
      exponent: significant(naive.o[0]),
    });
  }
}

/** Return what has overflowed: nothing ("whole"), only the sum, or exponentials ("broken"). */
function stateOf({ exponentials, sum }) {
  if (Number.isFinite(sum)) return "whole";
  return exponentials.every(Number.isFinite) ? "sum" : "broken";
}

/** Return numbers as table cells; inf, nan and wrong ones have a warning sign. */
function cells(numbers, areWrong = false) {
  return Array.from(numbers, (number) =>
    Number.isFinite(number) && !areWrong
      ? significant(number)
      : make("strong", { class: "broken" }, `⚠ ${significant(number)}`),
  );
}
