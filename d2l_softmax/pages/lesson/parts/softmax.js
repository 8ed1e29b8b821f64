/** Softmax with sliders for scores and temperature, and a constant added to all. */

/** Return softmax(o / T) of logits (q,), and exp(o / T) without the maximum subtracted. */
function withTemperature(logits, temperature) {
  const scaled = Float64Array.from(logits, (o) => o / temperature);
  return { exponentials: scaled.map(Math.exp), probabilities: softmax([scaled])[0] };
}

PARTS.softmax = () => {
  const rows = [...find("softmax-table").tBodies[0].rows];
  const [total] = find("softmax-table").tFoot.rows;
  const sliders = rows.map((row) => row.querySelector("input"));
  const shift = find("softmax-shift");
  let added = 0;
  let probabilities;

  find("softmax").addEventListener("input", draw);
  shift.addEventListener("click", () => {
    added = 100 - added;
    shift.setAttribute("aria-pressed", added > 0);
    draw();
  });
  provide("softmax", find("softmax-table"), () => Array.from(probabilities, (p) => fixed(p)));
  drawLocalized(draw);

  function draw() {
    const temperature = 10 ** Number(find("temperature").value);
    const logits = sliders.map((slider) => Number(slider.value) + added);
    const computed = withTemperature(logits, temperature);
    probabilities = computed.probabilities;
    setSliderText(find("temperature"), significant(temperature, 3));
    rows.forEach((row, i) => {
      setSliderText(sliders[i], fixed(logits[i], 1));
      row.cells[1].textContent = significant(computed.exponentials[i]);
      row.cells[2].replaceChildren(measured(fixed(probabilities[i]), bar(0, probabilities[i])));
    });
    const sum = sumOf(computed.exponentials);
    total.cells[1].textContent = significant(sum);
    total.cells[2].replaceChildren(measured(fixed(sumOf(probabilities)), ""));
    const guess = argmax(probabilities);
    const probability = fixed(probabilities[guess]);
    const { number: part } = find("overflow").dataset;
    const values = { largest: guess + 1, probability, added, part };
    const key = Number.isFinite(sum) ? "softmax.said" : "softmax.inf";
    find("softmax-said").textContent = tr(key, values);
  }
};
