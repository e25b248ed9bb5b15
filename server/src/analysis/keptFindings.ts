/**
 * The finished findings of files as they are kept between checks: JSON, those of low confidence apart, which are most of
 * them and which hardly anybody asks for; and their form for a saved image, which is decoded where it is asked for.
 */
import type { LowFindings } from "../engine.js";
import { narrowJson, type PackedFindings, packFindings, unpackFindings } from "../findings/packed.js";
import type { Finding } from "../findings/types.js";
import type { Footprint } from "./footprint.js";

/** What was made in this process is a string, what was saved are bytes (latin1) until somebody wants them. */
type Text = string | Uint8Array | Piece;

/** Bytes that are fetched when somebody wants them. */
interface Piece {
  whole: () => Uint8Array;
  from: number;
  to: number;
}

const bytesOf = (t: Uint8Array | Piece): Uint8Array =>
  t instanceof Uint8Array ? t : t.whole().subarray(t.from, t.to);

function textOf(t: Text): string {
  if (typeof t === "string") return t;
  const bytes = bytesOf(t);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

export interface KeptFile extends Footprint {
  /** First letter of each finding's confidence, in order. */
  readonly levels: string;
  /** Findings of medium confidence and above, and those of low: packed, as JSON; "" for none. */
  readonly sure: Text;
  readonly low: Text;
  /** How many are suppressed, and how many of these are of low confidence. */
  readonly suppressed: number;
  readonly lowSuppressed: number;
  /** What was found about list walks, as it came: JSON. */
  readonly walks: Text;
}

const isLow = (f: Finding): boolean => f.confidence === "low";

export function keptFile(findings: readonly Finding[], walks: string, footprint: Footprint): KeptFile {
  const low = findings.filter(isLow);
  return {
    ...footprint,
    levels: findings.map((f) => f.confidence[0]).join(""),
    sure: jsonOf(findings.filter((f) => !isLow(f))),
    low: jsonOf(low),
    suppressed: findings.filter((f) => f.suppressed).length,
    lowSuppressed: low.filter((f) => f.suppressed).length,
    walks,
  };
}

/** Nothing is found there and nothing elsewhere rests on it. */
export const isEmpty = (f: KeptFile): boolean =>
  f.levels === "" && walksOf(f) === "" && f.files.length + f.marks.length + f.asks.length === 0;

export const walksOf = (f: KeptFile | undefined): string => (f ? textOf(f.walks) : "");

/** The findings of a file in order; the texts are read anew, so that nobody shares them. */
export function allOf(f: KeptFile): Finding[] {
  return merged(parsed(textOf(f.sure)), parsed(textOf(f.low)), f.levels);
}

export const sureOf = (f: KeptFile): Finding[] => parsed(textOf(f.sure));

/** The same as it is kept; "" when there are none. */
export const sureText = (f: KeptFile): string => textOf(f.sure);

/** Null when there are none. */
export function lowOf(file: string, kept: KeptFile): LowFindings | null {
  const { levels, lowSuppressed } = kept;
  if (!levels.includes("l")) return null;
  return {
    file,
    levels,
    count: levels.split("l").length - 1,
    suppressed: lowSuppressed,
    // Read when it is wanted, which is seldom.
    get json() {
      return textOf(kept.low);
    },
  };
}

/** Puts the findings of a file in order that were told apart by confidence; `levels` says which comes when. */
export function merged(sure: readonly Finding[], low: readonly Finding[], levels: string): Finding[] {
  let s = 0;
  let l = 0;
  return [...levels].map((level) => (level === "l" ? low[l++] : sure[s++]));
}

const jsonOf = (findings: readonly Finding[]): string =>
  findings.length === 0 ? "" : narrowJson(packFindings(findings));

const parsed = (json: string): Finding[] =>
  json === "" ? [] : unpackFindings(JSON.parse(json) as PackedFindings);

// ---- the saved form ---------------------------------------------------------------------------------------------

/** Kept files as a few flat arrays. Numbers of functions and files are good as long as the program's are. */
export interface SavedFiles {
  /** `STRIDE` numbers a file: its number, and how much of each array is its own. */
  index: Int32Array;
  numbers: Int32Array;
  levels: string;
  sure: Uint8Array;
  /** Four fifths of all, and seldom wanted: a restored one may come when it is. */
  low: Uint8Array | (() => Uint8Array);
  walks: Uint8Array;
}

const STRIDE = 11;

export function saveFiles(
  files: ReadonlyMap<string, KeptFile>,
  fileNumber: (path: string) => number,
): SavedFiles {
  const index = new Int32Array(files.size * STRIDE);
  const sure = new Bytes();
  const low = new Bytes();
  const walks = new Bytes();
  const lists: Int32Array[] = [];
  const levels: string[] = [];
  let at = 0;
  for (const [path, f] of files) {
    const own = [f.files, f.targets, f.marks, f.asks];
    lists.push(...own);
    levels.push(f.levels);
    const lengths = [...own.map((a) => a.length), f.levels.length];
    index.set([fileNumber(path), ...lengths, sure.add(f.sure), low.add(f.low), walks.add(f.walks)], at);
    index.set([f.suppressed, f.lowSuppressed], at + STRIDE - 2);
    at += STRIDE;
  }
  const numbers = new Int32Array(lists.reduce((n, a) => n + a.length, 0));
  let n = 0;
  for (const a of lists) {
    numbers.set(a, n);
    n += a.length;
  }
  return {
    index,
    numbers,
    levels: levels.join(""),
    sure: sure.joined(),
    low: low.joined(),
    walks: walks.joined(),
  };
}

export function restoreFiles(saved: SavedFiles, paths: readonly string[]): Map<string, KeptFile> {
  const out = new Map<string, KeptFile>();
  const { index, levels } = saved;
  const numbers = taker(saved.numbers);
  const sure = taker(saved.sure);
  const low = typeof saved.low === "function" ? piecesOf(saved.low) : taker(saved.low);
  const walks = taker(saved.walks);
  let level = 0;
  for (let i = 0; i < index.length; i += STRIDE) {
    out.set(paths[index[i]], {
      files: numbers(index[i + 1]),
      targets: numbers(index[i + 2]),
      marks: numbers(index[i + 3]),
      asks: numbers(index[i + 4]),
      levels: levels.slice(level, (level += index[i + 5])),
      sure: sure(index[i + 6]),
      low: low(index[i + 7]),
      walks: walks(index[i + 8]),
      suppressed: index[i + 9],
      lowSuppressed: index[i + 10],
    });
  }
  return out;
}

/** Gives one piece of an array after another. */
function taker<T extends Int32Array | Uint8Array>(from: T): (length: number) => T {
  let at = 0;
  return (length) => from.subarray(at, (at += length)) as T;
}

function piecesOf(bytes: () => Uint8Array): (length: number) => Text {
  let all: Uint8Array | null = null;
  const whole = (): Uint8Array => {
    all ??= bytes();
    return all;
  };
  let at = 0;
  return (length) => (length === 0 ? "" : { whole, from: at, to: (at += length) });
}

class Bytes {
  private readonly parts: Uint8Array[] = [];

  /** How many bytes it takes. */
  add(text: Text): number {
    const bytes = typeof text === "string" ? Buffer.from(text, "latin1") : bytesOf(text);
    this.parts.push(bytes);
    return bytes.length;
  }

  joined(): Uint8Array {
    return Buffer.concat(this.parts);
  }
}
