/**
 * Findings in the form in which they are kept: what many paths share (steps, sleeps, reasons, contexts) is told once, as
 * numbers where it can be, which makes a tenth of it; and as JSON of which a character is a byte, as source texts are,
 * which is read far faster than UTF-8.
 */
import type { Confidence, Finding, FindingPath } from "./types.js";

/** The numbers stand for places in the list of parts. */
type PackedPath = [
  confidence: Confidence,
  reasons: number,
  chain: number[],
  sleep: number,
  condition?: string,
];

type PackedFinding = Omit<Finding, "reasons" | "context" | "paths"> & {
  reasons: number;
  context: number;
  paths: PackedPath[];
};

export interface PackedFindings {
  texts: string[];
  /** Names of the fields of a part, in order. */
  shapes: string[][];
  /**
   * The number of its shape, then a value a field: offsets as they are, other parts by their numbers, texts by theirs. Parts
   * come before those that they are in.
   */
  parts: number[][];
  findings: PackedFinding[];
}

/** In place of a shape: a list of texts, or of parts. */
const TEXTS = -1;
const PARTS = -2;

const isNumber = (field: string): boolean => field === "offset" || field === "endOffset";
const isPart = (field: string): boolean => field === "site" || field === "through";

class Packer {
  private readonly numbersOf = { texts: new Map<string, number>(), shapes: new Map<string, number>() };
  /** By identity and by content: most that is shared is the same object. */
  private readonly known = new Map<object | string, number>();
  readonly packed: PackedFindings = { texts: [], shapes: [], parts: [], findings: [] };

  add(f: Finding): void {
    this.packed.findings.push({
      ...f,
      reasons: this.part(f.reasons),
      context: this.part(f.context),
      paths: f.paths.map((p) => this.path(p)),
    });
  }

  private path({ confidence, reasons, condition, chain, sleep }: FindingPath): PackedPath {
    const steps = chain.map((step) => this.part(step));
    const packed: PackedPath = [confidence, this.part(reasons), steps, this.part(sleep)];
    if (condition !== undefined) packed.push(condition);
    return packed;
  }

  private part(value: object): number {
    let number = this.known.get(value);
    if (number !== undefined) return number;
    const part = Array.isArray(value) ? this.list(value) : this.fields(value);
    const key = part.join();
    number = this.known.get(key);
    if (number === undefined) {
      number = this.packed.parts.push(part) - 1;
      this.known.set(key, number);
    }
    this.known.set(value, number);
    return number;
  }

  private list(values: readonly unknown[]): number[] {
    return typeof values[0] === "object"
      ? [PARTS, ...values.map((v) => this.part(v as object))]
      : [TEXTS, ...values.map((v) => this.text(v as string))];
  }

  private fields(value: object): number[] {
    // Absent and undefined are the same in JSON, which this stands for.
    const entries = Object.entries(value).filter(([, v]) => v !== undefined);
    const fields = entries.map(([field]) => field);
    const part = [numberOf(this.numbersOf.shapes, fields.join(), fields, this.packed.shapes)];
    for (const [field, v] of entries)
      part.push(isNumber(field) ? v : isPart(field) ? this.part(v) : this.text(v));
    return part;
  }

  private text(text: string): number {
    return numberOf(this.numbersOf.texts, text, text, this.packed.texts);
  }
}

function numberOf<T>(numbers: Map<string, number>, key: string, value: T, list: T[]): number {
  let number = numbers.get(key);
  if (number === undefined) {
    number = list.push(value) - 1;
    numbers.set(key, number);
  }
  return number;
}

export function packFindings(findings: readonly Finding[]): PackedFindings {
  const packer = new Packer();
  for (const f of findings) packer.add(f);
  return packer.packed;
}

/** The findings again, with what they share as shared objects. Takes what it is given apart. */
export function unpackFindings({ texts, shapes, parts, findings }: PackedFindings): Finding[] {
  const made: unknown[] = [];
  for (const [shape, ...values] of parts) {
    if (shape === TEXTS) made.push(values.map((n) => texts[n]));
    else if (shape === PARTS) made.push(values.map((n) => made[n]));
    else {
      const part: Record<string, unknown> = {};
      shapes[shape].forEach((field, i) => {
        const n = values[i];
        part[field] = isNumber(field) ? n : isPart(field) ? made[n] : texts[n];
      });
      made.push(part);
    }
  }
  const path = ([confidence, reasons, chain, sleep, condition]: PackedPath): FindingPath => {
    const steps = chain.map((n) => made[n] as FindingPath["chain"][number]);
    const end = made[sleep] as FindingPath["sleep"];
    const why = made[reasons] as FindingPath["reasons"];
    return condition === undefined
      ? { confidence, reasons: why, chain: steps, sleep: end }
      : { confidence, reasons: why, condition, chain: steps, sleep: end };
  };
  // In place: keys keep their order, and a finding is not copied once more.
  return findings.map((packed) => {
    const f = packed as unknown as Finding;
    f.reasons = made[packed.reasons] as Finding["reasons"];
    f.context = made[packed.context] as Finding["context"];
    f.paths = packed.paths.map(path);
    return f;
  });
}

/** JSON without characters that do not fit a byte. */
export const narrowJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[^\x00-\xff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
