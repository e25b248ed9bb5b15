/**
 * A small engine for tests of the language server: finds calls that reach a sleeper between spin_lock and spin_unlock,
 * by text. It is deterministic, quick, and knows nothing that the server does not have to show.
 */

import { suppressionAt } from "../../src/analysis/suppressions.js";
import type { CodeView, Definition } from "../../src/code.js";
import type { CheckOptions, CheckResult, Engine, PointInfo } from "../../src/engine.js";
import type { LockIdentity, LockMatches, LockUsers } from "../../src/findings/lockUsers.js";
import type { AnalysisStats, ChainStep, Finding, FindingPath } from "../../src/findings/types.js";
import { closingBracket, maskCode } from "../../src/fixes/mask.js";
import { loadKernelTables } from "../../src/kernel/load.js";
import type { TreeBackend } from "../../src/lsp/deps.js";
import { harvestMacroClasses } from "../../src/outline/macroClasses.js";
import { ProgramCodeView } from "../../src/program/codeView.js";
import { Program } from "../../src/program/program.js";

const SLEEPERS: Record<string, string> = {
  mutex_lock: "takes a mutex",
  down_read: "takes a read-write semaphore",
  msleep: "sleeps",
};
const WORDS = new Set(["if", "while", "for", "switch", "return", "sizeof"]);

interface Call {
  name: string;
  args: string;
  offset: number;
  end: number;
}
interface Fn {
  file: string;
  name: string;
  start: number;
  end: number;
  calls: Call[];
}

function parseFunctions(file: string, text: string): Fn[] {
  const code = maskCode(text);
  const fns: Fn[] = [];
  for (const match of code.matchAll(/^[A-Za-z_][^;{}()]*?\b(\w+)\([^;{}]*?\)\s*\{/gm)) {
    const close = code.indexOf("\n}", match.index);
    const end = close === -1 ? code.length : close + 2;
    const body = match.index + match[0].length;
    const calls: Call[] = [];
    for (const call of code.slice(body, end).matchAll(/\b([A-Za-z_]\w*)\(/g)) {
      if (WORDS.has(call[1]!)) continue;
      const offset = body + call.index;
      const open = offset + call[0].length - 1;
      const args = code.slice(open + 1, Math.max(open + 1, closingBracket(code, open)));
      calls.push({ name: call[1]!, args, offset, end: offset + call[1]!.length });
    }
    fns.push({ file, name: match[1]!, start: match.index, end, calls });
  }
  return fns;
}

const NO_DETAILS = {
  kind: "function" as const,
  isStatic: false,
  isInline: false,
  isInit: false,
  isStub: false,
  returnType: "",
  params: [],
};
const tables = loadKernelTables(null);
const classes = harvestMacroClasses([]).classes;

export interface FakeOptions {
  read(file: string): string | null;
  /** Called before each step of work; may wait, so that tests can act in the middle. */
  step?: (what: string, signal?: AbortSignal) => Promise<void> | void;
}

export class FakeEngine implements Engine {
  private readonly byFile = new Map<string, Fn[]>();
  /** Knows functions by place; of the rest of the program nothing. */
  readonly code: CodeView = Object.assign(new ProgramCodeView(new Program(), null, tables, () => classes), {
    functionAt: (file: string, offset: number): Definition | null => {
      const fn = this.byFile.get(file)?.find((f) => f.start <= offset && offset < f.end);
      if (!fn) return null;
      const bodyStart = (this.options.read(file) ?? "").indexOf("{", fn.start);
      return {
        ...NO_DETAILS,
        name: fn.name,
        file,
        start: fn.start,
        end: fn.end,
        nameStart: fn.start,
        bodyStart,
      };
    },
  });
  updates = 0;
  checks = 0;

  findLocks(): LockMatches {
    return { locks: [], similar: [] };
  }

  async lockAt(): Promise<LockMatches> {
    return { locks: [], similar: [] };
  }

  async lockUsers(lock: LockIdentity): Promise<LockUsers> {
    return { lock, functions: [], relying: [], alsoCalled: [], mentions: [], escapes: [], unread: [] };
  }

  constructor(private readonly options: FakeOptions) {}

  async load(
    files: readonly string[],
    { progress, signal }: Parameters<Engine["load"]>[1] = {},
  ): Promise<void> {
    this.byFile.clear();
    for (const [i, file] of files.entries()) {
      await this.options.step?.("load", signal);
      signal?.throwIfAborted();
      progress?.({ phase: "Reading files", done: i, total: files.length });
      this.read(file);
    }
  }

  async locksOf(): Promise<null> {
    return null;
  }

  async enteredAtomic(): Promise<"unknown"> {
    return "unknown";
  }

  lockFiles(): number {
    return 0;
  }

  async waysToSleep(): Promise<null> {
    return null;
  }

  private read(file: string): void {
    const text = this.options.read(file);
    if (text === null) this.byFile.delete(file);
    else this.byFile.set(file, parseFunctions(file, text));
  }

  async update(files: readonly string[]): Promise<void> {
    this.updates++;
    for (const file of files) this.read(file);
  }

  async check({ focus, signal }: CheckOptions): Promise<CheckResult> {
    this.checks++;
    await this.options.step?.("check", signal);
    signal?.throwIfAborted();
    const findings: Finding[] = [];
    for (const file of [...this.byFile.keys()].sort()) {
      const text = this.options.read(file) ?? "";
      for (const fn of this.byFile.get(file)!) {
        for (const finding of this.findingsOf(fn)) {
          if (focus && !finding.paths.some((p) => p.chain.some((s) => focus.has(s.file)))) continue;
          const reason = suppressionAt(text, finding.offset, finding.rule);
          findings.push({ ...finding, suppressed: reason === null ? null : { reason } });
        }
      }
    }
    return { findings, stats: {} as AnalysisStats };
  }

  private findingsOf(fn: Fn): Finding[] {
    const findings: Finding[] = [];
    let held: { lock: string; call: Call } | null = null;
    for (const call of fn.calls) {
      if (call.name === "spin_lock") held = { lock: call.args.replace(/^&/, ""), call };
      else if (call.name === "spin_unlock") held = null;
      else if (held) {
        const path = this.pathOf(fn, call, new Set());
        if (!path) continue;
        const { lock, call: taken } = held;
        const rule = path.sleep.reason.includes("GFP") ? "gfp-in-atomic" : "sleep-in-atomic";
        const ordinal = findings.filter((f) => f.cluster.startsWith(`${call.name}:`)).length;
        findings.push({
          rule,
          file: fn.file,
          offset: call.offset,
          endOffset: call.end,
          confidence: path.chain.length > 1 ? "medium" : "high",
          reasons: path.chain.length > 1 ? ["state-guarded"] : [],
          function: fn.name,
          message: `${call.name}() may sleep while ${lock} is held`,
          context: {
            kind: "spinlock",
            lock,
            lockClass: `${fn.file}:${lock}`,
            site: { file: fn.file, offset: taken.offset, endOffset: taken.end },
            how: "spin_lock",
          },
          paths: [path],
          morePaths: 0,
          fingerprint: `${rule}:${fn.file}:${fn.name}:${lock}:${call.name}:${ordinal}`,
          cluster: `${call.name}:${path.sleep.call}`,
          suppressed: null,
        });
      }
    }
    return findings;
  }

  private pathOf(fn: Fn, call: Call, seen: Set<string>): FindingPath | null {
    const site = { file: fn.file, offset: call.offset, endOffset: call.end };
    const step: ChainStep = { ...site, function: fn.name };
    const gfp = /^k[mz]alloc$/.test(call.name) && call.args.includes("GFP_KERNEL");
    const reason = gfp ? "GFP_KERNEL may block" : SLEEPERS[call.name];
    if (reason) {
      return { confidence: "high", reasons: [], chain: [step], sleep: { ...site, call: call.name, reason } };
    }
    if (seen.has(call.name)) return null;
    seen.add(call.name);
    for (const target of this.targetsOf(call.name)) {
      for (const inner of target.calls) {
        const rest = this.pathOf(target, inner, seen);
        if (rest) return { ...rest, confidence: "medium", chain: [step, ...rest.chain] };
      }
    }
    return null;
  }

  private targetsOf(name: string): Fn[] {
    return [...this.byFile.keys()]
      .sort()
      .flatMap((file) => this.byFile.get(file)!.filter((fn) => fn.name === name));
  }

  async pointInfo(file: string, offset: number, signal?: AbortSignal): Promise<PointInfo | null> {
    await this.options.step?.("pointInfo", signal);
    signal?.throwIfAborted();
    const fn = this.byFile.get(file)?.find((f) => f.start <= offset && offset < f.end);
    if (!fn) return null;
    let held: { lock: string; call: Call } | null = null;
    for (const call of fn.calls) {
      if (call.offset > offset) break;
      if (call.name === "spin_lock") held = { lock: call.args.replace(/^&/, ""), call };
      else if (call.name === "spin_unlock") held = null;
    }
    const call = fn.calls.find((c) => c.offset <= offset && offset <= c.end);
    const path = call ? this.pathOf(fn, call, new Set()) : null;
    const contexts: PointInfo["contexts"] = held
      ? [
          {
            kind: "spinlock",
            lock: held.lock,
            how: "spin_lock",
            site: { file, offset: held.call.offset, endOffset: held.call.end },
          },
        ]
      : [];
    const info: PointInfo = { function: fn.name, contexts };
    if (call) {
      const targets = this.targetsOf(call.name).map((t) => ({
        file: t.file,
        offset: t.start,
        endOffset: t.end,
      }));
      info.call = { name: call.name, targets, sleeps: path ? "may" : "never", paths: path ? [path] : [] };
    }
    return info;
  }

  functionAt(file: string, offset: number): { name: string; start: number; end: number } | null {
    const fn = this.byFile.get(file)?.find((f) => f.start <= offset && offset < f.end);
    return fn ? { name: fn.name, start: fn.start, end: fn.end } : null;
  }
}

/** A backend over texts in memory, or over anything that lists and reads files. */
export function fakeBackend(
  source: { list(): string[]; read(file: string): string | null },
  step?: FakeOptions["step"],
): TreeBackend & { engine: FakeEngine; overlays: Map<string, string> } {
  const overlays = new Map<string, string>();
  const read = (file: string): string | null => overlays.get(file) ?? source.read(file);
  return {
    engine: new FakeEngine({ read, step }),
    overlays,
    async listFiles() {
      return source.list();
    },
    setOverlay(file, text) {
      if (text === null) overlays.delete(file);
      else overlays.set(file, text);
    },
    read,
    async dispose() {},
  };
}
