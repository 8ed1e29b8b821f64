/** Rounding to float64, float32, bfloat16 and float16. JavaScript computes in float64 only. */

const BITS = { float16: 11, bfloat16: 8, float32: 24, float64: 53 }; // of the significand

/** The largest finite number of each, and the smallest normal number. */
const LARGEST = {
  float16: 65504,
  bfloat16: (2 - 2 ** -7) * 2 ** 127,
  float32: (2 - 2 ** -23) * 2 ** 127,
  float64: Number.MAX_VALUE,
};
const TINY = {
  float16: 2 ** -14,
  bfloat16: 2 ** -126,
  float32: 2 ** -126,
  float64: 2 ** -1022,
};

/** Return a float64 as the nearest number of a 16-bit format, ties to even, as IEEE 754 rounds. */
function toSixteenBits(x, dtype) {
  if (!Number.isFinite(x) || x === 0) return x;
  const size = Math.max(Math.abs(x), TINY[dtype]);
  const unit = 2 ** (Math.floor(Math.log2(size)) - BITS[dtype] + 1); // between neighbours, exact
  const below = Math.floor(x / unit);
  const rest = x / unit - below;
  const isAbove = rest > 0.5 || (rest === 0.5 && below % 2 !== 0);
  const rounded = (isAbove ? below + 1 : below) * unit;
  return Math.abs(rounded) > LARGEST[dtype] ? Math.sign(x) * Infinity : rounded;
}

/** Functions that round a number to each of them. */
const ROUND = {
  float16: (x) => toSixteenBits(x, "float16"),
  bfloat16: (x) => toSixteenBits(x, "bfloat16"),
  float32: Math.fround,
  float64: (x) => x,
};

/** Return the number above which exp overflows. */
function overflowsBeyond(dtype) {
  // Half a unit above the largest number rounds to infinity. In float64 only its log exists.
  return Math.log(LARGEST[dtype]) + Math.log1p(1 / (2 ** (BITS[dtype] + 1) - 2));
}
