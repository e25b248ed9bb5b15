/** Growing columns and the name table from which a file's outline is put together. */
import { hashText } from "../text/tokens.js";

/** A growing list of 32-bit integers. */
export class IntList {
  a = new Int32Array(256);
  n = 0;
  push(v: number): void {
    if (this.n === this.a.length) this.grow();
    this.a[this.n++] = v;
  }
  private grow(): void {
    const b = new Int32Array(this.a.length * 2);
    b.set(this.a);
    this.a = b;
  }
  /** The content as an array of its own; the list is empty afterwards. */
  take(): Int32Array {
    const out = this.a.slice(0, this.n);
    this.n = 0;
    if (this.a.length > 1 << 18) this.a = new Int32Array(256);
    return out;
  }
}

/**
 * Interns names of one file in order of first appearance. Words are compared by the hash that the lexer already computed,
 * so that a word seen before costs no string.
 */
export class NameTable {
  names: string[] = [""];
  private hashes: number[] = [0];
  private slots = new Int32Array(1 << 10);
  private mask = (1 << 10) - 1;

  /** Index of text[start, end), whose hash is given. */
  word(text: string, start: number, end: number, hash: number): number {
    if (start === end) return 0;
    let s = (hash ^ (hash >>> 15)) & this.mask;
    for (;;) {
      const idx = this.slots[s];
      if (idx === 0) break;
      if (this.hashes[idx] === hash) {
        const name = this.names[idx];
        if (name.length === end - start && text.startsWith(name, start)) return idx;
      }
      s = (s + 1) & this.mask;
    }
    return this.add(text.slice(start, end), hash, s);
  }

  /** Index of any text. */
  text(s: string): number {
    return this.word(s, 0, s.length, hashText(s, 0, s.length));
  }

  private add(name: string, hash: number, slot: number): number {
    const idx = this.names.length;
    this.names.push(name);
    this.hashes.push(hash);
    this.slots[slot] = idx;
    if (idx * 2 > this.mask) this.rehash();
    return idx;
  }

  private rehash(): void {
    const size = this.slots.length * 4;
    this.slots = new Int32Array(size);
    this.mask = size - 1;
    for (let i = 1; i < this.names.length; i++) {
      const h = this.hashes[i];
      let s = (h ^ (h >>> 15)) & this.mask;
      while (this.slots[s] !== 0) s = (s + 1) & this.mask;
      this.slots[s] = i;
    }
  }

  /**
   * The names, none of which holds on to the file's text any more (a slice of a string keeps its parent alive); the table
   * is empty afterwards.
   */
  take(): string[] {
    const out = this.names.join("\0").split("\0");
    this.names = [""];
    this.hashes = [0];
    if (this.slots.length > 1 << 14) {
      this.slots = new Int32Array(1 << 10);
      this.mask = (1 << 10) - 1;
    } else this.slots.fill(0);
    return out;
  }
}
