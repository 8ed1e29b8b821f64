/** Cross-entropy, -log p, and three ways to compute it for a tiny p. */

/**
 * Return the loss in float32 of an example whose class has a logit that is `gap` below the other's:
 * -log y_hat, the same with y_hat clamped (scratch), and m + log(sum(exp(o - m))) - o_y, m = max o
 * (the library).
 */
function formsOfLoss(gap) {
  const round = ROUND.float32;
  const yHat = softmax([Float64Array.of(0, gap)], "float32");
  const sum = round(1 + round(Math.exp(round(-gap)))); // of exponentials, less the maximum
  return {
    p: yHat[0][0],
    naive: -round(Math.log(yHat[0][0])),
    byHand: crossEntropy(yHat, [0], "float32")[0],
    library: round(round(Math.log(sum)) + gap),
  };
}

function showCrossEntropy() {
  const chart = new Chart(
    "cross-entropy",
    { from: 0, to: 1, ticks: [0, 0.2, 0.4, 0.6, 0.8, 1] },
    { from: 0, to: 7, ticks: [0, 1, 2, 3, 4, 5, 6, 7] },
  );
  const probability = find("probability");
  const gap = find("gap");
  const places = Array.from({ length: 300 }, (_, i) => 0.001 * 1000 ** (i / 299));
  const curve = places.map((p) => [p, -Math.log(p)]);
  chart.line("curve blue", curve);
  const dot = chart.dot("dot blue", 0.5, Math.LN2, 9);

  chart.drag(dot, ({ x }) => ((probability.value = x), draw()));
  find("cross_entropy").addEventListener("input", draw);
  provide("loss", find("cross-entropy-said"), () => [fixed(lossNow())]);
  provide("clamp", find("forms"), () => [significant(formsOfLoss(Number(gap.value)).byHand)]);
  drawLocalized(draw);

  function lossNow() {
    return crossEntropy([[Number(probability.value)]], [0])[0];
  }

  function draw() {
    const p = Number(probability.value);
    chart.dot("dot blue", p, lossNow(), 9);
    setSliderText(probability, fixed(p));
    const kind = p < 0.01 ? "wrong" : p < 0.9 ? "unsure" : "right";
    find("cross-entropy-said").textContent = tr(`cross_entropy.${kind}`, {
      p: fixed(p),
      loss: fixed(lossNow() + 0), // no minus before zero
    });
    drawForms();
  }

  function drawForms() {
    const { p, naive, byHand, library } = formsOfLoss(Number(gap.value));
    const cell = (loss) =>
      Number.isFinite(loss) ? significant(loss, 6) : make("strong", { class: "broken" }, "⚠ inf");
    setSliderText(gap, gap.value);
    fillTable(find("forms"), [
      [tr("cross_entropy.naive"), cell(naive)],
      [tr("cross_entropy.by_hand"), cell(byHand)],
      [tr("cross_entropy.library"), cell(library)],
    ]);
    const state = p === 0 ? "zero" : p < TINY.float32 ? "subnormal" : "normal";
    find("forms-said").textContent = tr(`cross_entropy.${state}`, { p: significant(p) });
  }
}
