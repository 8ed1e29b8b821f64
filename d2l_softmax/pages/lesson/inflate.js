/** Decompression of zlib data (RFC 1950, 1951): older browsers have no DecompressionStream. */

const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]; // of code lengths

/** Return the decompressed bytes (Uint8Array); throws an error if the data are damaged. */
export function inflate(bytes) {
  const output = [];
  let position = 16; // in bits, after the header of zlib
  let isLast = false;
  while (!isLast) {
    isLast = readBits(1) === 1;
    const type = readBits(2);
    if (type === 0) copyStored();
    else if (type === 1) readSymbols(...fixedCodes());
    else if (type === 2) readSymbols(...readCodes());
    else throw new Error("inflate: unknown type of block");
  }
  return Uint8Array.from(output);

  /** Return the next bits as a number, the first one lowest. */
  function readBits(count) {
    let value = 0;
    for (let i = 0; i < count; i++, position++)
      value |= ((bytes[position >> 3] >> (position & 7)) & 1) << i;
    if (position > 8 * bytes.length) throw new Error("inflate: the data end too early");
    return value;
  }

  function readSymbol({ counts, symbols }) {
    let [code, first, index] = [0, 0, 0];
    for (const count of counts) {
      code |= readBits(1);
      if (code - first < count) return symbols[index + code - first];
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new Error("inflate: unknown code");
  }

  function copyStored() {
    const start = Math.ceil(position / 8) + 4; // the length is stored twice, in two bytes each
    const end = start + bytes[start - 4] + 256 * bytes[start - 3];
    for (let i = start; i < end; i++) output.push(bytes[i]);
    position = 8 * end;
  }

  /** Return the codes of a block for literals and lengths, and for distances. */
  function readCodes() {
    const [literals, distances, count] = [readBits(5) + 257, readBits(5) + 1, readBits(4) + 4];
    const ofLengths = new Array(19).fill(0);
    for (let i = 0; i < count; i++) ofLengths[ORDER[i]] = readBits(3);
    const code = codeOf(ofLengths);
    const lengths = [];
    while (lengths.length < literals + distances) {
      const symbol = readSymbol(code);
      if (symbol < 16) lengths.push(symbol);
      else {
        const repeated = symbol === 16 ? lengths[lengths.length - 1] : 0;
        const [least, extra] = { 16: [3, 2], 17: [3, 3], 18: [11, 7] }[symbol];
        const times = least + readBits(extra);
        for (let i = 0; i < times; i++) lengths.push(repeated);
      }
    }
    return [codeOf(lengths.slice(0, literals)), codeOf(lengths.slice(literals))];
  }

  function readSymbols(literals, distances) {
    for (;;) {
      const symbol = readSymbol(literals);
      if (symbol === 256) return; // the end of the block
      if (symbol < 256) output.push(symbol);
      else copy(readLength(symbol - 257), readDistance(readSymbol(distances)));
    }
  }

  function readLength(symbol) {
    if (symbol < 8) return symbol + 3;
    if (symbol === 28) return 258;
    const extra = (symbol >> 2) - 1;
    return ((4 + (symbol & 3)) << extra) + 3 + readBits(extra);
  }

  function readDistance(symbol) {
    if (symbol < 4) return symbol + 1;
    const extra = (symbol >> 1) - 1;
    return ((2 + (symbol & 1)) << extra) + 1 + readBits(extra);
  }

  function copy(length, distance) {
    for (let i = 0; i < length; i++) output.push(output[output.length - distance]);
  }
}

/** Return the canonical Huffman code of symbols with these lengths in bits; 0: not used. */
function codeOf(lengths) {
  const counts = Array.from({ length: 15 }, (_, i) => lengths.filter((n) => n === i + 1).length);
  const symbols = counts.flatMap((_, i) =>
    lengths.map((n, symbol) => (n === i + 1 ? symbol : -1)).filter((symbol) => symbol >= 0),
  );
  return { counts, symbols };
}

function fixedCodes() {
  const lengths = Array.from({ length: 288 }, (_, i) => (i < 144 || i > 279 ? 8 : i < 256 ? 9 : 7));
  return [codeOf(lengths), codeOf(new Array(30).fill(5))];
}
