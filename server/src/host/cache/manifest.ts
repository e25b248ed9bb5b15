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
import { Places } from "./contents.js";
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
  /** What was read, and which of it was found right since. */
  private read: ReadManifest | null = null;
  private confirmed = new Uint8Array(0);
  private confirmedCount = 0;
  /** What was learned of files since, null of those that are gone. */
  private readonly own = new Map<string, FileVersion | null>();
  private changed = false;

  constructor(
    private readonly path: string,
    readonly root: string,
  ) {}

  /** Reads what is on disk; throws `BadManifest` when it is damaged, nothing when it is not there. */
  load(): void {
    this.read = readManifest(this.path);
    this.confirmed = new Uint8Array(this.read?.paths.length ?? 0);
  }

  get(path: string): FileVersion | undefined {
    const own = this.own.size === 0 ? undefined : this.own.get(path);
    if (own !== undefined) return own ?? undefined;
    const place = this.read?.places.of(path) ?? -1;
    return place < 0 ? undefined : this.read!.version(place);
  }

  /** The content of a file if the file system says of it what it said before. */
  unchanged(path: string, stat: Stats): Hash | null {
    const own = this.own.size === 0 ? undefined : this.own.get(path);
    if (own !== undefined) return own && isUnchanged(own, stat) ? own.hash : null;
    const place = this.read?.places.of(path) ?? -1;
    if (place < 0 || !this.read!.isUnchanged(place, stat)) return null;
    if (this.confirmed[place] === 0) this.confirmedCount++;
    this.confirmed[place] = 1;
    return this.read!.hash(place);
  }

  set(path: string, version: FileVersion): void {
    const old = this.get(path);
    this.own.set(path, version);
    if (old && old.hash === version.hash && !old.fresh && !version.fresh) {
      if (old.ctimeMs === version.ctimeMs && old.mtimeMs === version.mtimeMs && old.ino === version.ino)
        return;
    }
    this.changed = true;
  }

  delete(path: string): void {
    if (this.get(path)) this.changed = true;
    this.own.set(path, null);
  }

  /** Writes it if something changed: whole or not at all. What other processes wrote meanwhile is kept for other paths. */
  save(): void {
    if (!this.changed) return;
    this.changed = false;
    const files = this.filesNow();
    const temporary = `${this.path}.${process.pid}.part`;
    try {
      writeFileSync(temporary, encode(this.root, files), { mode: 0o600 });
      renameSync(temporary, this.path);
    } catch (error) {
      try {
        unlinkSync(temporary);
      } catch {
        // It was not even begun.
      }
      throw error;
    }
    if (this.read) this.read.identity = identityOf(statSync(this.path));
  }

  private filesNow(): Map<string, FileVersion> {
    const { read, own } = this;
    const files = new Map<string, FileVersion>();
    const add = (from: ReadManifest, wanted: (path: string) => boolean): void =>
      from.paths.forEach((path, place) => {
        if (wanted(path)) files.set(path, from.version(place));
      });
    const isOurs = (path: string): boolean =>
      own.has(path) || this.confirmed[read?.places.of(path) ?? -1] === 1;
    if (read) add(read, () => true);
    try {
      const written = statSync(this.path, { throwIfNoEntry: false });
      const theirs = written && identityOf(written) !== read?.identity ? readManifest(this.path) : null;
      if (theirs) add(theirs, (path) => !isOurs(path));
    } catch {
      // Damaged since: ours replaces it.
    }
    for (const [path, version] of own) {
      if (version) files.set(path, version);
      else files.delete(path);
    }
    // After a look at most of the tree, what was not looked at is probably gone.
    if ((this.confirmedCount + own.size) * 2 > files.size) {
      for (const path of files.keys()) {
        if (!isOurs(path) && !statSync(`${this.root}/${path}`, { throwIfNoEntry: false })) files.delete(path);
      }
    }
    return files;
  }
}

function encode(root: string, files: ReadonlyMap<string, FileVersion>): Buffer {
  const numbers = new Float64Array(files.size * NUMBERS);
  let at = 0;
  const paths: string[] = [];
  const hashes: string[] = [];
  for (const [path, v] of files) {
    paths.push(path);
    hashes.push(v.hash);
    numbers.set([v.size, v.mtimeMs, v.ctimeMs, v.ino, v.fresh ? 1 : 0], at);
    at += NUMBERS;
  }
  const head = Buffer.from(JSON.stringify({ root, files: paths.length }));
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

const identityOf = (stat: Stats): string => `${stat.ino} ${stat.mtimeMs} ${stat.size}`;

/** What a manifest says; of single files where it is asked. */
export class ReadManifest {
  readonly places: Places;

  constructor(
    public identity: string,
    readonly root: string,
    readonly paths: readonly string[],
    private readonly hashes: string,
    private readonly numbers: Float64Array,
  ) {
    this.places = new Places(paths);
  }

  hash(place: number): Hash {
    return this.hashes.slice(place * 16, place * 16 + 16);
  }

  version(place: number): FileVersion {
    const { numbers } = this;
    const n = place * NUMBERS;
    return {
      hash: this.hash(place),
      size: numbers[n],
      mtimeMs: numbers[n + 1],
      ctimeMs: numbers[n + 2],
      ino: numbers[n + 3],
      fresh: numbers[n + 4] !== 0,
    };
  }

  /** As the function of this name, without making a version. */
  isUnchanged(place: number, stat: Stats): boolean {
    const { numbers } = this;
    const n = place * NUMBERS;
    return (
      numbers[n + 4] === 0 &&
      stat.size === numbers[n] &&
      stat.mtimeMs === numbers[n + 1] &&
      stat.ctimeMs === numbers[n + 2] &&
      stat.ino === numbers[n + 3]
    );
  }
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
  return new ReadManifest(identity, head.root, paths, hashes, numbers);
}
