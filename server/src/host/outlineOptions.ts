/** What the outliner is told about a tree: the registrations that the tables of its version know. */
import type { OutlineOptions } from "../facts/outline.js";
import { loadKernelTables, registrationNames } from "../kernel/load.js";
import { readKernelVersion } from "./root.js";

export function outlineOptions(root: string): OutlineOptions {
  return { registrations: registrationNames(loadKernelTables(readKernelVersion(root))) };
}
