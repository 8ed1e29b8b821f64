/** Naive softmax overflows; with the row's maximum subtracted it does not. */

const LOGITS = [2, 1, 0.1];

PARTS.overflow = () => {
  const slider = find("overflow-shift");
  const chosenDtype = () => find("overflow-dtype").querySelector(":checked").value;
  const moveTo = (shift) => ((slider.value = shift), draw());
  let stable;

  find("overflow").addEventListener("input", draw);
  onClick("overflow-hundred", () => moveTo(Number(slider.value) + 100));
  onClick("overflow-zero", () => moveTo(0));
  onClick("overflow-limit", () => moveTo(Math.ceil(overflowsBeyond(chosenDtype()) - LOGITS[0])));
  provide("stable", find("overflow-stable"), () =>
    Array.from(stable.probabilities, (p) => fixed(p)),
  );
  drawLocalized(draw);

  function draw() {
    const dtype = chosenDtype();
    const shifted = LOGITS.map((o) => o + Number(slider.value));
    const naive = stepsOfSoftmax(shifted, dtype, true);
    stable = stepsOfSoftmax(shifted, dtype, false);
    setSliderText(slider, `+${slider.value}`);
    fillSteps("overflow-naive", "o", naive);
    fillSteps("overflow-stable", "o − max(o)", stable);
    const limit = fixed(overflowsBeyond(dtype), 2);
    find("overflow-limit").textContent = tr("overflow.limit", { limit });
    // What has overflowed: nothing ("whole"), only the sum, or exponentials ("broken")
    const isSum = naive.exponentials.every(Number.isFinite);
    const state = Number.isFinite(naive.sum) ? "whole" : isSum ? "sum" : "broken";
    find("overflow-said").textContent = tr(`overflow.${state}`, {
      dtype,
      limit,
      largest: significant(FORMATS[dtype].largest, 5),
      exponent: significant(naive.o[0]),
    });
  }
};

/** Fill a table with each step; probabilities are wrong if their sum has overflowed. */
function fillSteps(id, exponent, { less, exponentials, sum, probabilities }) {
  const row = (heading, numbers, areWrong) => [
    heading,
    ...Array.from(numbers, (number) => checked(number, 4, areWrong)),
  ];
  fillTable(find(id), [
    row(exponent, less),
    row(`exp(${exponent})`, exponentials),
    row(tr("sum"), [sum]),
    row("ŷ", probabilities, !Number.isFinite(sum)),
  ]);
}
