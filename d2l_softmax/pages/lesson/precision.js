/** Rounding to float64, float32, bfloat16 and float16. JavaScript computes in float64 only. */

/** Each format: bits of the significand, the largest finite and the smallest normal number. */
const FORMATS = {
  float16: formatOf(11, 15),
  bfloat16: formatOf(8, 127),
  float32: formatOf(24, 127),
  float64: formatOf(53, 1023),
};

/** Functions that round a number to each format. */
const ROUND = {
  float16: (x) => toSixteenBits(x, FORMATS.float16),
  bfloat16: (x) => toSixteenBits(x, FORMATS.bfloat16),
  float32: Math.fround,
  float64: (x) => x,
};

function formatOf(bits, exponent) {
  return { bits, largest: (2 - 2 ** (1 - bits)) * 2 ** exponent, tiny: 2 ** (1 - exponent) };
}

/** Return a float64 as the nearest number of a 16-bit format, ties to even, as IEEE 754 rounds. */
function toSixteenBits(x, { bits, largest, tiny }) {
  const size = clamp(Math.abs(x), tiny, largest);
  const unit = 2 ** (Math.floor(Math.log2(size)) - bits + 1); // between neighbours, exact
  const large = 1.5 * 2 ** 52 * unit; // float64's neighbours of such numbers are a unit apart
  const rounded = x + large - large;
  return Math.abs(rounded) > largest ? Math.sign(x) * Infinity : rounded;
}

/** Return the number above which exp overflows. */
function overflowsBeyond(dtype) {
  const { bits, largest } = FORMATS[dtype];
  // Half a unit above the largest number rounds to infinity. In float64 only its log exists.
  return Math.log(largest) + Math.log1p(1 / (2 ** (bits + 1) - 2));
}
