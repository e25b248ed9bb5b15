/** Pieces of a work item as edits: the field in the struct, the header it needs, the function that the workqueue calls. */
import { eolOf } from "./layout.js";
import { structPlace } from "./teardown.js";
import type { FixEdit, FixSource } from "./types.js";

export interface WorkField {
  name: string;
  edits: FixEdit[];
}

/** A `struct work_struct` at the end of a struct of the tree, and the include that it needs; null where it is not found. */
export function addWorkField(
  struct: string,
  wanted: string,
  from: string,
  source: FixSource,
): WorkField | null {
  const place = structPlace(struct, from, source);
  if (!place) return null;
  const text = source.read(place.file)!;
  const name = [wanted, `deferred_${wanted}`, `sleeping_${wanted}`].find((n) => !place.fields.includes(n));
  if (name === undefined) return null;
  const eol = eolOf(text);
  const before = text.slice(place.open, place.close);
  // A flexible array has to stay last.
  if (/\[\s*\]\s*;\s*$/.test(before.replace(/\/\*[\s\S]*?\*\//g, ""))) return null;
  const indent = /\n([ \t]+)\S[^\n]*$/.exec(before.trimEnd())?.[1] ?? "\t";
  const at = place.open + before.trimEnd().length;
  const hasDirective = /^[ \t]*#/m.test(before.slice(before.trimEnd().lastIndexOf("\n") + 1));
  if (hasDirective && !before.trimEnd().endsWith("#endif")) return null;
  // A comment that ends the last line keeps its line.
  const lined = /[^\t]\t+\S[^\n]*$/.test(before.trimEnd());
  const field = `${eol}${indent.split("\n").pop()}struct work_struct${lined ? "\t" : " "}${name};`;
  return {
    name,
    edits: [
      { file: place.file, offset: at, endOffset: at, text: field },
      ...includeEdit(place.file, text, source),
    ],
  };
}

const KNOWN =
  /linux\/(?:workqueue|netdevice|usb|device|pci|platform_device|i2c|spi\/spi|blkdev|tty|mmc\/host|phy|skbuff)\.h/;

function includeEdit(file: string, text: string, source: FixSource): FixEdit[] {
  if (/\bstruct\s+(?:work_struct|delayed_work)\s+\w/.test(text)) return [];
  if (source.code.includes(file).some((i) => KNOWN.test(i))) return [];
  const includes = [...text.matchAll(/^#include <linux\/[^>]+>[^\n]*\n/gm)];
  const last = includes[includes.length - 1];
  if (!last) return [];
  const at = last.index + last[0].length;
  return [{ file, offset: at, endOffset: at, text: `#include <linux/workqueue.h>${eolOf(text)}` }];
}
