/** All rules, in the order in which they are listed. */
import { gfpInAtomic } from "./gfpInAtomic.js";
import type { Rule } from "./rule.js";
import { sleepInAtomic } from "./sleepInAtomic.js";
import { sleepInAtomicCallback } from "./sleepInAtomicCallback.js";
import { staleCursor } from "./staleCursor.js";

export const RULES: readonly Rule[] = [sleepInAtomic, sleepInAtomicCallback, gfpInAtomic, staleCursor];
export type { Rule };
