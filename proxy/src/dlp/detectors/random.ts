// Made-up tokens for the detectors' own examples: nothing that looks like a secret stands in a source file.

export interface Random {
  /** `count` characters of `alphabet`, written as a charset's ranges: `A-Za-z0-9`. */
  chars(alphabet: string, count: number): string;
  /** Whole number from `least` to `most`. */
  number(least: number, most: number): number;
}

/** Mulberry32: small, fast, and the same for the same seed, so that a failure can be seen again. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const number = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return {
    number,
    chars(alphabet, count) {
      const all = expand(alphabet);
      let text = '';
      for (let i = 0; i < count; i++) text += all[number(0, all.length - 1)];
      return text;
    },
  };
}

function expand(alphabet: string): string {
  return alphabet.replaceAll(/(.)-(.)/g, (_, low: string, high: string) => {
    let range = '';
    for (let code = low.charCodeAt(0); code <= high.charCodeAt(0); code++) range += String.fromCharCode(code);
    return range;
  });
}
