/**
 * Proves a fix before it is offered. The edits are applied to copies in memory, the changed functions are parsed again (no
 * new syntax error) and the result is analysed again: the finding must be gone on all paths (or suppressed, if that was the
 * fix), no finding of any rule and confidence may be new, and every changed function must leave its caller's locks as before
 * on every way out. What fails is dropped, or becomes a sketch that says what is missing.
 *
 * What may change elsewhere in the tree, changes through what a changed function says to its callers. So it is the changed
 * functions and those on the finding's paths that are compared, and the callers of those that sleep in more cases than before.
 */
import { suppressionAt } from "../analysis/suppressions.js";
import type { Definition } from "../code.js";
import type { Engine, SleepWay } from "../engine.js";
import { calleeOf } from "../findings/fingerprint.js";
import type { Finding } from "../findings/types.js";
import { callersUp, maySleep, saysNoMore } from "./callers.js";
import { unifiedDiff } from "./diff.js";
import { maskCode } from "./mask.js";
import { applyFix } from "./overlay.js";
import { proposeFixes } from "./registry.js";
import { createFixSource } from "./source.js";
import type { Fix, FixSource } from "./types.js";

/** An engine, the texts that it reads, and a way to change these for the time of a question. */
export interface Workbench {
  engine: Engine;
  read(file: string): string | null;
  /** Puts a text in place of what is there; null: back to what was there before. */
  setText(file: string, text: string | null): void;
}

export interface OfferOptions {
  signal?: AbortSignal;
  /** Edits alone: sketches are not asked for. */
  editsOnly?: boolean;
  /** Asked for between two keystrokes: see `FixSource.quick`. */
  quick?: boolean;
}

/** The alternatives for a finding: proved edits and sketches. Leaves the engine and the texts as they were. */
export async function offerFixes(
  finding: Finding,
  bench: Workbench,
  options: OfferOptions = {},
): Promise<Fix[]> {
  const own = await findingsIn(bench.engine, [finding.file], options.signal);
  const source = await createFixSource({
    engine: bench.engine,
    read: bench.read,
    findings: own,
    quick: options.quick,
    signal: options.signal,
  });
  const proposals = await proposeFixes(finding, source);
  const prover = new Prover(finding, bench, source, options.signal);
  const out: Fix[] = [];
  try {
    await prover.prepare(
      proposals.filter((fix) => fix.applicability !== "sketch" && fix.kind !== "suppress"),
    );
    for (const fix of proposals) {
      options.signal?.throwIfAborted();
      if (fix.edits.length === 0 || fix.applicability === "sketch") {
        if (!options.editsOnly) out.push({ ...fix, applicability: "sketch" });
        continue;
      }
      const texts = applyFix(fix, source.read.bind(source));
      if (!texts) continue;
      const verdict =
        fix.kind === "suppress" ? silences(fix, finding, texts, source) : await prover.prove(fix, texts);
      if (verdict === null) out.push(fix);
      else if (verdict.asSketch && !options.editsOnly) out.push(asSketch(fix, verdict.why, source));
    }
  } finally {
    await prover.restore();
  }
  return withoutDoubles(out);
}

/** A comment changes no code: it is proved when it is one, and the finding looks for it where it stands now. */
function silences(
  fix: Fix,
  finding: Finding,
  texts: ReadonlyMap<string, string>,
  source: FixSource,
): Failure | null {
  const text = texts.get(finding.file);
  const added = fix.edits.reduce((n, e) => n + e.text.length - (e.endOffset - e.offset), 0);
  const isBlank = (code: string): boolean => maskCode(code).trim() === "";
  const isSame = fix.edits.every(
    (e) => isBlank(e.text) && isBlank(source.read(e.file)?.slice(e.offset, e.endOffset) ?? ""),
  );
  if (isSame && text !== undefined && suppressionAt(text, finding.offset + added, finding.rule) !== null)
    return null;
  return { why: "the comment would not be seen there", asSketch: false };
}

/** Of fixes that make the same edits the first is kept. */
function withoutDoubles(fixes: readonly Fix[]): Fix[] {
  const seen = new Set<string>();
  return fixes.filter((fix) => {
    if (fix.applicability === "sketch") return true;
    const key = JSON.stringify(fix.edits);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function asSketch(fix: Fix, why: string, source: FixSource): Fix {
  return {
    ...fix,
    applicability: "sketch",
    edits: [],
    sketch: unifiedDiff(fix.edits, (file) => source.read(file)),
    missing: [...(fix.missing ?? []), why],
  };
}

async function findingsIn(
  engine: Engine,
  files: readonly string[],
  signal?: AbortSignal,
): Promise<Finding[]> {
  return (await engine.check({ focus: new Set(files), inside: true, signal })).findings;
}

/** A changed function that may say more to its callers; its calls that differ: gone and fresh ones, and those of changed functions. */
interface Suspect {
  before: Definition;
  after: Definition;
  gone: readonly string[];
  fresh: readonly string[];
}

/** Why a fix is not proved; `asSketch`: the idea is still worth showing. */
interface Failure {
  why: string;
  asSketch: boolean;
}

class Prover {
  /** Files whose texts are not the user's now. */
  private readonly changed = new Set<string>();
  /** The user's functions by file and key. */
  private readonly functions = new Map<string, ReadonlyMap<string, Definition>>();
  /** What there was before any edit, by function. */
  private readonly before = new Map<string, FunctionState>();
  /** The finding's function, and those on its paths that assert a lock: what is found in them shows when the finding goes. */
  private readonly onPath: readonly Definition[];

  constructor(
    private readonly finding: Finding,
    private readonly bench: Workbench,
    private readonly source: FixSource,
    private readonly signal?: AbortSignal,
  ) {
    const on = new Map<string, Definition>();
    for (const place of [finding, ...finding.paths.flatMap((p) => p.chain)]) {
      const def = source.functionAt(place.file, place.offset);
      if (!def || on.has(keyOf(def))) continue;
      const asserts = ASSERTS.test(source.read(def.file)?.slice(def.start, def.end) ?? "");
      if (on.size === 0 || asserts) on.set(keyOf(def), def);
    }
    this.onPath = [...on.values()];
  }

  /** Looks at everything that the proofs compare with while the texts are still the user's. */
  async prepare(fixes: readonly Fix[]): Promise<void> {
    const edits = fixes.flatMap((fix) => fix.edits).filter((e) => this.source.read(e.file) !== null);
    if (edits.length === 0) return;
    const touched = edits.map((e) => this.source.functionAt(e.file, e.offset)).filter((d) => d !== null);
    await this.learn([...this.onPath, ...touched]);
  }

  /** Null when the fix is proved. */
  async prove(fix: Fix, texts: ReadonlyMap<string, string>): Promise<Failure | null> {
    if (!keepsBrackets(fix, (file) => this.source.read(file)))
      return { why: "the brackets do not match any more", asSketch: false };
    await this.put(texts);
    const edit = await this.changedFunctions(texts);
    if ("why" in edit) return edit;
    const known = edit.pairs.map((p) => p.before).filter((d) => d !== null);
    if (known.some((d) => !this.before.has(keyOf(d)))) {
      await this.learn(known);
      await this.put(texts);
    }
    return (
      (await this.checkLocks(fix, edit.pairs)) ??
      (await this.compareFindings(fix, edit.pairs, texts)) ??
      (await this.checkCallers(fix, edit.pairs, texts))
    );
  }

  // ---- before ---------------------------------------------------------------------------------------------------

  /** What is found in functions, and what they say to their callers, before any edit. */
  private async learn(defs: readonly Definition[]): Promise<void> {
    const fresh = new Map(
      defs.filter((d) => d.kind === "function" && !this.before.has(keyOf(d))).map((d) => [keyOf(d), d]),
    );
    if (fresh.size === 0) return;
    await this.restore();
    const found = await this.findingsOf([...fresh.values()]);
    for (const [key, def] of fresh) {
      const findings = found.filter((f) => f.file === def.file && isIn(f, def));
      this.before.set(key, { findings, exits: await this.exitsOf(def) });
    }
  }

  private functionsOf(file: string): ReadonlyMap<string, Definition> {
    let list = this.functions.get(file);
    if (!list) {
      list = byOrdinal(this.source.code.functionsIn(file));
      this.functions.set(file, list);
    }
    return list;
  }

  // ---- texts ----------------------------------------------------------------------------------------------------

  private async put(texts: ReadonlyMap<string, string>): Promise<void> {
    // The engine numbers the user's functions before their text changes.
    for (const file of texts.keys()) if (!this.changed.has(file)) this.functionsOf(file);
    const touched = new Set([...this.changed, ...texts.keys()]);
    for (const file of touched) {
      const text = texts.get(file);
      this.bench.setText(file, text ?? null);
      if (text === undefined) this.changed.delete(file);
      else this.changed.add(file);
    }
    await this.bench.engine.update([...touched]);
  }

  async restore(): Promise<void> {
    if (this.changed.size > 0) await this.put(new Map());
  }

  // ---- after ----------------------------------------------------------------------------------------------------

  /** The functions that the edit changes or adds: parsed without a new error, none gone. */
  private async changedFunctions(texts: ReadonlyMap<string, string>): Promise<{ pairs: Pair[] } | Failure> {
    const { engine, read } = this.bench;
    const now = await createFixSource({ engine, read, findings: [] });
    const pairs: Pair[] = [];
    for (const [file, text] of texts) {
      const old = this.functionsOf(file);
      const oldText = this.source.read(file)!;
      const list = byOrdinal(engine.code.functionsIn(file));
      for (const [key, def] of list) {
        const was = old.get(key);
        const isSame = was && oldText.slice(was.start, was.end) === text.slice(def.start, def.end);
        if (isSame || def.kind === "macro") continue;
        const syntax = now.syntaxOf(def);
        const hadError = was ? (this.source.syntaxOf(was)?.hasError ?? true) : false;
        if ((!syntax || syntax.hasError) && !hadError)
          return { why: `${def.name}() does not parse any more`, asSketch: false };
        pairs.push({ before: was ?? null, after: def });
      }
      for (const [key, was] of old)
        if (!list.has(key)) return { why: `${was.name}() would be gone`, asSketch: false };
    }
    return { pairs };
  }

  private async checkLocks(fix: Fix, pairs: readonly Pair[]): Promise<Failure | null> {
    if (fix.kind === "lock-type" || fix.kind === "annotate") return null;
    for (const { before, after } of pairs) {
      if (!before) continue;
      const is = await this.exitsOf(after);
      if (this.before.get(keyOf(before))?.exits !== is)
        return { why: `${after.name}() would not leave its locks as before`, asSketch: false };
    }
    return null;
  }

  /** Findings in the functions that changed and on the way to the sleep. */
  private async compareFindings(
    fix: Fix,
    pairs: readonly Pair[],
    texts: ReadonlyMap<string, string>,
  ): Promise<Failure | null> {
    const changed = new Set(pairs.map((p) => p.before && keyOf(p.before)));
    const others = this.onPath.filter((d) => d.kind === "function" && !changed.has(keyOf(d)));
    const named = others.map((def) => ({
      file: def.file,
      name: [...this.functionsOf(def.file)].find(([, d]) => d.start === def.start)?.[0] ?? "",
    }));
    const now = [...pairs.map((p) => p.after), ...this.again(named)];
    const had = [...pairs.map((p) => p.before), ...others].flatMap((d) =>
      d ? (this.before.get(keyOf(d))?.findings ?? []) : [],
    );
    const failure = this.compare(fix, had, await this.findingsOf(now));
    if (fix.kind !== "lock-type" && !(failure?.news && isAsserted(failure.news))) return failure;
    // Who else comes to these functions decides whether it is new; and every user of a lock may find it otherwise.
    const files = [...new Set([this.finding.file, ...texts.keys()])];
    const after = await findingsIn(this.bench.engine, files, this.signal);
    await this.restore();
    const before = await findingsIn(this.bench.engine, files, this.signal);
    await this.put(texts);
    return this.compare(fix, before, after);
  }

  /**
   * Functions that sleep in more cases than before, or more surely: who calls them must not be atomic. The others say
   * nothing to their callers that they did not say before.
   */
  private async checkCallers(
    fix: Fix,
    pairs: readonly Pair[],
    texts: ReadonlyMap<string, string>,
  ): Promise<Failure | null> {
    const suspects: Suspect[] = [];
    for (const pair of pairs) {
      const suspect = pair.before && (await this.suspect(fix, pair.before, pair.after, pairs));
      if (suspect) suspects.push(suspect);
    }
    if (suspects.length === 0) return null;
    const changed = new Set(pairs.map((p) => keyOf(p.after)));
    const few = this.source.quick ? QUICK_CALLERS : FEW_CALLERS;
    const most = fix.kind === "annotate" ? few : MOST_CALLERS;
    const callers = callersUp(
      suspects.map((p) => p.after),
      this.bench.engine.code,
      most,
    );
    if (!callers) {
      const grown = await this.sleepsMore(fix, suspects, texts);
      if (!grown) return null;
      return { why: `${grown.name}() may sleep in more cases, and has many callers`, asSketch: true };
    }
    const others = callers.filter((d) => !changed.has(keyOf(d)));
    const after = await this.findingsOf(others);
    if (!after.some((f) => f.suppressed === null)) return null;
    const named = this.named(others);
    await this.restore();
    const before = await this.findingsOf(this.again(named));
    await this.put(texts);
    const news = newFinding(before, after);
    return news && { why: `it makes a new finding: ${news.message}`, asSketch: true };
  }

  /**
   * A changed function whose callers may meet a sleep that they did not meet before: it calls something new that may sleep,
   * or calls earlier what it called on some of its ways.
   */
  private async suspect(
    fix: Fix,
    before: Definition,
    after: Definition,
    pairs: readonly Pair[],
  ): Promise<Suspect | null> {
    if (fix.kind === "hoist") return { before, after, gone: [], fresh: [] };
    const { engine, read } = this.bench;
    const now = await createFixSource({ engine, read, findings: [] });
    const namesIn = (source: FixSource, def: Definition): Set<string> =>
      new Set(
        source
          .syntaxOf(def)
          ?.calls()
          .map((c) => c.name),
      );
    const [had, has] = [namesIn(this.source, before), namesIn(now, after)];
    const edited = new Set(pairs.map((p) => p.after.name));
    const gone = [...had].filter((name) => !has.has(name) || edited.has(name));
    const fresh = [...has].filter((name) => !had.has(name) || edited.has(name));
    for (const name of fresh)
      if (!had.has(name) && (await maySleep(name, after.file, engine, this.signal)))
        return { before, after, gone, fresh };
    return null;
  }

  /** One of these functions that sleeps for its callers in a case in which it did not before; null for none. */
  private async sleepsMore(
    fix: Fix,
    suspects: readonly Suspect[],
    texts: ReadonlyMap<string, string>,
  ): Promise<Definition | null> {
    // All that a function calls can be most of the kernel: what it calls as before it need not be asked about, as a rule.
    if (fix.kind !== "hoist" && !(await this.firstGrown(suspects, texts, "the calls that differ")))
      return null;
    return this.firstGrown(suspects, texts, "all calls");
  }

  private async firstGrown(
    suspects: readonly Suspect[],
    texts: ReadonlyMap<string, string>,
    by: "the calls that differ" | "all calls",
  ): Promise<Definition | null> {
    const ways = (def: Definition, calls: readonly string[]): Promise<readonly SleepWay[] | null> =>
      this.bench.engine.waysToSleep(def.file, def.nameStart, {
        through: by === "all calls" ? undefined : calls,
        signal: this.signal,
      });
    const now: (readonly SleepWay[] | null)[] = [];
    for (const { after, fresh } of suspects) now.push(await ways(after, fresh));
    await this.restore();
    const was: (readonly SleepWay[] | null)[] = [];
    for (const { before, gone } of suspects) was.push(await ways(before, gone));
    await this.put(texts);
    return suspects.find((_, i) => !saysNoMore(was[i], now[i]))?.after ?? null;
  }

  /** How functions of the texts as they are now are found again after an edit elsewhere. */
  private named(defs: readonly Definition[]): { file: string; name: string }[] {
    return defs.map((def) => {
      const list = byOrdinal(this.bench.engine.code.functionsIn(def.file));
      const name = [...list].find(([, d]) => d.start === def.start)?.[0] ?? "";
      return { file: def.file, name };
    });
  }

  private again(named: readonly { file: string; name: string }[]): Definition[] {
    return named
      .map(({ file, name }) => byOrdinal(this.bench.engine.code.functionsIn(file)).get(name))
      .filter((d) => d !== undefined);
  }

  private async findingsOf(defs: readonly Definition[]): Promise<Finding[]> {
    const within = defs.map((d) => ({ file: d.file, offset: d.nameStart }));
    const focus = new Set(defs.map((d) => d.file));
    if (focus.size === 0) return [];
    return (await this.bench.engine.check({ focus, inside: true, within, signal: this.signal })).findings;
  }

  private compare(
    fix: Fix,
    before: readonly Finding[],
    after: readonly Finding[],
  ): (Failure & { news?: Finding }) | null {
    const news = newFinding(before, after);
    const own = subjectOf(this.finding);
    if (news) {
      // Less certain than what it repairs, at the same call: said, but no reason to keep the finding.
      const tolerated =
        news.confidence === "low" && this.finding.confidence !== "low" && fix.kind === "variant";
      if (!tolerated)
        return { why: `it makes a new finding: ${news.message}`, asSketch: subjectOf(news) !== own, news };
      fix.warnings.push(`What remains is of low confidence: ${news.message}.`);
    }
    if (fix.kind === "annotate") return null;
    const had = countBySubject(before).get(own) ?? [];
    const left = countBySubject(after).get(own) ?? [];
    if (left.length < had.length) return null;
    // Still there: on fewer ways than before, or as it was?
    const ways = (list: readonly Finding[]): number =>
      list.reduce((n, f) => n + f.paths.length + f.morePaths, 0);
    if (ways(left) >= ways(had)) return { why: "the finding stays", asSketch: false };
    const rest = left
      .flatMap((f) => f.paths)
      .map((p) => [...p.chain.slice(1).map((s) => s.function), p.sleep.call].join(" → "));
    const shown = [...new Set(rest)].slice(0, 3).join("; ");
    return { why: `other ways to sleep remain: ${shown}`, asSketch: true };
  }

  private async exitsOf(def: Definition): Promise<string | null> {
    const locks = await this.bench.engine.locksOf(def.file, def.nameStart, this.signal);
    return locks === null ? null : locks.exits.map((e) => e.locks).join(" | ");
  }
}

/** What is known of a function before any edit. */
interface FunctionState {
  findings: readonly Finding[];
  exits: string | null;
}

/** Callers, up some levels, that are looked at: more is no answer between two keystrokes. */
const MOST_CALLERS = 40;
/** Of a function that is only annotated. */
const FEW_CALLERS = 8;
/** The same between two keystrokes. */
const QUICK_CALLERS = 2;

/** A function that an edit changes, or (null before) adds. */
interface Pair {
  before: Definition | null;
  after: Definition;
}

const ASSERTS = /assert|__must_hold|__releases|might_sleep/;
/** Of functions of one text. */
const keyOf = (def: Definition): string => `${def.file}:${def.start}`;
const isIn = (f: Finding, def: Definition): boolean => def.start <= f.offset && f.offset < def.end;
const isAsserted = (f: Finding): boolean =>
  f.reasons.includes("assertion") || f.reasons.includes("annotation");

function byOrdinal(list: readonly Definition[]): ReadonlyMap<string, Definition> {
  const seen = new Map<string, number>();
  return new Map(
    list.map((def) => {
      const n = seen.get(def.name) ?? 0;
      seen.set(def.name, n + 1);
      return [`${def.name}#${n}`, def];
    }),
  );
}

/** A finding that there was not before, by what it is about; null for none. */
function newFinding(before: readonly Finding[], after: readonly Finding[]): Finding | null {
  const had = countBySubject(before);
  for (const [subject, list] of countBySubject(after))
    if (list.length > (had.get(subject)?.length ?? 0)) return list[list.length - 1];
  return null;
}

/** What a finding is about, without its ordinal: of equal ones the number counts, so that a shift makes none new. */
function subjectOf(f: Finding): string {
  return [f.rule, f.file, f.function, f.context.kind, f.context.lockClass ?? "", calleeOf(f)].join("\0");
}

function countBySubject(findings: readonly Finding[]): Map<string, Finding[]> {
  const out = new Map<string, Finding[]>();
  for (const f of findings) {
    if (f.suppressed !== null) continue;
    const list = out.get(subjectOf(f));
    if (list) list.push(f);
    else out.set(subjectOf(f), [f]);
  }
  return out;
}

/** Whether edits leave the balance of each kind of bracket in the code as it was. */
function keepsBrackets(fix: Fix, read: (file: string) => string | null): boolean {
  const sum = [0, 0, 0];
  const count = (text: string, sign: number): void => {
    const code = maskCode(text);
    ["{}", "()", "[]"].forEach(([open, close], i) => {
      sum[i] += sign * (code.split(open).length - code.split(close).length);
    });
  };
  for (const edit of fix.edits) {
    count(edit.text, 1);
    count(read(edit.file)?.slice(edit.offset, edit.endOffset) ?? "", -1);
  }
  return sum.every((n) => n === 0);
}
