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

PARTS.cross_entropy = () => {
  const chart = new Chart("cross-entropy", axisOf(0, 1, 0.2), axisOf(0, 7, 1));
  const [probability, gap] = [find("probability"), find("gap")];
  const places = Array.from({ length: 300 }, (_, i) => 0.001 * 1000 ** (i / 299));
  let loss, forms;

  chart.line(
    "curve blue",
    places.map((p) => [p, -Math.log(p)]),
  );
  chart.drag(chart.dot("dot blue", 0, 0), ({ x }) => ((probability.value = x), draw()));
  find("cross_entropy").addEventListener("input", draw);
  provide("loss", find("cross-entropy-said"), () => [fixed(loss)]);
  provide("clamp", find("forms"), () => [significant(forms.byHand)]);
  drawLocalized(draw);

  function draw() {
    const p = Number(probability.value);
    [loss] = crossEntropy([[p]], [0]);
    chart.dot("dot blue", p, loss, 9);
    setSliderText(probability, fixed(p));
    const kind = p < 0.01 ? "wrong" : p < 0.9 ? "unsure" : "right";
    const values = { p: fixed(p), loss: fixed(loss) };
    find("cross-entropy-said").textContent = tr(`cross_entropy.${kind}`, values);

    forms = formsOfLoss(Number(gap.value));
    setSliderText(gap, gap.value);
    fillTable(find("forms"), [
      [tr("cross_entropy.naive"), checked(forms.naive, 6)],
      [tr("cross_entropy.by_hand"), checked(forms.byHand, 6)],
      [tr("cross_entropy.library"), checked(forms.library, 6)],
    ]);
    const state = forms.p === 0 ? "zero" : forms.p < FORMATS.float32.tiny ? "subnormal" : "normal";
    find("forms-said").textContent = tr(`cross_entropy.${state}`, { p: significant(forms.p) });
  }
};
