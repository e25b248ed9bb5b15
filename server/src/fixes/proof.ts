/**
 * Proves a fix before it is offered. The edits are applied to copies in memory, the changed functions are parsed again (no
 * new syntax error) and the result is analysed again: the finding must be gone on all paths (or suppressed, if that was the
 * fix), no finding of any rule and confidence may be new, and every changed function must leave its caller's locks as before
 * on every way out. What fails is dropped, or becomes a sketch that says what is missing.
 */
import { suppressionAt } from "../analysis/suppressions.js";
import type { Definition } from "../code.js";
import type { Engine } from "../engine.js";
import { calleeOf } from "../findings/fingerprint.js";
import type { Finding } from "../findings/types.js";
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
}

/** The alternatives for a finding: proved edits and sketches. Leaves the engine and the texts as they were. */
export async function offerFixes(
  finding: Finding,
  bench: Workbench,
  options: OfferOptions = {},
): Promise<Fix[]> {
  const own = await findingsIn(bench.engine, [finding.file], options.signal);
  const source = await createFixSource({ engine: bench.engine, read: bench.read, findings: own });
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
  const squeeze = (code: string): string => maskCode(code).replace(/\s+/g, " ");
  const isSame = text !== undefined && squeeze(text) === squeeze(source.read(finding.file) ?? "");
  if (isSame && suppressionAt(text, finding.offset + added, finding.rule) !== null) return null;
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

/** Why a fix is not proved; `asSketch`: the idea is still worth showing. */
interface Failure {
  why: string;
  asSketch: boolean;
}

class Prover {
  /** Files whose texts are not the user's now. */
  private readonly changed = new Set<string>();
  private readonly before = new Map<string, readonly Finding[]>();
  private readonly functionsBefore = new Map<string, ReadonlyMap<string, Definition>>();
  private readonly exitsBefore = new Map<string, string | null>();

  constructor(
    private readonly finding: Finding,
    private readonly bench: Workbench,
    private readonly source: FixSource,
    private readonly signal?: AbortSignal,
  ) {
    this.before.set(finding.file, source.findings);
  }

  /** Looks at everything that the proofs compare with while the texts are still the user's. */
  async prepare(fixes: readonly Fix[]): Promise<void> {
    const edits = fixes.flatMap((fix) => fix.edits).filter((e) => this.source.read(e.file) !== null);
    if (edits.length === 0) return;
    await this.learn([...new Set([this.finding.file, ...edits.map((e) => e.file)])]);
    for (const edit of edits) {
      const def = this.source.functionAt(edit.file, edit.offset);
      if (!def || def.kind === "macro" || this.exitsBefore.has(keyOf(def))) continue;
      this.exitsBefore.set(keyOf(def), await this.exitsOf(def));
    }
  }

  /** Null when the fix is proved. */
  async prove(fix: Fix, texts: ReadonlyMap<string, string>): Promise<Failure | null> {
    const files = [...new Set([this.finding.file, ...texts.keys()])];
    await this.learn(files);
    const unbalanced = [...texts].some(([file, text]) => !sameBrackets(this.source.read(file)!, text));
    if (unbalanced) return { why: "the brackets do not match any more", asSketch: false };
    await this.put(texts);
    const after = await findingsIn(this.bench.engine, files, this.signal);
    const before = files.flatMap((file) => this.before.get(file) ?? []);
    return this.compare(fix, before, after) ?? (await this.checkFunctions(fix, texts));
  }

  /** What there was before any edit, of files that were not looked at yet. */
  private async learn(files: readonly string[]): Promise<void> {
    const fresh = files.filter((file) => !this.before.has(file) || !this.functionsBefore.has(file));
    if (fresh.length === 0) return;
    await this.restore();
    const unknown = fresh.filter((file) => !this.before.has(file));
    if (unknown.length > 0) {
      const found = await findingsIn(this.bench.engine, unknown, this.signal);
      for (const file of unknown)
        this.before.set(
          file,
          found.filter((f) => f.file === file),
        );
    }
    for (const file of fresh) this.functionsBefore.set(file, byOrdinal(this.source.code.functionsIn(file)));
  }

  private async put(texts: ReadonlyMap<string, string>): Promise<void> {
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

  private compare(fix: Fix, before: readonly Finding[], after: readonly Finding[]): Failure | null {
    const had = countBySubject(before);
    const has = countBySubject(after);
    const own = subjectOf(this.finding);
    for (const [subject, list] of has) {
      if (list.length <= (had.get(subject)?.length ?? 0)) continue;
      const news = list[list.length - 1];
      // Less certain than what it repairs, at the same call: said, but no reason to keep the finding.
      if (news.confidence === "low" && this.finding.confidence !== "low" && fix.kind === "variant") {
        fix.warnings.push(`What remains is of low confidence: ${news.message}.`);
        continue;
      }
      return { why: `it makes a new finding: ${news.message}`, asSketch: subject !== own };
    }
    if (fix.kind === "annotate") return null;
    const left = has.get(own) ?? [];
    if (left.length < (had.get(own)?.length ?? 0)) return null;
    // Still there: on fewer ways than before, or as it was?
    const ways = (list: readonly Finding[]): number =>
      list.reduce((n, f) => n + f.paths.length + f.morePaths, 0);
    if (ways(left) >= ways(had.get(own) ?? [])) return { why: "the finding stays", asSketch: false };
    const rest = left
      .flatMap((f) => f.paths)
      .map((p) => [...p.chain.slice(1).map((s) => s.function), p.sleep.call].join(" → "));
    const shown = [...new Set(rest)].slice(0, 3).join("; ");
    return { why: `other ways to sleep remain: ${shown}`, asSketch: true };
  }

  private async checkFunctions(fix: Fix, texts: ReadonlyMap<string, string>): Promise<Failure | null> {
    const { engine } = this.bench;
    const now = await createFixSource({ engine, read: this.bench.read, findings: [] });
    const compared: { before: Definition; after: Definition; text: string }[] = [];
    for (const file of texts.keys()) {
      const old = this.functionsBefore.get(file)!;
      const oldText = this.source.read(file)!;
      const text = texts.get(file)!;
      const list = byOrdinal(engine.code.functionsIn(file));
      for (const [key, def] of list) {
        const was = old.get(key);
        const isSame = was && oldText.slice(was.start, was.end) === text.slice(def.start, def.end);
        if (isSame || def.kind === "macro") continue;
        const syntax = now.syntaxOf(def);
        const hadError = was ? (this.source.syntaxOf(was)?.hasError ?? true) : false;
        if ((!syntax || syntax.hasError) && !hadError)
          return { why: `${def.name}() does not parse any more`, asSketch: false };
        if (was) compared.push({ before: was, after: def, text });
      }
      for (const [key, was] of old)
        if (!list.has(key)) return { why: `${was.name}() would be gone`, asSketch: false };
    }
    if (fix.kind === "lock-type" || fix.kind === "suppress" || fix.kind === "annotate") return null;
    const after = new Map<string, string | null>();
    for (const { after: def } of compared) after.set(keyOf(def), await this.exitsOf(def));
    const unknown = compared.filter(({ before }) => !this.exitsBefore.has(keyOf(before)));
    if (unknown.length > 0) {
      await this.restore();
      for (const { before } of unknown) this.exitsBefore.set(keyOf(before), await this.exitsOf(before));
    }
    for (const { before, after: def } of compared) {
      const was = this.exitsBefore.get(keyOf(before));
      const is = after.get(keyOf(def));
      if (was !== is) return { why: `${def.name}() would not leave its locks as before`, asSketch: false };
    }
    return null;
  }

  private async exitsOf(def: Definition): Promise<string | null> {
    const locks = await this.bench.engine.locksOf(def.file, def.nameStart);
    return locks === null ? null : locks.exits.map((e) => e.locks).join(" | ");
  }
}

const keyOf = (def: Definition): string => `${def.file}:${def.name}`;

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

/** Whether an edit leaves the balance of each kind of bracket in the code as it was. */
function sameBrackets(before: string, after: string): boolean {
  const balance = (text: string): string => {
    const code = maskCode(text);
    const count = (c: string): number => code.split(c).length - 1;
    return [count("{") - count("}"), count("(") - count(")"), count("[") - count("]")].join();
  };
  return balance(before) === balance(after);
}
