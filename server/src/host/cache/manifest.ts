/**
 * The manifest of a tree: for every file what the file system said about it when its content was last hashed. A file whose
 * size, times and inode are the same has the same content; anything else is in doubt, and its content decides.
 *
 * The time of change (ctime) is what cannot be lied about: a tool that sets a file's mtime back changes it. A file that was
 * changed just before it was looked at stays in doubt, for a second change may have come within the same tick of the clock.
 */
import {
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { checksum, type Hash } from "./hash.js";

/** What is known of one file's content, and by what it is known again. */
export interface FileVersion {
  hash: Hash;
  size: number;
  mtimeMs: number;
  ctimeMs: number;
  ino: number;
  /** It was changed so shortly before it was read that the times prove nothing. */
  fresh: boolean;
}

/** Some file systems count whole seconds, network ones have clocks of their own. */
const DOUBT_MS = 2500;
const MAGIC = "lockctx tree 1\n";
const NUMBERS = 5;

/** The version of a file that was read: `stat` from before its content was. */
export function versionOf(stat: Stats, hash: Hash, now = Date.now()): FileVersion {
  const { size, mtimeMs, ctimeMs, ino } = stat;
  return { hash, size, mtimeMs, ctimeMs, ino, fresh: Math.max(mtimeMs, ctimeMs) > now - DOUBT_MS };
}

/** Whether the file is surely as it was. */
export function isUnchanged(v: FileVersion, stat: Stats): boolean {
  return (
    !v.fresh &&
    stat.size === v.size &&
    stat.mtimeMs === v.mtimeMs &&
    stat.ctimeMs === v.ctimeMs &&
    stat.ino === v.ino
  );
}

/** A manifest that could not be used, and why. */
export class BadManifest extends Error {}

export class Manifest {
  /** By path relative to the root. */
  readonly files = new Map<string, FileVersion>();
  /** Paths looked at in this process; what others say about the rest is taken over when saving. */
  private readonly own = new Set<string>();
  private changed = false;
  private loaded = "";

  constructor(
    private readonly path: string,
    readonly root: string,
  ) {}

  /** Reads what is on disk; throws `BadManifest` when it is damaged, nothing when it is not there. */
  load(): void {
    const read = readManifest(this.path);
    if (!read) return;
    this.loaded = read.identity;
    for (const [path, version] of read.files) this.files.set(path, version);
  }

  get(path: string): FileVersion | undefined {
    return this.files.get(path);
  }

  /** The entry was found right. */
  confirm(path: string): void {
    this.own.add(path);
  }

  set(path: string, version: FileVersion): void {
    this.own.add(path);
    const old = this.files.get(path);
    if (old && old.hash === version.hash && !old.fresh && !version.fresh) {
      if (old.ctimeMs === version.ctimeMs && old.mtimeMs === version.mtimeMs && old.ino === version.ino)
        return;
    }
    this.files.set(path, version);
    this.changed = true;
  }

  delete(path: string): void {
    this.own.add(path);
    if (this.files.delete(path)) this.changed = true;
  }

  /** Writes it if something changed: whole or not at all. What other processes wrote meanwhile is kept for other paths. */
  save(): void {
    if (!this.changed) return;
    this.changed = false;
    try {
      const theirs = readManifest(this.path);
      if (theirs && theirs.identity !== this.loaded) {
        for (const [path, version] of theirs.files) if (!this.own.has(path)) this.files.set(path, version);
      }
    } catch {
      // Damaged since: ours replaces it.
    }
    // After a look at most of the tree, what was not looked at is probably gone.
    if (this.own.size * 2 > this.files.size) {
      for (const path of this.files.keys()) {
        if (!this.own.has(path) && !statSync(`${this.root}/${path}`, { throwIfNoEntry: false }))
          this.files.delete(path);
      }
    }
    const temporary = `${this.path}.${process.pid}.part`;
    try {
      writeFileSync(temporary, this.encode(), { mode: 0o600 });
      renameSync(temporary, this.path);
    } catch (error) {
      try {
        unlinkSync(temporary);
      } catch {
        // It was not even begun.
      }
      throw error;
    }
    this.loaded = identityOf(statSync(this.path));
  }

  private encode(): Buffer {
    const numbers = new Float64Array(this.files.size * NUMBERS);
    let at = 0;
    const paths: string[] = [];
    const hashes: string[] = [];
    for (const [path, v] of this.files) {
      paths.push(path);
      hashes.push(v.hash);
      numbers.set([v.size, v.mtimeMs, v.ctimeMs, v.ino, v.fresh ? 1 : 0], at);
      at += NUMBERS;
    }
    const head = Buffer.from(JSON.stringify({ root: this.root, files: paths.length }));
    const names = Buffer.from(paths.join("\0"));
    const lengths = Buffer.alloc(8);
    lengths.writeUInt32LE(head.length, 0);
    lengths.writeUInt32LE(names.length, 4);
    const body = Buffer.concat([
      Buffer.from(MAGIC),
      lengths,
      head,
      names,
      Buffer.from(hashes.join(""), "latin1"),
      Buffer.from(numbers.buffer),
    ]);
    const check = Buffer.alloc(4);
    check.writeInt32LE(checksum(body));
    return Buffer.concat([body, check]);
  }
}

const identityOf = (stat: Stats): string => `${stat.ino} ${stat.mtimeMs} ${stat.size}`;

interface ReadManifest {
  identity: string;
  root: string;
  files: Map<string, FileVersion>;
}

/** The manifest in a file; null when there is none. */
export function readManifest(path: string): ReadManifest | null {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  let bytes: Buffer;
  let identity: string;
  try {
    identity = identityOf(fstatSync(fd));
    bytes = readFileSync(fd);
  } finally {
    closeSync(fd);
  }
  const body = bytes.subarray(0, Math.max(0, bytes.length - 4));
  if (bytes.length < MAGIC.length + 12) throw new BadManifest("truncated");
  if (body.toString("latin1", 0, MAGIC.length) !== MAGIC) throw new BadManifest("not a manifest");
  if (bytes.readInt32LE(body.length) !== checksum(body)) throw new BadManifest("damaged");
  let at = MAGIC.length;
  const headLength = body.readUInt32LE(at);
  const namesLength = body.readUInt32LE(at + 4);
  at += 8;
  const head = JSON.parse(body.toString("utf8", at, at + headLength)) as { root: string; files: number };
  at += headLength;
  const paths = head.files === 0 ? [] : body.toString("utf8", at, at + namesLength).split("\0");
  at += namesLength;
  const hashes = body.toString("latin1", at, at + paths.length * 16);
  at += paths.length * 16;
  const numbers = new Float64Array(new Uint8Array(body.subarray(at)).buffer);
  if (paths.length !== head.files || numbers.length !== paths.length * NUMBERS)
    throw new BadManifest("damaged");
  const files = new Map<string, FileVersion>();
  paths.forEach((name, i) => {
    const n = i * NUMBERS;
    files.set(name, {
      hash: hashes.slice(i * 16, i * 16 + 16),
      size: numbers[n],
      mtimeMs: numbers[n + 1],
      ctimeMs: numbers[n + 2],
      ino: numbers[n + 3],
      fresh: numbers[n + 4] !== 0,
    });
  });
  return { identity, root: head.root, files };
}
