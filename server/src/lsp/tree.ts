/**
 * One tree under analysis: loads it in the background, follows the open documents, and hands out findings for them.
 * The newest text wins: a question about an older one is aborted, so that typing never waits for an analysis.
 */
import type { PointInfo } from "../engine.js";
import type { LockMatches, LockUsers } from "../findings/lockUsers.js";
import type { Finding } from "../findings/types.js";
import { offerFixes } from "../fixes/proof.js";
import type { Fix } from "../fixes/types.js";
import { MAX_FOLDER_FILES, type TreeBackend, type TreeScope } from "./deps.js";
import { Exclusive, errorText, isAbort } from "./exclusive.js";
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
  log(message: string): void;
}

/** Text of each open file of the tree, root-relative. */
export type OpenTexts = ReadonlyMap<string, TextPositions>;

/** An analysis that takes this long or less follows each keystroke at once; a longer one waits as long as it takes. */
const LONGEST_WAIT_MS = 250;

export class Tree {
  health: Health = "indexing";
  message = "Starting";
  /** Findings with their site in an open file, by file; of the newest analysed texts. */
  findings = new Map<string, Finding[]>();
  /** Counts every completed analysis: what was computed for one is stale in the next. */
  generation = 0;

  private readonly open = new Map<string, TextPositions>();
  private readonly dirty = new Set<string>();
  /**
   * Open texts as the engine reads them. They follow `open` only between questions, under the lock: an outline and the
   * facts that go with it must be of one text.
   */
  private readonly given = new Map<string, string>();
  private readonly lock = new Exclusive();
  private readonly positions = new Map<string, TextPositions>();
  private readonly fixes = new Map<string, Promise<Fix[]>>();
  private running: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private loading: AbortController | null = null;
  private loaded = false;
  private disposed = false;
  /** The newest texts could not be analysed; the next change tries again. */
  private failed = false;
  /** Health as loading left it, to go back to after a failed analysis. */
  private loadedHealth: [Health, string] = ["degraded", "Not loaded"];
  private lastMs = 0;
  private waiters: (() => void)[] = [];

  constructor(
    readonly root: string,
    readonly scope: TreeScope,
    private readonly backend: TreeBackend,
    private readonly encoding: PositionEncoding,
    private readonly events: TreeEvents,
  ) {}

  /** Loads the tree; resolves when it can be asked, whole or (cancelled, failed) with the open files alone. */
  async start(): Promise<void> {
    const loading = new AbortController();
    this.loading = loading;
    const shown = await this.events.progress(this);
    const cancel = (): void => loading.abort();
    shown.signal.addEventListener("abort", cancel);
    this.setHealth("indexing", "Indexing");
    try {
      await this.lock.run(async () => {
        let files =
          this.scope === "files" ? [...this.open.keys()] : await this.backend.listFiles(loading.signal);
        let reason = this.scope === "kernel" ? "" : "not in a kernel tree (no Kconfig and MAINTAINERS above)";
        if (this.scope === "folder" && files.length > MAX_FOLDER_FILES) {
          files = [...this.open.keys()];
          reason += `, and its ${MAX_FOLDER_FILES}+ files are too many: only open files are analysed`;
        }
        this.giveTexts(this.open.keys());
        await this.load(files, loading.signal, (percent, message) => {
          shown.report(percent, message);
          this.setHealth("indexing", `${message} ${percent}%`);
        });
        const size = `${files.length} files`;
        if (reason) this.setHealth("degraded", `Analysing ${size}: ${reason}`);
        else this.setHealth("ready", `${size} indexed`);
      });
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
    this.loaded = true;
    for (const file of this.given.keys()) this.backend.engine.remember(file);
    this.loadedHealth = [this.health, this.message];
    for (const file of this.open.keys()) this.dirty.add(file);
    this.schedule(0);
  }

  private async loadOpenFiles(reason: string): Promise<void> {
    this.events.log(`${this.root}: ${reason}`);
    try {
      await this.lock.run(() => {
        this.giveTexts(this.open.keys());
        return this.load([...this.open.keys()], undefined, () => {});
      });
    } catch (error) {
      this.events.log(`loading the open files failed: ${errorText(error)}`);
    }
    this.setHealth("degraded", `Only open files are analysed: ${reason}`);
  }

  private async load(
    files: readonly string[],
    signal: AbortSignal | undefined,
    report: (percent: number, message: string) => void,
  ): Promise<void> {
    let last = "";
    await this.backend.engine.load(files, {
      signal,
      progress: ({ phase, done, total }) => {
        const percent = total > 0 ? Math.min(100, Math.floor((100 * done) / total)) : 0;
        const now = `${phase} ${percent}`;
        if (now !== last) report(percent, phase);
        last = now;
      },
    });
    if (signal?.aborted) throw new DOMException("aborted", "AbortError");
  }

  private setHealth(health: Health, message: string): void {
    if (this.disposed || (this.health === health && this.message === message)) return;
    this.health = health;
    this.message = message;
    this.events.health(this);
  }

  /** Open or changed document. */
  setText(file: string, text: TextPositions): void {
    this.open.set(file, text);
    this.touch([file]);
  }

  closeText(file: string): void {
    this.open.delete(file);
    this.findings.delete(file);
    this.touch([file]);
  }

  /** These files changed on disk. */
  changed(files: readonly string[]): void {
    const closed = files.filter((file) => !this.open.has(file));
    if (closed.length > 0) this.touch(closed);
  }

  isOpen(file: string): boolean {
    return this.open.has(file);
  }

  get openFiles(): Iterable<string> {
    return this.open.keys();
  }

  private touch(files: readonly string[]): void {
    for (const file of files) {
      this.dirty.add(file);
      this.positions.delete(file);
    }
    this.fixes.clear();
    this.failed = false;
    this.running?.abort();
    this.schedule(Math.min(this.lastMs, LONGEST_WAIT_MS));
  }

  private schedule(wait: number): void {
    if (!this.loaded || this.disposed) return;
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      void this.analyse();
    }, wait);
  }

  /** The findings are those of older texts than the open ones. */
  get outdated(): boolean {
    return this.dirty.size > 0 && !this.failed;
  }

  /** True when the findings are those of the texts as they are now. */
  get settled(): boolean {
    const idle = this.loaded && this.timer === null && this.running === null;
    return idle && (this.dirty.size === 0 || this.failed);
  }

  /** Resolves when the findings are those of the newest texts. */
  async whenSettled(): Promise<void> {
    while (!this.settled && !this.disposed) await new Promise<void>((resolve) => this.waiters.push(resolve));
  }

  private async analyse(): Promise<void> {
    if (this.running) return; // it was aborted by the change and schedules itself again
    const running = new AbortController();
    this.running = running;
    const began = performance.now();
    try {
      await this.lock.run(async () => {
        await this.flush();
        if (running.signal.aborted) return;
        const focus = new Set(this.open.keys());
        const findings = focus.size === 0 ? [] : await this.check(focus, running.signal);
        if (running.signal.aborted || this.dirty.size > 0) return;
        this.findings = groupByFile(findings, focus);
        this.generation++;
        this.lastMs = performance.now() - began;
        this.setHealth(...this.loadedHealth);
        this.events.log(`analysed ${focus.size} open files in ${this.lastMs.toFixed(1)} ms`);
        this.events.findings(this);
      });
    } catch (error) {
      if (!isAbort(error)) {
        this.events.log(`analysis failed: ${error instanceof Error ? error.stack : String(error)}`);
        this.setHealth("degraded", `Analysis failed: ${errorText(error)}`);
        this.failed = !running.signal.aborted;
      }
    } finally {
      this.running = null;
      const stale = running.signal.aborted || this.dirty.size > 0;
      if (stale && !this.failed && this.timer === null) this.schedule(0);
      if (this.settled || this.disposed) for (const wake of this.waiters.splice(0)) wake();
    }
  }

  /** Lets the engine read the newest open texts of these files; call under the lock. */
  private giveTexts(files: Iterable<string>): void {
    for (const file of files) {
      const text = this.open.get(file)?.bytes;
      if (text === this.given.get(file)) continue;
      if (this.loaded && !this.given.has(file)) this.backend.engine.remember(file);
      if (text === undefined) this.given.delete(file);
      else this.given.set(file, text);
      this.backend.setOverlay(file, text ?? null);
      this.positions.delete(file);
    }
  }

  /** Tells the engine what changed; call under the lock. */
  private async flush(): Promise<void> {
    if (this.dirty.size === 0) return;
    const files = [...this.dirty];
    this.dirty.clear();
    this.giveTexts(files);
    try {
      await this.backend.engine.update(files);
    } catch (error) {
      for (const file of files) this.dirty.add(file);
      throw error;
    }
  }

  private async check(focus: ReadonlySet<string>, signal?: AbortSignal): Promise<Finding[]> {
    return (await this.backend.engine.check({ focus, inside: true, signal })).findings;
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

  /** What is known about a place; null while the tree is being indexed. */
  async pointInfo(file: string, offset: number): Promise<PointInfo | null> {
    if (!this.loaded) return null;
    return this.lock.run(async () => {
      await this.flush();
      return this.backend.engine.pointInfo(file, offset);
    });
  }

  /** Who uses the lock of this name, or the one that a place is about; null while the tree is being indexed. */
  async lockUsers(
    of: { name: string } | { file: string; offset: number },
    signal?: AbortSignal,
  ): Promise<LockMatches | LockUsers | null> {
    if (!this.loaded) return null;
    return this.lock.run(async () => {
      await this.flush();
      const { engine } = this.backend;
      const matches = "name" in of ? engine.findLocks(of.name) : await engine.lockAt(of.file, of.offset);
      return matches.locks.length === 1 ? engine.lockUsers(matches.locks[0], signal) : matches;
    });
  }

  /** Proved fixes of a finding, for the texts as they are now. */
  fixesFor(finding: Finding): Promise<Fix[]> {
    if (!this.loaded) return Promise.resolve([]);
    const key = `${finding.fingerprint}@${finding.offset}`;
    let fixes = this.fixes.get(key);
    if (!fixes) {
      fixes = this.proveFixes(finding);
      this.fixes.set(key, fixes);
    }
    return fixes;
  }

  private async proveFixes(finding: Finding): Promise<Fix[]> {
    return this.lock.run(async () => {
      if (this.dirty.size > 0) return []; // the text changed since the question was asked
      const bench = {
        engine: this.backend.engine,
        read: (file: string) => this.backend.read(file),
        setText: (file: string, text: string | null) =>
          this.backend.setOverlay(file, text ?? this.given.get(file) ?? null),
      };
      return offerFixes(finding, bench, { quick: true });
    });
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    if (this.timer) clearTimeout(this.timer);
    this.running?.abort();
    this.loading?.abort();
    for (const wake of this.waiters.splice(0)) wake();
    await this.lock.run(() => this.backend.dispose());
  }
}

function groupByFile(findings: readonly Finding[], focus: ReadonlySet<string>): Map<string, Finding[]> {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    if (!focus.has(finding.file)) continue;
    const group = groups.get(finding.file);
    if (group) group.push(finding);
    else groups.set(finding.file, [finding]);
  }
  return groups;
}
