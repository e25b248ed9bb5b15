/**
 * Strings ↔ numbers for the whole tree. A kernel has more than a million names and few of them are ever shown: their texts
 * are kept as bytes, and strings are made of those that are asked for.
 */

import type { ImageReader, ImageWriter } from "./image.js";
import { SavedNames, saveNames } from "./savedNames.js";

/** Characters beyond this do not fit a byte; names with such are kept as strings. */
const WIDEST = 0xff;

export class Names {
  /** Texts one after another, as latin1. */
  private bytes: Uint8Array = new Uint8Array(1 << 12);
  /** Where the text of a number ends; it begins where the one before ends. Numbers here are those after the saved ones. */
  private ends: Int32Array = new Int32Array(1 << 9);
  private hashes: Int32Array = new Int32Array(1 << 9);
  /** Hash table of numbers plus one, 0: free. Its length is a power of two. */
  private table = new Int32Array(1 << 10);
  private readonly wide = new Map<string, number>();
  private strings: (string | undefined)[] = [];
  private size = 0;

  /** How many names are those of an image. */
  private readonly first: number;

  private constructor(private readonly saved: SavedNames | null) {
    this.first = saved?.count ?? 0;
  }

  /** The empty name alone. */
  static empty(): Names {
    const names = new Names(null);
    names.id("");
    return names;
  }

  static restore(from: ImageReader, section: string): Names {
    return new Names(new SavedNames(from, section));
  }

  /** Of names none of which are an image's. */
  save(to: ImageWriter, section: string): void {
    const { size, wide } = this;
    const ends = this.ends.subarray(0, size);
    const hashes = this.hashes.subarray(0, size);
    saveNames(to, section, { bytes: this.bytes.slice(0, ends[size - 1]), ends, hashes, wide });
  }

  /** How many names there are; their numbers are below it. The empty name is 0. */
  get count(): number {
    return this.first + this.size;
  }

  /** The number of a name, given to it now if it has none. */
  id(text: string): number {
    const hash = hashOf(text);
    const known = this.lookup(text, hash);
    return known >= 0 ? known : this.add(text, hash) + this.first;
  }

  /** The same of a name that is given as latin1. */
  idOf(latin1: Uint8Array, from: number, to: number): number {
    const length = to - from;
    // Few are read into a program that was restored.
    if (this.saved)
      return this.id(Buffer.from(latin1.buffer, latin1.byteOffset + from, length).toString("latin1"));
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
    if (id < this.first) return this.saved!.text(id);
    const own = id - this.first;
    let text = this.strings[own];
    if (text === undefined) {
      const from = own === 0 ? 0 : this.ends[own - 1];
      text = Buffer.from(this.bytes.buffer, from, this.ends[own] - from).toString("latin1");
      this.strings[own] = text;
    }
    return text;
  }

  private lookup(text: string, hash: number): number {
    if (this.saved) {
      const id = this.saved.find(text, hash);
      if (id >= 0) return id;
    }
    const mask = this.table.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const own = this.table[slot] - 1;
      if (own < 0) break;
      if (this.hashes[own] === hash && this.isText(own, text)) return own + this.first;
    }
    const wide = this.wide.size > 0 ? this.wide.get(text) : undefined;
    return wide === undefined ? -1 : wide + this.first;
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
