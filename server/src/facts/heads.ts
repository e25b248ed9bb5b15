/**
 * What a function's flow facts need of its file's outline: where it stands and what it is called with. Sent along with a
 * request for facts, so that whoever makes them need not look at the rest of the file again.
 */

export interface FunctionHead {
  name: string;
  /** FnFlag bits, and offsets as in the outline's columns of the same names. */
  flags: number;
  start: number;
  bodyStart: number;
  end: number;
  params: { name: string; type: string; flags: number }[];
}

/** Heads of some functions of one file in two columns, cheap to send between threads. */
export interface PackedHeads {
  /** A head: flags, start, bodyStart, end, number of parameters, and the flags of each. */
  numbers: Int32Array;
  /** A head: its name, then name and type of each parameter; with a line feed between any two. */
  words: string;
}

export function packHeads(heads: readonly FunctionHead[]): PackedHeads {
  const numbers: number[] = [];
  const words: string[] = [];
  for (const h of heads) {
    numbers.push(h.flags, h.start, h.bodyStart, h.end, h.params.length);
    words.push(h.name);
    for (const p of h.params) {
      numbers.push(p.flags);
      words.push(p.name, p.type);
    }
  }
  return { numbers: Int32Array.from(numbers), words: words.join("\n") };
}

export function unpackHeads({ numbers, words }: PackedHeads): FunctionHead[] {
  const heads: FunctionHead[] = [];
  const list = words.split("\n");
  let w = 0;
  for (let i = 0; i < numbers.length; ) {
    const count = numbers[i + 4];
    const head: FunctionHead = {
      name: list[w++],
      flags: numbers[i],
      start: numbers[i + 1],
      bodyStart: numbers[i + 2],
      end: numbers[i + 3],
      params: [],
    };
    i += 5;
    for (let p = 0; p < count; p++)
      head.params.push({ name: list[w++], type: list[w++], flags: numbers[i++] });
    heads.push(head);
  }
  return heads;
}
