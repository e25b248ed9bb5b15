/** The integer columns of an outline in the order in which they are written, with their strides. */
import {
  COND_STRIDE,
  FN_STRIDE,
  INIT_STRIDE,
  REG_STRIDE,
  STRUCT_STRIDE,
  TYPED_STRIDE,
} from "../facts/outline.js";
import { MACRO_STRIDE } from "./macroKinds.js";

export const COLUMNS = [
  ["fn", FN_STRIDE],
  ["params", TYPED_STRIDE],
  ["calls", 1],
  ["annots", 2],
  ["structs", STRUCT_STRIDE],
  ["fields", TYPED_STRIDE],
  ["globals", TYPED_STRIDE],
  ["inits", INIT_STRIDE],
  ["regs", REG_STRIDE],
  ["regArgs", 1],
  ["conds", COND_STRIDE],
  ["includes", 1],
  ["macros", MACRO_STRIDE],
] as const;

export type Column = (typeof COLUMNS)[number][0];

/** What a value is predicted from: the value above it … */
const ABOVE = -1;
/** … the first index of the record above and the count behind it … */
const BEHIND = -2;
/** … the value to its left, … */
const LEFT = -3;
/** … nothing, … */
const NOTHING = -4;
/** … or column k of the record above. */
const aboveIn = (k: number): number => k;

/** How the columns of the longer records are predicted; of most values nothing is left to write down. */
export const PREDICTIONS: Partial<Record<Column, Int8Array>> = {
  // Name, flags, start, name's start, body's start, end, type, parameters, calls, annotations, condition, hashes.
  fn: Int8Array.of(
    ABOVE,
    ABOVE,
    aboveIn(5),
    LEFT,
    LEFT,
    LEFT,
    ABOVE,
    BEHIND,
    ABOVE,
    BEHIND,
    ABOVE,
    BEHIND,
    ABOVE,
    ABOVE,
    NOTHING,
    NOTHING,
  ),
  structs: Int8Array.of(ABOVE, BEHIND, ABOVE, ABOVE, ABOVE),
  inits: new Int8Array(INIT_STRIDE).fill(ABOVE),
  regs: Int8Array.of(ABOVE, ABOVE, ABOVE, BEHIND, ABOVE),
};

/** The value that is expected in column c of the record at i; those before it are known. */
export function predicted(a: Int32Array, i: number, c: number, how: Int8Array, stride: number): number {
  const h = how[c];
  if (h === LEFT) return a[i + c - 1];
  if (i === 0 || h === NOTHING) return 0;
  const above = i - stride;
  if (h === ABOVE) return a[above + c];
  if (h === BEHIND) return a[above + c] + a[above + c + 1];
  return a[above + h];
}
