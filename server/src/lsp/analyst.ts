/**
 * One engine at work for a tree: loads files, follows the open documents, and works out the findings in them. The newest
 * text wins: a question about an older one is aborted, so that typing never waits for an analysis.
 */
import type { Engine, Progress } from "../engine.js";
import type { Finding } from "../findings/types.js";
import { offerFixes } from "../fixes/proof.js";
import type { Fix } from "../fixes/types.js";
import { BadImage } from "../program/image.js";
import type { EngineBackend } from "./deps.js";
import { Exclusive, isAbort } from "./exclusive.js";
import type { TextPositions } from "./positions.js";

/** Text of each open file of the tree, root-relative. */
export type OpenTexts = ReadonlyMap<string, TextPositions>;

export interface AnalystEvents {
  /** Findings of the newest texts, for each of these open files; `last`: all are known now. Called under the lock. */
  findings(findings: ReadonlyMap<string, Finding[]>, last: boolean): void;
  /** The newest texts could not be analysed. */
  failed(error: unknown): void;
  /** What the engine went on from is of no use any more: the tree has to be read. */
  outgrown?(): void;
  log(message: string): void;
}

/**
 * Nothing was typed for so long: time for what nobody waits for. Whoever types leaves less between two keys, and a look at the
 * other files that is stopped again and again helps nobody.
 */
const REST_MS = 120;

export class Analyst {
  private readonly dirty = new Set<string>();
  /**
   * Open texts as the engine reads them. They follow `open` only between questions, under the lock: an outline and the
   * facts that go with it must be of one text.
   */
  private readonly given = new Map<string, string>();
  private readonly lock = new Exclusive();
  private running: AbortController | null = null;
  /** Questions of the user, asked or about to be, that a change of any text stops. */
  private readonly asked = new Set<AbortController>();
  /** What was typed is analysed in the next turn; the rest later. */
  private next: { cancel(): void } | null = null;
  private disposed = false;
  /** The newest texts could not be analysed; the next change tries again. */
  private failed = false;
  /** Open files whose findings have been given since they were opened: new texts of theirs are quick to analyse. */
  private readonly answered = new Set<string>();
  /** Open files whose text has changed since their findings were given. */
  private readonly typed = new Set<string>();
  /** Open files whose findings were given since the last change of any text. */
  private readonly current = new Set<string>();
  private waiters: (() => void)[] = [];
  loaded = false;

  constructor(
    private readonly backend: EngineBackend,
    private readonly open: OpenTexts,
    private readonly events: AnalystEvents,
  ) {}

  /** Loads the files that `list` gives, under the lock; what goes wrong is the caller's. */
  async load(
    list: () => Promise<readonly string[]>,
    signal: AbortSignal | undefined,
    report: (percent: number, message: string) => void,
  ): Promise<void> {
    await this.lock.run(async () => {
      const files = await list();
      this.giveTexts(this.open.keys());
      await this.backend.engine.load(files, { signal, progress: percentages(report) });
      if (signal?.aborted) throw new DOMException("aborted", "AbortError");
    });
  }

  /** The same in no time, from what an earlier check has left; false when it left nothing of use. */
  async recall(
    files: readonly string[],
    signal: AbortSignal | undefined,
    report: (percent: number, message: string) => void,
  ): Promise<boolean> {
    const { recall } = this.backend;
    if (!recall) return false;
    return this.lock.run(() => {
      this.giveTexts(this.open.keys());
      return recall(files, { signal, progress: percentages(report) });
    });
  }

  /** It can be asked from now on; the open files are analysed. */
  begin(): void {
    this.loaded = true;
    for (const file of this.open.keys()) this.dirty.add(file);
    this.schedule(0);
  }

  /** Whether the findings of an open file have been given. */
  answers(file: string): boolean {
    return this.answered.has(file);
  }

  /** These files changed, open or on disk; `later`: nobody waits for what this one says of it. */
  touch(files: readonly string[], later = false): void {
    for (const file of files) {
      this.dirty.add(file);
      if (this.open.has(file)) this.typed.add(file);
      else {
        this.answered.delete(file);
        this.typed.delete(file);
      }
    }
    this.current.clear();
    this.failed = false;
    this.running?.abort();
    for (const question of this.asked) question.abort();
    this.schedule(later ? REST_MS : 0);
  }

  private schedule(wait: number): void {
    if (!this.loaded || this.disposed) return;
    this.next?.cancel();
    const begin = (): void => {
      this.next = null;
      void this.analyse();
    };
    if (wait > 0) {
      const timer = setTimeout(begin, wait);
      this.next = { cancel: () => clearTimeout(timer) };
    } else {
      // Changes that have arrived already come before it.
      const turn = setImmediate(begin);
      this.next = { cancel: () => clearImmediate(turn) };
    }
  }

  /** The findings of an open file are those of older texts than the open ones. */
  isOutdated(file: string): boolean {
    return !this.current.has(file) && !this.failed;
  }

  /** True when the findings are those of the texts as they are now. */
  get settled(): boolean {
    const idle = this.loaded && this.next === null && this.running === null;
    return idle && (this.dirty.size === 0 || this.failed);
  }

  /** Resolves when it has findings of the newest texts, or cannot have them. */
  async whenSettled(): Promise<void> {
    while (!this.settled && !this.disposed) await new Promise<void>((wake) => this.waiters.push(wake));
  }

  /**
   * What to look at, one after the other: files that were typed in, for somebody waits; the others that are known; each new
   * one, the newest first; and then all together, for what is looked at in one can tell more about another.
   */
  private groups(): ReadonlySet<string>[] {
    const files = [...this.open.keys()];
    const known = files.filter((file) => this.answered.has(file));
    const typed = known.filter((file) => this.typed.has(file));
    const fresh = files.filter((file) => !this.answered.has(file)).reverse();
    const groups = [new Set(known), ...fresh.map((file) => new Set([file]))];
    if (typed.length > 0 && typed.length < known.length) groups.unshift(new Set(typed));
    return fresh.length > 0 && files.length > 1 ? [...groups, new Set(files)] : groups;
  }

  private async analyse(): Promise<void> {
    if (this.running) return; // it was aborted by the change and schedules itself again
    const running = new AbortController();
    this.running = running;
    let rest = false;
    try {
      await this.lock.run(async () => {
        await this.flush();
        const groups = this.groups();
        for (const [i, group] of groups.entries()) {
          const began = performance.now();
          if (running.signal.aborted) return;
          const findings = group.size === 0 ? [] : await this.check(group, running.signal);
          if (running.signal.aborted || this.dirty.size > 0) return;
          const ms = performance.now() - began;
          const wasTyped = i === 0 && [...group].some((file) => this.typed.has(file));
          for (const file of group) {
            this.answered.add(file);
            this.current.add(file);
            this.typed.delete(file);
          }
          this.events.log(`analysed ${[...group].join(" ")} in ${ms.toFixed(1)} ms`);
          this.events.findings(groupByFile(findings, group), i === groups.length - 1);
          rest = wasTyped && i < groups.length - 1;
          if (rest) return;
        }
      });
    } catch (error) {
      if (error instanceof BadImage) {
        this.events.log(`what was known of the tree is of no use any more: ${error.message}`);
        this.failed = true;
        if (!this.disposed) this.events.outgrown?.();
      } else if (!isAbort(error)) {
        this.events.log(`analysis failed: ${error instanceof Error ? error.stack : String(error)}`);
        this.failed = !running.signal.aborted;
        if (!this.disposed) this.events.failed(error);
      }
    } finally {
      this.running = null;
      const stale = running.signal.aborted || this.dirty.size > 0;
      if (this.next === null && !this.failed && (stale || rest)) this.schedule(stale ? 0 : REST_MS);
      if (this.settled || this.disposed) for (const wake of this.waiters.splice(0)) wake();
    }
  }

  /** Lets the engine read the newest open texts of these files; call under the lock. */
  private giveTexts(files: Iterable<string>): void {
    for (const file of files) {
      const text = this.open.get(file)?.bytes;
      if (text === this.given.get(file)) continue;
      if (text === undefined) this.given.delete(file);
      else this.given.set(file, text);
      this.backend.setOverlay(file, text ?? null);
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

  /**
   * Asks the engine about the newest texts. A change stops the question, so that what is typed is analysed first; then it
   * is asked again, as long as it is `wanted`. Null when it is not; rejects with an AbortError when the signal fires.
   */
  async ask<T>(
    question: (engine: Engine, signal: AbortSignal) => Promise<T>,
    wanted: () => boolean,
    signal?: AbortSignal,
  ): Promise<T | null> {
    while (wanted()) {
      try {
        return await this.whileUnchanged(signal, async (stop) => {
          await this.flush();
          stop.throwIfAborted();
          return question(this.backend.engine, stop);
        });
      } catch (error) {
        if (!isAbort(error) || this.disposed || signal?.aborted) throw error;
      }
      await this.whenSettled();
    }
    return null;
  }

  /** Proved fixes of a finding, for the texts as they are now; rejects with an AbortError when one of these changes. */
  proveFixes(finding: Finding, signal?: AbortSignal): Promise<Fix[]> {
    return this.whileUnchanged(signal, async (stop) => {
      if (this.dirty.size > 0) return []; // the finding is of an older text
      const bench = {
        engine: this.backend.engine,
        read: (file: string) => this.backend.read(file),
        setText: (file: string, text: string | null) =>
          this.backend.setOverlay(file, text ?? this.given.get(file) ?? null),
      };
      return offerFixes(finding, bench, { quick: true, signal: stop });
    });
  }

  /** Runs a task under the lock, with a signal that fires when a text changes, before or in it, or when the given one does. */
  private async whileUnchanged<T>(
    signal: AbortSignal | undefined,
    task: (stop: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const stop = new AbortController();
    const give = (): void => stop.abort();
    if (signal?.aborted) give();
    signal?.addEventListener("abort", give);
    this.asked.add(stop);
    try {
      return await this.lock.run(async () => {
        stop.signal.throwIfAborted();
        return task(stop.signal);
      });
    } finally {
      this.asked.delete(stop);
      signal?.removeEventListener("abort", give);
    }
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    this.next?.cancel();
    this.next = null;
    this.running?.abort();
    for (const question of this.asked) question.abort();
    for (const wake of this.waiters.splice(0)) wake();
    await this.lock.run(() => this.backend.dispose());
  }
}

function groupByFile(findings: readonly Finding[], files: ReadonlySet<string>): Map<string, Finding[]> {
  const groups = new Map<string, Finding[]>([...files].map((file) => [file, []]));
  for (const finding of findings) groups.get(finding.file)?.push(finding);
  return groups;
}

/** Tells percentages, each once. */
function percentages(report: (percent: number, message: string) => void): (p: Progress) => void {
  let last = "";
  return ({ phase, done, total }) => {
    const percent = total > 0 ? Math.min(100, Math.floor((100 * done) / total)) : 0;
    const now = `${phase} ${percent}`;
    if (now !== last) report(percent, phase);
    last = now;
  };
}
