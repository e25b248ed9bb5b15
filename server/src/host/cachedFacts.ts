/**
 * A facts host that remembers: outlines and flow facts come from the cache where the content of a file is known, from the
 * workers where it is not, and what workers make is kept. What it gives is the same with and without a cache.
 */
import { createHash } from "node:crypto";
import { mkdirSync, type Stats, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { EngineImage } from "../engine.js";
import type { FlowFacts } from "../facts/flow.js";
import type { FileOutline, MacroClasses, OutlineOptions } from "../facts/outline.js";
import type { FlowRequest } from "../facts/ports.js";
import { decodeOutline } from "../outline/codec.js";
import { outlineFile } from "../outline/outline.js";
import type { SectionSink } from "../program/image.js";
import { Contents } from "./cache/contents.js";
import { BYTES_PER_TREE, type CacheSettings, IMAGE_SHARE, manifestsFolder } from "./cache/folder.js";
import { contentHash, type Hash, hexOf, keyOf, ownerOf, word } from "./cache/hash.js";
import { BadManifest, type FileVersion, Manifest } from "./cache/manifest.js";
import { CacheNotes } from "./cache/notes.js";
import { unpack } from "./cache/pack.js";
import { flowStamp, outlineStamp, toolStamp } from "./cache/stamps.js";
import { Store } from "./cache/store.js";
import { imagePath, TreeImage } from "./cache/treeImage.js";
import type { CacheCounts, FactsHost, ImageStore, ResultStore } from "./factsHost.js";
import { decodeFlows } from "./flowCodec.js";
import { type AskedItem, type PoolOptions, WorkerPool } from "./pool.js";
import type { ItemResult } from "./protocol.js";
import { readSource, type Sources } from "./sources.js";

export interface CachedFactsOptions extends Omit<PoolOptions, "versions"> {
  cache: CacheSettings;
}

const ANY = { throwIfNoEntry: false } as const;
/** Files whose stat is compared between two turns of the event loop. */
const STATS_A_TURN = 2000;
/** What was made is put on disk when nothing has been asked for so long; a server never closes. */
const IDLE_MS = 5000;

/** Files, and the content of each that is surely as it was. */
interface Looked {
  files: readonly string[];
  hashes: readonly (Hash | null)[];
}

/** Stands for files with these contents. */
function hashOfAll(files: readonly string[], contents: readonly Hash[]): Hash {
  const hash = createHash("sha1").update(files.join("\0"), "utf8").update(contents.join(""), "latin1");
  return hash.digest("binary").slice(0, 16);
}

/** Runs that go on from an image may leave this much more than the bound before the next must look at everything. */
const MOST_OVER = 1.2;
/** Places of functions whose facts were made, in bits: a kernel has some hundred thousand. */
const MADE_BITS = 24;
/** More files than this have changed since an image was made: what it knows is mostly old. */
const MOST_CHANGED = 400;

/** Functions by content of their file and index in it; now and then it says of one that it is here and it is not. */
class MadeFlows {
  private bits: Uint8Array | null = null;

  private static place(content: Hash, fn: number): number {
    return Math.imul(word(content, 0) ^ Math.imul(fn + 1, 0x9e3779b1), 0x85ebca6b) >>> (32 - MADE_BITS);
  }

  add(content: Hash, fn: number): void {
    this.bits ??= new Uint8Array(1 << (MADE_BITS - 3));
    const at = MadeFlows.place(content, fn);
    this.bits[at >> 3] |= 1 << (at & 7);
  }

  has(content: Hash, fn: number): boolean {
    const at = MadeFlows.place(content, fn);
    return this.bits !== null && ((this.bits[at >> 3] >> (at & 7)) & 1) !== 0;
  }
}

export class CachedFacts implements FactsHost, ResultStore, ImageStore {
  readonly results = this;
  readonly images = this;
  readonly sources: Sources;
  readonly cacheCounts: CacheCounts = { outlinesFound: 0, outlinesMade: 0, flowsFound: 0, flowsMade: 0 };
  private readonly pool: WorkerPool;
  private readonly notes = new CacheNotes();
  private readonly options: OutlineOptions;
  private readonly stamp: Hash;
  private readonly store: Store;
  private readonly manifest: Manifest;
  private flowStamp: Hash | null = null;
  private classes: MacroClasses | null = null;
  /** Content that each file had when its outline was given. */
  private readonly contents = new Contents();
  /** What this run has made facts of: its own records are of use for nothing else. */
  private readonly made = new MadeFlows();
  /** A file changed between its outline and its flow facts: what was made of it is right, but not of one content. */
  private torn = false;
  private idle: NodeJS.Timeout | null = null;
  private closed = false;
  private readonly image: TreeImage;
  private readonly mostBytes: number;
  /** What a look at all files has said, until their outlines are asked for. */
  private looked: Looked | null = null;

  constructor(options: CachedFactsOptions) {
    const { cache, root } = options;
    this.options = options.outline;
    this.pool = new WorkerPool({ ...options, versions: true });
    this.sources = this.pool.sources;
    this.stamp = outlineStamp(options.outline);
    const owner = ownerOf(root);
    this.store = Store.open(cache, toolStamp(), owner, this.notes);
    this.mostBytes = cache.bytesPerTree ?? BYTES_PER_TREE;
    this.image = new TreeImage(
      imagePath(cache.folder, owner),
      this.stamp,
      this.mostBytes * IMAGE_SHARE,
      this.notes,
    );
    this.manifest = this.openManifest(manifestsFolder(cache.folder), `${hexOf(owner)}.tree`, root);
  }

  private openManifest(folder: string, name: string, root: string): Manifest {
    const path = join(folder, name);
    const manifest = new Manifest(path, root);
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch {
      // The store has said so.
    }
    try {
      manifest.load();
    } catch (error) {
      // Without it every file is hashed once more; nothing else is lost.
      if (error instanceof BadManifest) {
        this.notes.say("damage", `${error.message} (${path}): that part is built anew`);
        try {
          unlinkSync(path);
        } catch {
          // Read-only: it is not used.
        }
      }
    }
    return manifest;
  }

  get messages(): readonly string[] {
    return this.notes.lines;
  }

  outlines(
    files: readonly string[],
    emit: (file: string, outline: FileOutline | null, problem?: string) => void,
    signal?: AbortSignal,
    packed = false,
  ): Promise<void> {
    return this.eachOutline(files, (bytes) => decodeOutline(bytes, packed), emit, signal);
  }

  keepOutlines(
    files: readonly string[],
    done: (file: string, problem?: string) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    return this.eachOutline(files, null, (file, _, problem) => done(file, problem), signal);
  }

  /** Without `decode` outlines are only made sure of: what the cache has is not read. */
  private async eachOutline(
    files: readonly string[],
    decode: ((bytes: Uint8Array) => FileOutline) | null,
    emit: (file: string, outline: FileOutline | null, problem?: string) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    signal?.throwIfAborted();
    this.busy();
    const known: { file: string; record: number; hash: Hash }[] = [];
    const unknown: AskedItem[] = [];
    /** The cache has the outline of this content, or so it seems. */
    const look = (file: string, hash: Hash): boolean => {
      const [record] = this.store.records(keyOf(hash, this.stamp));
      if (record === undefined) return false;
      known.push({ file, record, hash });
      return true;
    };
    const { looked } = this;
    this.looked = null;
    for (let i = 0; i < files.length; i++) {
      const file = files[i];
      const hash = looked?.files[i] === file ? looked.hashes[i] : this.unchanged(file);
      if (hash === null || !look(file, hash)) unknown.push({ file });
      if (i % STATS_A_TURN === STATS_A_TURN - 1) {
        await nextTurn();
        signal?.throwIfAborted();
      }
    }
    const again: AskedItem[] = [];
    const take = (item: AskedItem, result: ItemResult): void => {
      const { file } = item;
      if ("cached" in result) {
        this.manifest.set(file, result.cached);
        if (!look(file, result.cached.hash)) again.push({ file, always: true });
      } else if ("outline" in result) {
        const { outline, version } = result;
        this.cacheCounts.outlinesMade++;
        this.remember(file, version);
        if (version) this.store.put(keyOf(version.hash, this.stamp), outline);
        emit(file, decode?.(outline) ?? null);
      } else {
        this.remember(file, undefined);
        if (!this.sources.overlay(file)) this.manifest.delete(file);
        emit(file, null, "problem" in result ? result.problem : "no outline");
      }
    };
    const takeKnown = async (): Promise<void> => {
      const wanted = known.splice(0);
      if (decode === null) {
        for (const { file, record, hash } of wanted) {
          this.store.use(record);
          this.cacheCounts.outlinesFound++;
          this.contents.set(file, hash);
          emit(file, null);
        }
        return;
      }
      await this.store.read(
        wanted.map((w) => w.record),
        (i, bytes) => {
          const { file, record, hash } = wanted[i];
          const outline = bytes && this.decoded(record, () => decode(bytes));
          if (!outline) {
            again.push({ file, always: true });
            return;
          }
          this.cacheCounts.outlinesFound++;
          this.contents.set(file, hash);
          emit(file, outline);
        },
        signal,
      );
    };
    if (unknown.length > 0) {
      // Unsaved buffers are made whatever the cache has.
      const onDisk = unknown.some(({ file }) => this.sources.overlay(file) === undefined);
      if (this.store.size > 0 && onDisk)
        this.pool.setKnown({ table: this.store.sharedKeys(), stamp: this.stamp });
      const made = this.pool.makeOutlines(unknown, take, signal);
      // Reading goes on while workers work; either's error ends both.
      await Promise.all([made, takeKnown()]);
    }
    await takeKnown();
    if (again.length > 0) await this.pool.makeOutlines(again.splice(0), take, signal);
    this.store.seal();
    this.rest();
  }

  /** The content of a file that is surely as it was when it was last hashed (or in an unsaved buffer), else null. */
  private unchanged(file: string): Hash | null {
    const overlay = this.sources.overlay(file);
    if (overlay !== undefined) return contentHash(overlay);
    let stat: Stats | undefined;
    try {
      // The path is in normal form: to join it as others are would take as long as to ask for it.
      stat = statSync(`${this.sources.root}/${file}`, ANY);
    } catch {
      return null;
    }
    return stat?.isFile() ? this.manifest.unchanged(file, stat) : null;
  }

  private remember(file: string, version: FileVersion | undefined): void {
    if (version) {
      this.manifest.set(file, version);
      this.contents.set(file, version.hash);
    } else {
      // An unsaved buffer: it may have changed again since the worker was given it.
      this.contents.delete(file);
    }
  }

  /** What a record says; one whose bytes are right and that cannot be read all the same is as bad as a damaged one. */
  private decoded<T>(record: number, decode: () => T): T | null {
    try {
      return decode();
    } catch {
      this.store.reportBad(record);
      return null;
    }
  }

  setMacroClasses(classes: MacroClasses): void {
    this.flowStamp = flowStamp(this.options, classes);
    this.classes = classes;
    this.pool.setMacroClasses(classes);
  }

  async flows(
    requests: readonly FlowRequest[],
    emit: (file: string, fns: readonly number[], facts: (FlowFacts | null)[]) => void,
    signal?: AbortSignal,
    packed = false,
  ): Promise<void> {
    signal?.throwIfAborted();
    const stamp = this.flowStamp;
    if (stamp === null || this.classes === null)
      throw new Error("flows were asked for before the macro classes were set");
    this.busy();
    const found: Map<number, FlowFacts | null>[] = requests.map(() => new Map());
    const records: number[] = [];
    const requestOf: number[] = [];
    requests.forEach(({ file, fns }, i) => {
      const hash = this.contents.get(file);
      if (hash === undefined) return;
      for (const record of this.store.records(keyOf(hash, stamp))) {
        if (this.store.isOwn(record) && !fns.some((fn) => this.made.has(hash, fn))) continue;
        records.push(record);
        requestOf.push(i);
      }
    });
    const wanted: (Set<number> | undefined)[] = [];
    await this.store.read(
      records,
      (at, bytes) => {
        const i = requestOf[at];
        wanted[i] ??= new Set(requests[i].fns);
        const flows = bytes && this.decoded(records[at], () => decodeFlows(unpack(bytes), wanted[i], packed));
        flows?.fns.forEach((fn, k) => {
          if (!found[i].has(fn)) found[i].set(fn, flows.facts[k]);
        });
      },
      signal,
    );
    const items: (AskedItem & FlowRequest)[] = [];
    const requestOfItem = new Map<readonly number[], number>();
    requests.forEach(({ file, fns, heads }, i) => {
      const missing = fns.filter((fn) => !found[i].has(fn));
      this.cacheCounts.flowsFound += fns.length - missing.length;
      this.cacheCounts.flowsMade += missing.length;
      if (missing.length === 0) {
        emit(
          file,
          fns,
          fns.map((fn) => found[i].get(fn) ?? null),
        );
        return;
      }
      // While the file is as it was when its outline was made, the heads that come with the request are right.
      const version = this.manifest.get(file);
      const same = version !== undefined && version.hash === this.contents.get(file);
      items.push({ file, fns: missing, heads, version: same ? version : undefined });
      requestOfItem.set(missing, i);
    });
    await this.pool.makeFlows(
      items,
      (item, result) => {
        const i = requestOfItem.get(item.fns!)!;
        const { file, fns } = requests[i];
        if ("flows" in result) {
          const { version, packed: record, problem } = result;
          if (version && version.hash !== this.contents.get(file)) this.torn = true;
          // What failed may succeed another time; what is kept is only what is sure.
          if (version && record && problem === undefined) {
            this.store.put(keyOf(version.hash, stamp), record, true);
            for (const fn of item.fns!) this.made.add(version.hash, fn);
          }
          const made = decodeFlows(result.flows, null, packed);
          made.fns.forEach((fn, k) => {
            found[i].set(fn, made.facts[k]);
          });
        }
        emit(
          file,
          fns,
          fns.map((fn) => found[i].get(fn) ?? null),
        );
      },
      signal,
    );
    this.rest();
  }

  async unchangedContents(files: readonly string[], signal?: AbortSignal): Promise<Hash | null> {
    const { hashes } = await this.lookAt(files, signal);
    return hashes.includes(null) ? null : hashOfAll(files, hashes as Hash[]);
  }

  /** The content of each file that is surely as it was. */
  private async lookAt(files: readonly string[], signal?: AbortSignal): Promise<Looked> {
    const hashes: (Hash | null)[] = [];
    for (const file of files) {
      hashes.push(this.unchanged(file));
      if (hashes.length % STATS_A_TURN === 0) {
        await nextTurn();
        signal?.throwIfAborted();
      }
    }
    this.looked = { files, hashes };
    return this.looked;
  }

  async openImage(
    files: readonly string[],
    question: Hash,
    signal?: AbortSignal,
  ): Promise<{ image: EngineImage; changed: string[] } | null> {
    const image = this.image.open(question);
    if (!image) return null;
    const { hashes } = this.looked?.files === files ? this.looked : await this.lookAt(files, signal);
    const changed: string[] = [];
    let found = 0;
    this.contents.lay(image.contents);
    files.forEach((file, i) => {
      const was = image.contents.get(file);
      if (was !== undefined) found++;
      if (changed.length > MOST_CHANGED) return;
      const hash = (was && hashes[i]) ?? this.contentOf(file);
      if (hash === null || hash !== was) changed.push(file);
    });
    const gone: string[] = [];
    if (found < image.contents.paths.length) {
      const here = new Set(files);
      gone.push(...image.contents.paths.filter((file) => !here.has(file)));
    }
    for (const file of gone) this.contents.delete(file);
    changed.push(...gone);
    // Files that are there and were not asked for: the image is of more than the question.
    const isLarger = gone.length > MOST_CHANGED || gone.some((file) => this.exists(file));
    if (isLarger || changed.length > MOST_CHANGED) {
      this.image.close();
      this.contents.lay(null);
      return null;
    }
    return { image, changed };
  }

  private exists(file: string): boolean {
    if (this.sources.overlay(file) !== undefined) return true;
    return statSync(join(this.sources.root, file), { throwIfNoEntry: false }) !== undefined;
  }

  /** The content of a file that is in doubt. */
  private contentOf(file: string): Hash | null {
    const source = this.sources.read(file, true);
    if ("problem" in source || !source.version) return null;
    this.remember(file, source.version);
    return source.version.hash;
  }

  saveImage(files: readonly string[], question: Hash, save: (put: SectionSink) => boolean): boolean {
    if (this.torn || !this.store.keeps) return false;
    const contents = new Map<string, Hash>();
    for (const file of files) {
      const hash = this.contents.get(file);
      if (hash !== undefined) contents.set(file, hash);
    }
    return this.image.write(question, contents, save);
  }

  imageOutline(file: string): FileOutline | null {
    const hash = this.image.opened?.contents.get(file);
    if (hash === undefined) return null;
    const [record] = this.store.records(keyOf(hash, this.stamp));
    const bytes = record === undefined ? null : this.store.readNow(record);
    const outline = bytes && this.decoded(record, () => decodeOutline(bytes));
    if (outline) return outline;
    // The cache had no room for it: as long as the file is as it was, it can be made again.
    const source = readSource(join(this.sources.root, file), true);
    if ("problem" in source || source.version?.hash !== hash) return null;
    return outlineFile(source.text, file, this.options);
  }

  loadedContents(files: readonly string[]): Hash | null {
    if (this.torn) return null;
    const contents: Hash[] = [];
    for (const file of files) {
      const content = this.contents.get(file);
      if (content === undefined) return null;
      contents.push(content);
    }
    return hashOfAll(files, contents);
  }

  async recall(key: Int32Array): Promise<Uint8Array | null> {
    let out: Uint8Array | null = null;
    const [record] = this.store.records(key);
    if (record !== undefined) {
      await this.store.read([record], (_, bytes) => {
        out = bytes?.slice() ?? null;
      });
    }
    return out;
  }

  keep(key: Int32Array, bytes: Uint8Array): void {
    this.store.put(key, bytes);
  }

  prepareBuffers(): Promise<void> {
    return this.pool.prepareBuffers();
  }

  read(file: string): string | null {
    return this.pool.read(file);
  }

  problems(): { path: string; reason: string }[] {
    return this.pool.problems();
  }

  private busy(): void {
    if (this.idle) clearTimeout(this.idle);
    this.idle = null;
  }

  private rest(): void {
    if (!this.closed) this.idle = setTimeout(() => this.flush(), IDLE_MS).unref();
  }

  /** Puts on disk what was made. */
  flush(): void {
    this.busy();
    this.store.flush(this.image.opened === null);
    if (!this.store.keeps) return;
    // What is to go is known to a run that looks at everything.
    if (this.image.opened && this.store.ownBytes > this.mostBytes * MOST_OVER) this.image.remove();
    try {
      this.manifest.save();
    } catch (error) {
      this.notes.cannotWrite(manifestsFolder(""), error);
    }
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.flush();
    this.closed = true;
    this.image.close();
    this.store.close();
    await this.pool.close();
  }
}
