/** Arithmetic that several parts share. */

/** Return the sum of numbers, 0 of none. */
function sumOf(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0);
}

function mean(numbers) {
  return sumOf(numbers) / numbers.length;
}

/** Return the largest absolute value of numbers, 0 of none. */
function largest(numbers) {
  return numbers.reduce((most, number) => Math.max(most, Math.abs(number)), 0);
}

function clamp(number, from, to) {
  return Math.max(from, Math.min(to, number));
}

/** Return a quantile of numbers, such as 0.5 for the median: the nearest one. */
function quantile(numbers, share) {
  const sorted = Float64Array.from(numbers).sort();
  return sorted[Math.round(share * (sorted.length - 1))];
}

/** Return an image's pixels (d,) times the weights of class c: their sum plus b is the score. */
function products(model, x, c) {
  return x.map((shade, i) => shade * model.W[i][c]);
}
