/** Rounding to float64, float32 and float16. JavaScript computes in float64 only. */

const BITS = { float16: 11, float32: 24, float64: 53 }; // of the significand

/** Return a float64 as the nearest float16, ties to even (IEEE 754-2008, binary16). */
function toFloat16(x) {
  if (!Number.isFinite(x) || x === 0) return x;
  const exponent = Math.max(-14, Math.floor(Math.log2(Math.abs(x))));
  const unit = 2 ** (exponent - 10); // between neighbours, exact as a power of two
  const rounded = roundHalfToEven(x / unit) * unit;
  return Math.abs(rounded) > 65504 ? Math.sign(x) * Infinity : rounded;
}

/** Return the nearest integer, ties to even. */
function roundHalfToEven(x) {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2) ? below + 1 : below;
}

/** Functions that round a number to each of them. */
export const ROUND = { float16: toFloat16, float32: Math.fround, float64: (x) => x };

/** The largest finite number of each, and the smallest normal number. */
export const LARGEST = {
  float16: 65504,
  float32: (2 - 2 ** -23) * 2 ** 127,
  float64: Number.MAX_VALUE,
};
export const TINY = { float16: 2 ** -14, float32: 2 ** -126, float64: 2 ** -1022 };

/** Return the number above which exp overflows. */
export function overflowsBeyond(dtype) {
  // Half a unit above the largest number rounds to infinity. In float64 only its log exists.
  return Math.log(LARGEST[dtype]) + Math.log1p(2 ** -(BITS[dtype] + 1));
}
