/**
 * A segment: many records in one immutable file, with an index at its end. It is written under a temporary name and renamed
 * when it is whole, so that readers see all of it or nothing; each part has a checksum, so that damage is found and told.
 */
import {
  closeSync,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { checksum, type Hash } from "./hash.js";

/** Changes with the layout of segments and manifests; part of the folder's name. */
export const LAYOUT = 1;
const MAGIC = 0x4743_4b4c;
const HEADER_BYTES = 64;
const TRAILER_BYTES = 32;
/** Integers of an index entry: four of the key, offset, length, checksum. */
export const ENTRY = 7;
export const SEGMENT_SUFFIX = ".seg";
const WRITE_BYTES = 1 << 20;

function header(stamp: Hash, owner: Hash): Buffer {
  const out = Buffer.alloc(HEADER_BYTES);
  out.writeUInt32LE(MAGIC, 0);
  out.writeUInt32LE(LAYOUT, 4);
  out.write(stamp, 8, "latin1");
  out.write(owner, 24, "latin1");
  out.writeInt32LE(checksum(out.subarray(0, HEADER_BYTES - 4)), HEADER_BYTES - 4);
  return out;
}

/** Where a segment comes from and how large it is; all that eviction needs. */
export interface SegmentHead {
  path: string;
  stamp: Hash;
  /** The tree whose run wrote it. */
  owner: Hash;
  bytes: number;
  usedMs: number;
}

export type Damage = { damage: string };

function readExactly(fd: number, bytes: Uint8Array, position: number): boolean {
  let at = 0;
  while (at < bytes.length) {
    const n = readSync(fd, bytes, at, bytes.length - at, position + at);
    if (n === 0) return false;
    at += n;
  }
  return true;
}

/** Reads the header of a segment; throws what the file system throws. */
export function readSegmentHead(path: string, fd: number): SegmentHead | Damage {
  const stat = fstatSync(fd);
  const head = Buffer.alloc(HEADER_BYTES);
  if (stat.size < HEADER_BYTES + TRAILER_BYTES || !readExactly(fd, head, 0)) return { damage: "truncated" };
  if (head.readInt32LE(HEADER_BYTES - 4) !== checksum(head.subarray(0, HEADER_BYTES - 4))) {
    return { damage: "damaged" };
  }
  if (head.readUInt32LE(0) !== MAGIC || head.readUInt32LE(4) !== LAYOUT) return { damage: "not a segment" };
  return {
    path,
    stamp: head.toString("latin1", 8, 24),
    owner: head.toString("latin1", 24, 40),
    bytes: stat.size,
    usedMs: stat.mtimeMs,
  };
}

/** An open segment. Its file may be unlinked by another process meanwhile; it stays readable. */
export class Segment {
  /** Set when a record of it was found damaged: it is written anew at the next occasion. */
  damaged = false;
  used = false;

  private constructor(
    readonly head: SegmentHead,
    readonly fd: number,
    readonly index: Int32Array,
  ) {}

  /** Opens a segment of this stamp; null for one of another (its head is given to `other`). Throws on file system errors. */
  static open(path: string, stamp: Hash, other: (head: SegmentHead) => void): Segment | Damage | null {
    const fd = openSync(path, "r");
    let keep = false;
    try {
      const head = readSegmentHead(path, fd);
      if ("damage" in head) return head;
      if (head.stamp !== stamp) {
        other(head);
        return null;
      }
      const trailer = Buffer.alloc(TRAILER_BYTES);
      if (!readExactly(fd, trailer, head.bytes - TRAILER_BYTES)) return { damage: "truncated" };
      if (trailer.readUInt32LE(0) !== MAGIC) return { damage: "truncated" };
      if (trailer.readInt32LE(28) !== checksum(trailer.subarray(0, 28))) return { damage: "damaged" };
      const count = trailer.readUInt32LE(4);
      const offset = trailer.readUInt32LE(8);
      const bytes = new Uint8Array(count * ENTRY * 4);
      if (offset + bytes.length + TRAILER_BYTES !== head.bytes) return { damage: "truncated" };
      if (!readExactly(fd, bytes, offset)) return { damage: "truncated" };
      if (trailer.readInt32LE(12) !== checksum(bytes)) return { damage: "damaged" };
      keep = true;
      return new Segment(head, fd, new Int32Array(bytes.buffer));
    } finally {
      if (!keep) closeSync(fd);
    }
  }

  get count(): number {
    return this.index.length / ENTRY;
  }

  offset(i: number): number {
    return this.index[i * ENTRY + 4];
  }
  length(i: number): number {
    return this.index[i * ENTRY + 5];
  }

  /** Fills `into` from this place of the file; false when there is less. */
  read(into: Uint8Array, position: number): boolean {
    try {
      return readExactly(this.fd, into, position);
    } catch {
      return false;
    }
  }

  isGood(i: number, record: Uint8Array): boolean {
    return checksum(record) === this.index[i * ENTRY + 6];
  }

  /** Notes on disk that it was of use, for eviction. */
  touch(now: Date): void {
    try {
      utimesSync(this.head.path, now, now);
    } catch {
      // Read-only, or gone: then it cannot be evicted by us either.
    }
  }

  unlink(): void {
    try {
      unlinkSync(this.head.path);
    } catch {
      // Someone else was faster.
    }
  }

  close(): void {
    try {
      closeSync(this.fd);
    } catch {
      // Closed already.
    }
  }
}

/** Writes one segment. Any method may throw what the file system throws; `abandon` then leaves nothing behind. */
export class SegmentWriter {
  private readonly fd: number;
  private readonly temporary: string;
  private readonly waiting: Buffer = Buffer.allocUnsafeSlow(WRITE_BYTES);
  private waitingBytes = 0;
  private written = 0;
  private readonly entries: number[] = [];

  constructor(
    private readonly folder: string,
    private readonly name: string,
    stamp: Hash,
    owner: Hash,
  ) {
    this.temporary = join(folder, `${name}.part`);
    this.fd = openSync(this.temporary, "wx", 0o600);
    this.append(header(stamp, owner));
  }

  get bytes(): number {
    return this.written + this.waitingBytes;
  }
  get count(): number {
    return this.entries.length / ENTRY;
  }

  add(key: ArrayLike<number>, record: Uint8Array): void {
    this.entries.push(key[0], key[1], key[2], key[3], this.bytes, record.length, checksum(record));
    this.append(record);
    // Records begin at multiples of four: checksums then read whole words.
    const rest = this.bytes % 4;
    if (rest !== 0) this.append(new Uint8Array(4 - rest));
  }

  private append(bytes: Uint8Array): void {
    if (this.waitingBytes + bytes.length > this.waiting.length) this.drain();
    if (bytes.length > this.waiting.length) {
      this.write(bytes);
    } else {
      this.waiting.set(bytes, this.waitingBytes);
      this.waitingBytes += bytes.length;
    }
  }

  private drain(): void {
    this.write(this.waiting.subarray(0, this.waitingBytes));
    this.waitingBytes = 0;
  }

  private write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const n = writeSync(this.fd, bytes, at, bytes.length - at);
      at += n;
      this.written += n;
    }
  }

  /** Ends the file and gives it its name; from then on others see it. */
  seal(): string {
    const index = Int32Array.from(this.entries);
    const bytes = new Uint8Array(index.buffer);
    const trailer = Buffer.alloc(TRAILER_BYTES);
    trailer.writeUInt32LE(MAGIC, 0);
    trailer.writeUInt32LE(this.count, 4);
    trailer.writeUInt32LE(this.bytes, 8);
    trailer.writeInt32LE(checksum(bytes), 12);
    trailer.writeInt32LE(checksum(trailer.subarray(0, 28)), 28);
    this.append(bytes);
    this.append(trailer);
    this.drain();
    closeSync(this.fd);
    const path = join(this.folder, this.name + SEGMENT_SUFFIX);
    renameSync(this.temporary, path);
    return path;
  }

  abandon(): void {
    try {
      closeSync(this.fd);
    } catch {
      // Closed by `seal` before the rename failed.
    }
    try {
      unlinkSync(this.temporary);
    } catch {
      // Not there.
    }
  }
}
