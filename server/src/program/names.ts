/**
 * Strings ↔ numbers for the whole tree. A kernel has more than a million names and few of them are ever shown: their texts
 * are kept as bytes, and strings are made of those that are asked for.
 */

import type { ImageReader, ImageWriter } from "./image.js";
import { ByteWriter, endsOf } from "./packedLists.js";

/** Characters beyond this do not fit a byte; names with such are kept as strings. */
const WIDEST = 0xff;

export class Names {
  /** Texts one after another, as latin1. */
  private bytes: Uint8Array = new Uint8Array(1 << 12);
  /** Where the text of a number ends; it begins where the one before ends. */
  private ends: Int32Array = new Int32Array(1 << 9);
  private hashes: Int32Array = new Int32Array(1 << 9);
  /** Hash table of numbers plus one, 0: free. Its length is a power of two. */
  private table = new Int32Array(1 << 10);
  private readonly wide = new Map<string, number>();
  private strings: (string | undefined)[] = [];
  private size = 0;

  constructor() {
    this.id("");
  }

  save(to: ImageWriter, section: string): void {
    to.put(`${section}.bytes`, this.bytes.slice(0, this.size === 0 ? 0 : this.ends[this.size - 1]));
    const lengths = new ByteWriter();
    for (let id = 0; id < this.size; id++) lengths.uint(this.ends[id] - (id === 0 ? 0 : this.ends[id - 1]));
    to.put(`${section}.lengths`, lengths.take());
    to.json(`${section}.wide`, [...this.wide]);
  }

  static restore(from: ImageReader, section: string): Names {
    const names = new Names();
    names.bytes = from.bytes(`${section}.bytes`);
    names.ends = endsOf(from.bytes(`${section}.lengths`));
    names.size = names.ends.length;
    names.strings = new Array(names.size);
    names.hashes = hashesOf(names.bytes, names.ends);
    for (const [text, id] of from.json<[string, number][]>(`${section}.wide`)) {
      names.wide.set(text, id);
      names.strings[id] = text;
    }
    let slots = 1 << 10;
    while (slots < names.size * 2) slots *= 2;
    names.table = new Int32Array(slots >> 1);
    names.rehash();
    return names;
  }

  /** How many names there are; their numbers are below it. The empty name is 0. */
  get count(): number {
    return this.size;
  }

  /** The number of a name, given to it now if it has none. */
  id(text: string): number {
    const hash = hashOf(text);
    const known = this.lookup(text, hash);
    return known >= 0 ? known : this.add(text, hash);
  }

  /** The same of a name that is given as latin1. */
  idOf(latin1: Uint8Array, from: number, to: number): number {
    const length = to - from;
    const hash = hashOfBytes(latin1, from, to);
    const mask = this.table.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = this.table[slot] - 1;
      if (id < 0) break;
      if (this.hashes[id] !== hash) continue;
      const at = id === 0 ? 0 : this.ends[id - 1];
      if (this.ends[id] - at !== length) continue;
      const { bytes } = this;
      let i = 0;
      while (i < length && bytes[at + i] === latin1[from + i]) i++;
      if (i === length) return id;
    }
    const at = this.roomFor(length);
    for (let i = 0; i < length; i++) this.bytes[at + i] = latin1[from + i];
    return this.added(at + length, hash);
  }

  /** The number of a name, -1 when it has none. */
  find(text: string): number {
    return this.lookup(text, hashOf(text));
  }

  text(id: number): string {
    let text = this.strings[id];
    if (text === undefined) {
      const from = id === 0 ? 0 : this.ends[id - 1];
      text = Buffer.from(this.bytes.buffer, this.bytes.byteOffset + from, this.ends[id] - from).toString(
        "latin1",
      );
      this.strings[id] = text;
    }
    return text;
  }

  private lookup(text: string, hash: number): number {
    const mask = this.table.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = this.table[slot] - 1;
      if (id < 0) break;
      if (this.hashes[id] === hash && this.isText(id, text)) return id;
    }
    return this.wide.size > 0 ? (this.wide.get(text) ?? -1) : -1;
  }

  private isText(id: number, text: string): boolean {
    const from = id === 0 ? 0 : this.ends[id - 1];
    if (this.ends[id] - from !== text.length) return false;
    const { bytes } = this;
    for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  private add(text: string, hash: number): number {
    if (isWide(text)) {
      const id = this.added(this.roomFor(0), 0, false);
      this.wide.set(text, id);
      this.strings[id] = text;
      return id;
    }
    const at = this.roomFor(text.length);
    for (let i = 0; i < text.length; i++) this.bytes[at + i] = text.charCodeAt(i);
    return this.added(at + text.length, hash);
  }

  /** Where the bytes of the next name go. */
  private roomFor(length: number): number {
    const from = this.size === 0 ? 0 : this.ends[this.size - 1];
    while (from + length > this.bytes.length) {
      const wider = new Uint8Array(Math.max(1 << 12, this.bytes.length * 2));
      wider.set(this.bytes);
      this.bytes = wider;
    }
    return from;
  }

  /** Gives a number to the name whose bytes end here. */
  private added(end: number, hash: number, isFound = true): number {
    const id = this.size++;
    if (id >= this.ends.length) {
      this.ends = grown(this.ends, id * 2);
      this.hashes = grown(this.hashes, id * 2);
    }
    this.ends[id] = end;
    this.strings[id] = undefined;
    if (!isFound) return id;
    this.hashes[id] = hash;
    if (this.size * 2 > this.table.length) this.rehash();
    else this.insert(id);
    return id;
  }

  private insert(id: number): void {
    const mask = this.table.length - 1;
    let slot = this.hashes[id] & mask;
    while (this.table[slot] !== 0) slot = (slot + 1) & mask;
    this.table[slot] = id + 1;
  }

  private rehash(): void {
    this.table = new Int32Array(this.table.length * 2);
    const wide = new Set(this.wide.values());
    for (let id = 0; id < this.size; id++) if (!wide.has(id)) this.insert(id);
  }
}

function isWide(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > WIDEST) return true;
  return false;
}

/** The hash of every text, as `hashOf` gives it. */
function hashesOf(bytes: Uint8Array, ends: Int32Array): Int32Array {
  const out = new Int32Array(ends.length);
  let at = 0;
  for (let id = 0; id < ends.length; id++) {
    const end = ends[id];
    let h = end - at;
    for (; at < end; at++) h = Math.imul(h ^ bytes[at], 0x01000193);
    out[id] = h ^ (h >>> 15);
  }
  return out;
}

function hashOfBytes(bytes: Uint8Array, from: number, to: number): number {
  let h = to - from;
  for (let i = from; i < to; i++) h = Math.imul(h ^ bytes[i], 0x01000193);
  return h ^ (h >>> 15);
}

function hashOf(text: string): number {
  let h = text.length;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  // The low bits choose the slot: let the high ones have a say.
  return h ^ (h >>> 15);
}

function grown(a: Int32Array, length: number): Int32Array {
  const wider = new Int32Array(length);
  wider.set(a);
  return wider;
}
