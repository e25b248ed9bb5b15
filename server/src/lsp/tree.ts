/**
 * One tree under analysis: follows the open documents and has the findings in them, from the best source that there is.
 * First those that an earlier analysis left, where nothing that they speak of has changed; then those of the near part,
 * which an engine of its own knows long before the whole tree is read; then those of the whole.
 */
import type { PointInfo } from "../engine.js";
import type { LockMatches, LockUsers } from "../findings/lockUsers.js";
import type { Finding } from "../findings/types.js";
import type { Fix } from "../fixes/types.js";
import { Analyst } from "./analyst.js";
import { MAX_FOLDER_FILES, type TreeBackend, type TreeScope } from "./deps.js";
import { errorText, isAbort } from "./exclusive.js";
import { type PositionEncoding, TextPositions } from "./positions.js";

export type Health = "indexing" | "ready" | "degraded";

/** Shows how far the index is; the token is cancelled by the user. */
export interface IndexProgress {
  report(percent: number, message: string): void;
  signal: AbortSignal;
  done(): void;
}

export interface TreeEvents {
  /** Findings of the open files are new. */
  findings(tree: Tree): void;
  health(tree: Tree): void;
  progress(tree: Tree): Promise<IndexProgress>;
  /** So much has changed on disk that reading the tree anew is cheaper. */
  outgrown(tree: Tree): void;
  log(message: string): void;
}

/** As many files changing on disk at once is a checkout, not an edit: the tree is read anew, unchanged files from the cache. */
const MANY_FILES = 1000;
/** … when nothing more has changed for so long. */
const CHECKOUT_REST_MS = 1500;
/** The whole tree is not kept waiting longer for the first findings of the near part. */
const LONGEST_NEAR_MS = 10_000;
/** A file opened late that takes the whole tree longer than this is shown what the near part has. */
const SLOW_MS = 1000;
/** Findings are left for the next start when nothing was typed for so long. */
const KEEP_AFTER_MS = 2000;

/** The fixes of a finding, being proved or proved already, and how many wait for them. */
interface Proof {
  fixes: Promise<Fix[]>;
  stop: AbortController;
  asking: number;
}

export class Tree {
  health: Health = "indexing";
  message = "Starting";
  /** Findings with their site in an open file, by file. */
  findings = new Map<string, Finding[]>();

  private readonly open = new Map<string, TextPositions>();
  private readonly whole: Analyst;
  private near: Analyst | null = null;
  private nearFiles: ReadonlySet<string> = new Set();
  /** Starting the near part, and adding to it, one after the other. */
  private nearWork: Promise<void> = Promise.resolve();
  private allFiles: readonly string[] = [];
  /** The same as a set, made when it is first needed. */
  private known: ReadonlySet<string> = new Set();
  /** Text of each open file whose findings are those of an earlier analysis. */
  private readonly recalled = new Map<string, string>();
  private readonly positions = new Map<string, TextPositions>();
  private readonly fixes = new Map<string, Proof>();
  private loading: AbortController | null = null;
  /** What an earlier check has left may be of use. */
  private recalls = true;
  private keeping: ReturnType<typeof setTimeout> | null = null;
  private disposed = false;
  /** Health as loading left it, to go back to after a failed analysis. */
  private loadedHealth: [Health, string] = ["degraded", "Not loaded"];
  private readonly changedOnDisk = new Set<string>();
  private checkout: ReturnType<typeof setTimeout> | null = null;

  constructor(
    readonly root: string,
    readonly scope: TreeScope,
    private readonly backend: TreeBackend,
    private readonly encoding: PositionEncoding,
    private readonly events: TreeEvents,
  ) {
    this.whole = new Analyst(backend, this.open, {
      findings: (findings, last) => this.takeWhole(findings, last),
      failed: (error) => this.setHealth("degraded", `Analysis failed: ${errorText(error)}`),
      outgrown: () => {
        // Another start would come to the same texts by the same image.
        this.recalls = false;
        if (this.loading === null) void this.start();
      },
      log: (message) => events.log(message),
    });
  }

  /** Loads the tree; resolves when it can be asked, whole or (cancelled, failed) with the open files alone. */
  async start(): Promise<void> {
    const loading = new AbortController();
    this.loading = loading;
    const shown = await this.events.progress(this);
    const cancel = (): void => loading.abort();
    shown.signal.addEventListener("abort", cancel);
    this.setHealth("indexing", `Indexing${this.firstFindings()}`);
    try {
      let files =
        this.scope === "files" ? [...this.open.keys()] : await this.backend.listFiles(loading.signal);
      let reason = this.scope === "kernel" ? "" : "not in a kernel tree (no Kconfig and MAINTAINERS above)";
      if (this.scope === "folder" && files.length > MAX_FOLDER_FILES) {
        files = [...this.open.keys()];
        reason += `, and its ${MAX_FOLDER_FILES}+ files are too many: only open files are analysed`;
      }
      this.allFiles = files;
      const report = (percent: number, message: string): void => {
        shown.report(percent, message);
        this.setHealth("indexing", `${message} ${percent}%${this.firstFindings()}`);
      };
      if (!this.recalls || !(await this.whole.recall(files, loading.signal, report))) {
        for (const file of this.open.keys()) this.wantNear(file);
        await this.nearWork;
        await this.whole.load(async () => files, loading.signal, report);
      }
      const size = `${files.length} files`;
      if (reason) this.loadedHealth = ["degraded", `Analysing ${size}: ${reason}`];
      else this.loadedHealth = ["ready", `${size} indexed`];
    } catch (error) {
      if (this.disposed) return;
      await this.loadOpenFiles(
        isAbort(error) || loading.signal.aborted
          ? "indexing was cancelled"
          : `indexing failed: ${errorText(error)}`,
      );
    } finally {
      shown.signal.removeEventListener("abort", cancel);
      shown.done();
      this.loading = null;
    }
    // Ready is who can answer: with files open that is after the first analysis of them.
    if (this.open.size === 0) this.setHealth(...this.loadedHealth);
    else if (this.loadedHealth[0] === "ready")
      this.setHealth("indexing", `Analysing the open files${this.firstFindings()}`);
    this.whole.begin();
  }

  private async loadOpenFiles(reason: string): Promise<void> {
    this.events.log(`${this.root}: ${reason}`);
    try {
      await this.whole.load(
        async () => [...this.open.keys()],
        undefined,
        () => {},
      );
    } catch (error) {
      this.events.log(`loading the open files failed: ${errorText(error)}`);
    }
    this.loadedHealth = ["degraded", `Only open files are analysed: ${reason}`];
  }

  private setHealth(health: Health, message: string): void {
    if (this.disposed || (this.health === health && this.message === message)) return;
    this.health = health;
    this.message = message;
    this.events.health(this);
  }

  // --- first findings --------------------------------------------------------------------------------------------

  /** What the findings that are shown come from, while they are not those of the whole tree. */
  private firstFindings(): string {
    const parts: string[] = [];
    if (this.near && [...this.open.keys()].some((file) => this.near!.answers(file)))
      parts.push(`first findings from ${this.nearFiles.size} files near the open ones`);
    if (this.recalled.size > 0) parts.push("findings of the last analysis where nothing changed");
    return parts.length > 0 ? ` (${parts.join("; ")})` : "";
  }

  /** Shows what an earlier analysis found in this file, if that still stands there. */
  private recall(file: string): void {
    const text = this.open.get(file)?.bytes;
    if (text === undefined || this.whole.answers(file) || !this.backend.kept) return;
    const findings = this.backend.kept.recall(file, text);
    if (!findings) return;
    this.recalled.set(file, text);
    this.findings.set(file, findings);
    if (this.health === "indexing") this.setHealth("indexing", `Indexing${this.firstFindings()}`);
    this.events.findings(this);
  }

  /** Has this open file analysed by the near engine as long as the whole has not. */
  private wantNear(file: string): void {
    const { backend } = this;
    if (this.allFiles.length === 0 || !backend.openNear || !backend.nearFiles) return;
    this.nearWork = this.nearWork
      .then(() => this.addNear(file))
      .catch((error) => {
        if (!this.disposed && !isAbort(error)) this.events.log(`near part: ${errorText(error)}`);
      });
  }

  private async addNear(file: string): Promise<void> {
    if (this.disposed || this.whole.answers(file) || !this.open.has(file)) return;
    if (this.near && this.nearFiles.has(file)) return;
    const files = this.backend.nearFiles!(this.open.keys(), this.allFiles);
    if (this.near) {
      const more = files.filter((f) => !this.nearFiles.has(f));
      this.nearFiles = new Set([...this.nearFiles, ...more]);
      this.near.touch(more);
      return;
    }
    // A part that is nearly everything comes no sooner than everything.
    if (files.length * 2 > this.allFiles.length) return;
    this.nearFiles = new Set(files);
    const near = new Analyst(this.backend.openNear!(), this.open, {
      findings: (findings) => this.takeNear(findings),
      failed: () => {},
      log: (message) => this.events.log(`near part: ${message}`),
    });
    this.near = near;
    await near.load(
      async () => files,
      this.loading?.signal,
      (percent) => {
        if (this.health === "indexing")
          this.setHealth("indexing", `Reading ${files.length} files near the open ones ${percent}%`);
      },
    );
    near.begin();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((done) => {
      timer = setTimeout(done, LONGEST_NEAR_MS);
    });
    await Promise.race([near.whenSettled(), late]);
    clearTimeout(timer);
  }

  private takeNear(findings: ReadonlyMap<string, Finding[]>): void {
    for (const [file, found] of findings) {
      if (this.whole.answers(file)) continue;
      // What the whole tree said of this very text is more than what a part of it can say.
      if (this.isRecalled(file)) continue;
      this.findings.set(file, found);
    }
    if (this.health === "indexing") this.setHealth("indexing", `Indexing${this.firstFindings()}`);
    this.events.findings(this);
  }

  private takeWhole(findings: ReadonlyMap<string, Finding[]>, last: boolean): void {
    for (const [file, found] of findings) {
      this.recalled.delete(file);
      this.findings.set(file, found);
    }
    this.fixes.clear();
    if (last) this.setHealth(...this.loadedHealth);
    this.events.findings(this);
    if (!last) return;
    this.closeNear();
    this.backend.kept?.close?.();
    this.backend.prepareBuffers?.();
    if (this.keeping) clearTimeout(this.keeping);
    this.keeping = setTimeout(() => this.keep(), KEEP_AFTER_MS);
    this.keeping.unref();
  }

  private closeNear(): void {
    const { near } = this;
    this.near = null;
    this.nearFiles = new Set();
    if (near) void near.dispose().catch((error) => this.events.log(`near part: ${errorText(error)}`));
  }

  /** Leaves the findings for the next start; those with unsaved texts are of no tree that can be met again. */
  private keep(): void {
    if (this.keeping) clearTimeout(this.keeping);
    this.keeping = null;
    const { kept } = this.backend;
    if (!kept || this.health !== "ready" || !this.whole.settled) return;
    const open = [...this.open].map(([file, { bytes }]) => [file, bytes] as const);
    if (open.every(([file, text]) => kept.isOnDisk(file, text)))
      for (const [file, text] of open) kept.keep(file, text, this.findings.get(file) ?? []);
  }

  // --- texts -----------------------------------------------------------------------------------------------------

  /** Open or changed document. */
  setText(file: string, text: TextPositions): void {
    const isNew = !this.open.has(file);
    this.open.set(file, text);
    if (this.recalled.get(file) !== text.bytes) this.recalled.delete(file);
    this.touch([file]);
    if (!isNew) return;
    this.recall(file);
    if (!this.whole.loaded) this.wantNear(file);
    else {
      if (this.health === "ready") this.setHealth("indexing", "Analysing the open files");
      setTimeout(() => this.wantNear(file), SLOW_MS).unref();
    }
  }

  closeText(file: string): void {
    this.open.delete(file);
    this.findings.delete(file);
    this.recalled.delete(file);
    this.touch([file]);
  }

  /** These files changed on disk. */
  changed(files: readonly string[]): void {
    const closed = files.filter((file) => !this.open.has(file) && this.belongs(file));
    if (closed.length === 0) return;
    // What was found earlier may speak of texts that are no more.
    for (const file of [...this.recalled.keys()]) {
      this.recalled.delete(file);
      this.findings.delete(file);
      this.recall(file);
    }
    for (const file of closed) this.changedOnDisk.add(file);
    if (this.checkout) clearTimeout(this.checkout);
    this.checkout = null;
    if (this.changedOnDisk.size < MANY_FILES) {
      this.touch(closed);
      if (this.whole.settled) this.changedOnDisk.clear();
      return;
    }
    this.setHealth("indexing", `${this.changedOnDisk.size} files changed on disk`);
    this.checkout = setTimeout(() => this.events.outgrown(this), CHECKOUT_REST_MS);
  }

  /** Build output and what git ignores are no part of the tree, whoever reports them. */
  private belongs(file: string): boolean {
    if (!this.backend.belongs) return true;
    if (this.known.size !== this.allFiles.length) this.known = new Set(this.allFiles);
    return this.known.has(file) || this.backend.belongs(file);
  }

  isOpen(file: string): boolean {
    return this.open.has(file);
  }

  get openFiles(): Iterable<string> {
    return this.open.keys();
  }

  private touch(files: readonly string[]): void {
    for (const file of files) this.positions.delete(file);
    this.fixes.clear();
    this.whole.touch(files);
    const near = files.filter((file) => this.nearFiles.has(file));
    // It is kept for the files that the whole tree has not answered about yet.
    if (near.length > 0)
      this.near?.touch(
        near,
        near.every((file) => this.whole.answers(file)),
      );
  }

  // --- questions -------------------------------------------------------------------------------------------------

  /** Who knows about an open file: the whole tree once it has looked at it, until then the near part. */
  private knower(file: string): Analyst | null {
    if (this.whole.answers(file)) return this.whole;
    return this.near?.answers(file) ? this.near : null;
  }

  private isRecalled(file: string): boolean {
    const text = this.recalled.get(file);
    return text !== undefined && text === this.open.get(file)?.bytes;
  }

  /** The findings are not those of the newest text, or there are none yet. */
  isOutdated(file: string): boolean {
    return !this.isRecalled(file) && (this.knower(file)?.isOutdated(file) ?? true);
  }

  /** Positions of a file as it stands now, open or not; null when it cannot be read. */
  positionsOf(file: string): TextPositions | null {
    const open = this.open.get(file);
    if (open) return open;
    const known = this.positions.get(file);
    if (known) return known;
    const text = this.backend.read(file);
    if (text === null) return null;
    const made = new TextPositions(text, this.encoding);
    if (this.positions.size >= 64) this.positions.delete(this.positions.keys().next().value!);
    this.positions.set(file, made);
    return made;
  }

  /** What is known about a place; null as long as nothing is. */
  async pointInfo(file: string, offset: number, signal?: AbortSignal): Promise<PointInfo | null> {
    const text = this.open.get(file);
    for (;;) {
      const analyst = this.knower(file) ?? (this.whole.loaded ? this.whole : null);
      if (!analyst) return null;
      try {
        return await analyst.ask(
          (engine, stop) => engine.pointInfo(file, offset, stop),
          () => this.open.get(file) === text,
          signal,
        );
      } catch (error) {
        // The near part goes when the whole has answered: then that is asked.
        const isGone = analyst !== this.whole && analyst !== this.near;
        if (!isAbort(error) || signal?.aborted || this.disposed || !isGone) throw error;
      }
    }
  }

  /** Who uses the lock of this name, or the one that a place is about; null while the tree is being indexed. */
  async lockUsers(
    of: { name: string } | { file: string; offset: number },
    signal?: AbortSignal,
  ): Promise<LockMatches | LockUsers | null> {
    // An answer about a part would look like one about the tree.
    if (!this.whole.loaded) return null;
    const text = "file" in of ? this.open.get(of.file) : undefined;
    const matches = await this.whole.ask(
      async (engine) => ("name" in of ? engine.findLocks(of.name) : engine.lockAt(of.file, of.offset)),
      () => "name" in of || this.open.get(of.file) === text,
      signal,
    );
    if (matches?.locks.length !== 1) return matches;
    // Which lock is meant is known: its users are asked for again when something is typed meanwhile.
    return this.whole.ask(
      (engine, stop) => engine.lockUsers(matches.locks[0], stop),
      () => true,
      signal,
    );
  }

  /** Proved fixes of a finding, for the texts as they are now; none, if these change before they are proved. */
  async fixesFor(finding: Finding, signal?: AbortSignal): Promise<Fix[]> {
    // A part of the tree proves nothing about the rest of it.
    if (!this.whole.loaded) return [];
    const key = `${finding.fingerprint}@${finding.offset}`;
    let proof = this.fixes.get(key);
    if (!proof) {
      const stop = new AbortController();
      proof = { fixes: this.whole.proveFixes(finding, stop.signal), stop, asking: 0 };
      this.fixes.set(key, proof);
    }
    const { fixes, stop } = proof;
    proof.asking++;
    // Editors ask again and again as the cursor moves: when nobody waits for it any more it is not worth its time.
    const leave = (): void => {
      if (--proof.asking > 0) return;
      if (this.fixes.get(key) === proof) this.fixes.delete(key);
      stop.abort();
    };
    signal?.addEventListener("abort", leave);
    try {
      return await fixes;
    } catch (error) {
      if (isAbort(error)) return [];
      throw error;
    } finally {
      signal?.removeEventListener("abort", leave);
    }
  }

  async dispose(): Promise<void> {
    if (this.keeping) this.keep();
    this.disposed = true;
    this.loading?.abort();
    if (this.checkout) clearTimeout(this.checkout);
    const near = this.near;
    this.near = null;
    await Promise.all([near?.dispose(), this.whole.dispose()]);
  }
}
