/**
 * The content-addressed store: records under 128-bit keys in segment files, shared by all trees and processes. Nobody
 * waits for anybody: readers see whole segments only, each writer fills segments of its own, and a segment that was
 * unlinked stays readable for those who have it open. Two writers at worst store the same record twice.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, statSync, unlinkSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { errorReason } from "../walk.js";
import { enforceBounds } from "./evict.js";
import { type CacheSettings, segmentsFolder } from "./folder.js";
import { contentHash, type Hash, hexOf } from "./hash.js";
import { KeySet, RecordIndex } from "./index.js";
import type { CacheNotes } from "./notes.js";
import { ENTRY, SEGMENT_SUFFIX, Segment, SegmentWriter } from "./segment.js";

/** Size at which a segment is ended and the next begun: what a killed process loses at most. */
const SEGMENT_BYTES = 24 << 20;
/** One read covers records up to this many bytes … */
const WINDOW_BYTES = 4 << 20;
/** … with gaps up to this. */
const GAP_BYTES = 64 << 10;
/** More small segments of one tree than this are merged. */
const MOST_SMALL = 24;
const SMALL_BYTES = 4 << 20;
const HOST = hexOf(contentHash(hostname())).slice(0, 8);
const DAY_MS = 24 * 3600 * 1000;

export class Store {
  private readonly folder: string;
  private readonly index = new RecordIndex();
  private segments: Segment[] = [];
  private writer: SegmentWriter | null = null;
  private readonly pending = new KeySet();
  private readonly bad = new Set<number>();
  private readonly usedRecords = new Set<number>();
  private readonly ownRecords = new Set<number>();
  private writable = true;
  private changed = false;
  private closed = false;

  private constructor(
    private readonly settings: CacheSettings,
    private readonly stamp: Hash,
    private readonly owner: Hash,
    private readonly notes: CacheNotes,
  ) {
    this.folder = segmentsFolder(settings.folder);
  }

  /** Never throws: a cache that cannot be used is an empty one that keeps nothing, and says so. */
  static open(settings: CacheSettings, stamp: Hash, owner: Hash, notes: CacheNotes): Store {
    const store = new Store(settings, stamp, owner, notes);
    store.load();
    return store;
  }

  private load(): void {
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      this.stopWriting(error);
    }
    let names: string[];
    try {
      names = readdirSync(this.folder);
    } catch {
      return;
    }
    let others = 0;
    for (const name of names.sort()) {
      const path = join(this.folder, name);
      if (name.endsWith(".part")) this.removeLeftOver(path, name);
      if (!name.endsWith(SEGMENT_SUFFIX)) continue;
      try {
        const segment = Segment.open(path, this.stamp, () => others++);
        if (segment instanceof Segment) this.adopt(segment);
        else if (segment !== null) this.dropDamaged(path, segment.damage);
      } catch (error) {
        // Unlinked between the listing and now: as if it had not been there.
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
          this.notes.say("read", `${path} cannot be read (${errorReason(error)})`);
        }
      }
    }
    if (others > 0 && this.segments.length === 0) {
      this.notes.say("version", "made by another version of lockctx, built anew");
    }
  }

  private adopt(segment: Segment): void {
    this.segments.push(segment);
    this.index.add(segment);
  }

  private dropDamaged(path: string, how: string): void {
    this.notes.say("damage", `${how} (${path}): that part is built anew`);
    try {
      unlinkSync(path);
    } catch {
      // Read-only: it stays, and is not used.
    }
  }

  /** A file that a process did not finish; its name says which. */
  private removeLeftOver(path: string, name: string): void {
    const [, host, pid] = name.split("-");
    try {
      if (!(host === HOST && !isAlive(Number(pid))) && Date.now() - statSync(path).mtimeMs < DAY_MS) return;
      unlinkSync(path);
    } catch {
      // Gone, or not ours to remove.
    }
  }

  get size(): number {
    return this.index.size;
  }

  has(key: Int32Array): boolean {
    return this.pending.has(key) || this.records(key).length > 0;
  }

  /** Records under a key, not counting those not yet on disk. */
  records(key: ArrayLike<number>): number[] {
    const found = this.index.find(key);
    return this.bad.size === 0 ? found : found.filter((r) => !this.bad.has(r));
  }

  sharedKeys(): Int32Array {
    return this.index.sharedKeys();
  }

  /** Whether what is stored is kept. */
  get keeps(): boolean {
    return this.writable && !this.closed;
  }

  put(key: Int32Array, record: Uint8Array, several = false): void {
    if (!this.keeps) return;
    if (!several && this.has(key)) return;
    try {
      this.writer ??= this.newWriter();
      this.writer.add(key, record);
      this.pending.add(key);
      this.changed = true;
      if (this.writer.bytes >= SEGMENT_BYTES) this.seal();
    } catch (error) {
      this.stopWriting(error);
    }
  }

  private newWriter(): SegmentWriter {
    const name = `s-${HOST}-${process.pid}-${randomBytes(6).toString("hex")}`;
    return new SegmentWriter(this.folder, name, this.stamp, this.owner);
  }

  private stopWriting(error: unknown): void {
    this.notes.cannotWrite(this.settings.folder, error);
    this.writable = false;
    this.writer?.abandon();
    this.writer = null;
    this.pending.clear();
  }

  /** Whether what is under a record was put here, by this process. */
  isOwn(record: number): boolean {
    return this.ownRecords.has(record);
  }

  /** Makes everything stored so far visible, here and to others. */
  seal(own = true): void {
    const { writer } = this;
    if (!writer) return;
    try {
      const path = writer.seal();
      this.writer = null;
      this.pending.clear();
      const segment = Segment.open(path, this.stamp, () => {});
      if (!(segment instanceof Segment)) throw new Error("what was written cannot be read back");
      segment.used = true;
      const first = this.index.size;
      this.adopt(segment);
      for (let r = first; r < this.index.size; r++) {
        this.usedRecords.add(r);
        if (own) this.ownRecords.add(r);
      }
    } catch (error) {
      this.stopWriting(error);
    }
  }

  /**
   * Reads records in the order in which they lie on disk, several with one read. `take` is given the record's bytes, valid
   * during the call only, or null when they are damaged. Turns the event loop between reads.
   */
  async read(
    records: readonly number[],
    take: (at: number, bytes: Uint8Array | null) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const order = records.map((_, at) => at);
    const segment = (at: number) => this.index.segment(records[at]);
    const offset = (at: number) => segment(at).offset(this.index.place(records[at]));
    const rank = new Map(this.segments.map((s, i) => [s, i]));
    order.sort(
      (a, b) => (rank.get(segment(a)) ?? -1) - (rank.get(segment(b)) ?? -1) || offset(a) - offset(b),
    );
    let window = new Uint8Array(0);
    for (let i = 0; i < order.length; ) {
      const s = segment(order[i]);
      const start = offset(order[i]);
      let end = start;
      let j = i;
      for (; j < order.length && segment(order[j]) === s; j++) {
        const at = offset(order[j]);
        const next = Math.max(end, at + s.length(this.index.place(records[order[j]])));
        if (j > i && (at > end + GAP_BYTES || next - start > WINDOW_BYTES)) break;
        end = next;
      }
      if (window.length < end - start) window = new Uint8Array(Math.max(end - start, WINDOW_BYTES));
      const got = s.read(window.subarray(0, end - start), start);
      s.used = true;
      for (; i < j; i++) {
        const record = records[order[i]];
        const place = this.index.place(record);
        const from = s.offset(place) - start;
        const bytes = window.subarray(from, from + s.length(place));
        if (got && s.isGood(place, bytes)) {
          this.usedRecords.add(record);
          take(order[i], bytes);
        } else {
          this.reportBad(record);
          take(order[i], null);
        }
      }
      if (i < order.length) {
        await nextTurn();
        signal?.throwIfAborted();
      }
    }
  }

  /** One record, at once; null when it is damaged. */
  readNow(record: number): Uint8Array | null {
    const s = this.index.segment(record);
    const place = this.index.place(record);
    const bytes = new Uint8Array(s.length(place));
    s.used = true;
    if (s.read(bytes, s.offset(place)) && s.isGood(place, bytes)) {
      this.usedRecords.add(record);
      return bytes;
    }
    this.reportBad(record);
    return null;
  }

  /** Notes that a record was of use without reading it. */
  use(record: number): void {
    this.usedRecords.add(record);
    this.index.segment(record).used = true;
  }

  /** A record whose bytes cannot be used; it counts as absent from now on. */
  reportBad(record: number): void {
    const s = this.index.segment(record);
    this.bad.add(record);
    s.damaged = true;
    this.notes.say("damage", `damaged (${s.head.path}): that part is built anew`);
  }

  /**
   * Puts everything on disk, replaces damaged and scattered segments, and keeps the bounds: by what this run has used, unless
   * it has used next to nothing because it went on from an image.
   */
  flush(bounds = true): void {
    this.seal();
    if (!this.keeps) return;
    const damaged = this.segments.filter((s) => s.damaged);
    if (damaged.length > 0) this.rewrite(damaged, (r) => !this.bad.has(r));
    const small = this.segments.filter((s) => s.head.owner === this.owner && s.head.bytes < SMALL_BYTES);
    if (small.length > MOST_SMALL) this.rewrite(small, (r) => !this.bad.has(r));
    const now = new Date();
    for (const s of this.segments) {
      if (s.used && now.getTime() - s.head.usedMs > 60_000) s.touch(now);
    }
    if (this.changed && bounds) {
      this.changed = false;
      enforceBounds(this.settings, this.stamp, this.owner, this.segments, (live) => {
        this.rewrite(live, (r) => this.usedRecords.has(r) && !this.bad.has(r));
        return this.segments;
      });
    }
  }

  /** Copies the records that are wanted into new segments and removes the old ones. */
  private rewrite(old: readonly Segment[], wanted: (record: number) => boolean): void {
    const going = new Set(old);
    const records: number[] = [];
    for (let r = 0; r < this.index.size; r++) {
      if (going.has(this.index.segment(r)) && wanted(r)) records.push(r);
    }
    const seen = new Set<string>();
    try {
      for (const r of records) {
        const s = this.index.segment(r);
        const i = this.index.place(r);
        const identity = s.index.subarray(i * ENTRY, i * ENTRY + ENTRY);
        const name = [...identity.subarray(0, 4), identity[5], identity[6]].join();
        if (seen.has(name)) continue;
        seen.add(name);
        const bytes = new Uint8Array(s.length(i));
        if (!s.read(bytes, s.offset(i)) || !s.isGood(i, bytes)) continue;
        this.writer ??= this.newWriter();
        this.writer.add(identity, bytes);
        if (this.writer.bytes >= SEGMENT_BYTES) this.seal(false);
      }
      this.seal(false);
    } catch (error) {
      this.stopWriting(error);
    }
    if (!this.writable) return;
    for (const s of old) s.unlink();
    this.segments = this.segments.filter((s) => !going.has(s));
  }

  /** Bytes that runs on this tree have left in segments. */
  get ownBytes(): number {
    return this.segments.reduce((n, { head }) => (head.owner === this.owner ? n + head.bytes : n), 0);
  }

  /** After a flush. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.writer?.abandon();
    this.writer = null;
    for (const s of this.segments) s.close();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
