/** Sums, largest values and products with weights: arithmetic that several parts share. */

/** Return the sum of numbers, 0 of none. */
function sumOf(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0);
}

/** Return the largest absolute value of numbers, 0 of none. */
function largest(numbers) {
  return numbers.reduce((most, number) => Math.max(most, Math.abs(number)), 0);
}

/** Return an image's pixels (d,) times the weights of class c: their sum plus b is the score. */
function products(model, x, c) {
  return x.map((shade, i) => shade * model.W[i][c]);
}
