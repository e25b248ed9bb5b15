/** What lockctx made of a text, for us and for bug reports: outline, flow facts, summaries, resolved calls. */
import type { DumpKind } from "../engine.js";
import { E } from "../facts/expr.js";
import { CallFlag, type Flow, FlowFlag, I } from "../facts/flow.js";
import {
  COND_STRIDE,
  Cond,
  Fn,
  FnFlag,
  INIT_STRIDE,
  Init,
  REG_STRIDE,
  Reg,
  STRUCT_STRIDE,
  Struct,
  TYPED_STRIDE,
  Typed,
  TypeFlag,
} from "../facts/outline.js";
import type { Dump, DumpLine } from "../findings/explain.js";
import type { Site } from "../findings/types.js";
import { contextWords } from "../findings/words.js";
import { Ctx } from "../kernel/types.js";
import type { SourceFile } from "../program/program.js";
import { hasBody } from "./callees.js";
import type { Demand } from "./demand.js";
import { explainedPath, functionRef } from "./explain.js";
import type { Reporter } from "./report.js";
import { heldContext, type LockRef } from "./summary.js";
import { sharedWording, termText, type Wording } from "./termText.js";
import { holdings } from "./trace.js";

export async function dump(
  demand: Demand,
  reporter: Reporter,
  kind: DumpKind,
  file: SourceFile,
  fns: readonly number[],
  title: string,
): Promise<Dump> {
  const { program } = demand.solver;
  const sites = fns.map((fn) => functionRef(program, fn));
  const site: Site = sites[0]?.site ?? { file: file.path, offset: 0, endOffset: 1 };
  const lines: DumpLine[] = [];
  const data: unknown[] = [];
  if (kind === "outline") {
    const whole = sites.length !== 1;
    const outline = outlineOf(demand, file, whole ? null : fns[0]);
    return { title, site, ...outline };
  }
  const withBody = fns.filter((fn) => hasBody(program, fn));
  if (kind !== "facts") await demand.summarise(withBody);
  await demand.prepare(withBody);
  for (const fn of withBody) {
    const ref = functionRef(program, fn);
    lines.push({ depth: 0, site: ref.site, text: `${ref.name}()${ref.kind === "macro" ? " (macro)" : ""}` });
    const part =
      kind === "facts"
        ? factsOf(demand, fn)
        : kind === "summary"
          ? summaryOf(demand, reporter, fn)
          : callsOf(demand, reporter, fn);
    lines.push(...part.lines.map((l) => ({ ...l, depth: l.depth + 1 })));
    data.push({ function: ref.name, site: ref.site, ...part.data });
  }
  return { title, site, lines, data };
}

interface Part {
  lines: DumpLine[];
  data: Record<string, unknown>;
}

function flagNames(flags: number, names: Readonly<Record<string, number>>): string[] {
  return Object.entries(names)
    .filter(([, bit]) => flags & bit)
    .map(([name]) => name);
}

function outlineOf(
  demand: Demand,
  file: SourceFile,
  only: number | null,
): { lines: DumpLine[]; data: unknown } {
  const { program } = demand.solver;
  const o = file.outline;
  const text = (n: number): string => program.names.text(n);
  const at = (offset: number): Site => ({ file: file.path, offset, endOffset: offset + 1 });
  const lines: DumpLine[] = [];
  const typed = (a: Int32Array, q: number) => ({
    name: text(a[q + Typed.name]),
    type: text(a[q + Typed.type]),
    flags: flagNames(a[q + Typed.flags], TypeFlag),
  });
  const typedText = (t: ReturnType<typeof typed>): string =>
    [t.type || "?", t.name, ...(t.flags.length > 0 ? [`[${t.flags.join(" ")}]`] : [])].join(" ");
  const functions = [...file.fns]
    .filter((fn) => only === null || fn === only)
    .map((fn) => {
      const flags = program.fnFlags(fn);
      const first = program.fnColumn(fn, Fn.paramFirst);
      const params = Array.from({ length: program.fnColumn(fn, Fn.paramCount) }, (_, i) =>
        typed(o.params, (first + i) * TYPED_STRIDE),
      );
      const a0 = program.fnColumn(fn, Fn.annotFirst);
      const annotations = Array.from({ length: program.fnColumn(fn, Fn.annotCount) }, (_, i) => ({
        kind: ["", "acquires", "releases", "must_hold", "cond_acquires"][o.annots[(a0 + i) * 2]],
        lock: text(o.annots[(a0 + i) * 2 + 1]),
      }));
      const calls = [...program.calls(fn)].map((c) => `${c & 1 ? "->" : ""}${text(c >> 1)}`);
      const record = {
        name: program.fnText(fn),
        site: at(program.fnColumn(fn, Fn.nameStart)),
        start: program.fnColumn(fn, Fn.start),
        end: program.fnColumn(fn, Fn.end),
        flags: flagNames(flags, FnFlag),
        returns: text(program.fnColumn(fn, Fn.returnType)),
        params,
        annotations,
        calls,
      };
      lines.push({
        depth: 0,
        site: record.site,
        text: `${record.name}(${params.map(typedText).join(", ")})${record.flags.length > 0 ? ` [${record.flags.join(" ")}]` : ""}`,
      });
      for (const x of annotations) lines.push({ depth: 1, text: `${x.kind} ${x.lock}` });
      if (calls.length > 0) lines.push({ depth: 1, text: `calls ${calls.join(" ")}` });
      return record;
    });
  if (only !== null) return { lines, data: { file: file.path, functions } };
  const structs = records<{ name: string; alias?: string; fields?: ReturnType<typeof typed>[] }>(
    o.structs,
    STRUCT_STRIDE,
    (q) => ({
      name: text(o.structs[q + Struct.name]),
      ...(o.structs[q + Struct.kind] === 1
        ? { alias: text(o.structs[q + Struct.alias]) }
        : {
            fields: Array.from({ length: o.structs[q + Struct.fieldCount] }, (_, i) =>
              typed(o.fields, (o.structs[q + Struct.fieldFirst] + i) * TYPED_STRIDE),
            ),
          }),
    }),
  );
  for (const s of structs) {
    lines.push({
      depth: 0,
      text: s.alias === undefined ? `struct ${s.name}` : `typedef ${s.alias} ${s.name}`,
    });
    for (const f of s.fields ?? []) lines.push({ depth: 1, text: typedText(f) });
  }
  const globals = records(o.globals, TYPED_STRIDE, (q) => typed(o.globals, q));
  for (const g of globals) lines.push({ depth: 0, text: `variable ${typedText(g)}` });
  const inits = records(o.inits, INIT_STRIDE, (q) => ({
    type: text(o.inits[q + Init.type]),
    base: text(o.inits[q + Init.base]),
    outer: text(o.inits[q + Init.outer]),
    field: text(o.inits[q + Init.field]),
    value: text(o.inits[q + Init.value]),
    site: at(o.inits[q + Init.offset]),
  }));
  for (const i of inits)
    lines.push({
      depth: 0,
      site: i.site,
      text: `${i.type === "" ? "" : `struct ${i.type} `}${i.base}${i.outer}.${i.field} = ${i.value}`,
    });
  const registrations = records(o.regs, REG_STRIDE, (q) => ({
    name: text(o.regs[q + Reg.name]),
    site: at(o.regs[q + Reg.offset]),
    arguments: Array.from({ length: o.regs[q + Reg.argCount] }, (_, i) =>
      text(o.regArgs[o.regs[q + Reg.argFirst] + i]),
    ),
  }));
  for (const r of registrations)
    lines.push({ depth: 0, site: r.site, text: `registration ${r.name}(${r.arguments.join(", ")})` });
  const branches = records(o.conds, COND_STRIDE, (q) => ({
    condition: text(o.conds[q + Cond.text]),
    parent: o.conds[q + Cond.parent],
    start: o.conds[q + Cond.start],
    end: o.conds[q + Cond.end],
  }));
  for (const b of branches) lines.push({ depth: 0, site: at(b.start), text: `#if ${b.condition}` });
  const includes = [...o.includes].map(text);
  for (const i of includes)
    lines.push({ depth: 0, text: `#include ${i.startsWith('"') ? `${i}"` : `<${i}>`}` });
  for (const problem of o.problems) lines.push({ depth: 0, text: `problem: ${problem}` });
  return {
    lines,
    data: {
      file: file.path,
      bytes: o.size,
      functions,
      structs,
      globals,
      initialisers: inits,
      registrations,
      branches,
      includes,
      problems: o.problems,
    },
  };
}

function records<T>(a: Int32Array, stride: number, make: (q: number) => T): T[] {
  return Array.from({ length: a.length / stride }, (_, i) => make(i * stride));
}

/** The flow program as a listing, a line an instruction. */
function factsOf(demand: Demand, fn: number): Part {
  const { program } = demand.solver;
  const flow = demand.solver.flows.get(fn);
  if (!flow) return { lines: [{ depth: 0, text: "not read" }], data: { instructions: null } };
  const ref = functionRef(program, fn);
  const listing = instructionTexts(flow);
  const flags = flagNames(flow.flags, FlowFlag);
  const lines: DumpLine[] = [];
  if (flags.length > 0) lines.push({ depth: 0, text: `flags: ${flags.join(" ")}` });
  for (const i of listing) {
    const text = `${String(i.pc).padStart(4)}  ${i.text}`;
    lines.push(
      i.at < 0
        ? { depth: 0, text }
        : {
            depth: 0,
            site: { file: ref.file, offset: ref.start + i.at, endOffset: ref.start + i.at + 1 },
            text,
          },
    );
  }
  return { lines, data: { flags, instructions: listing } };
}

function instructionTexts(flow: Flow): { pc: number; at: number; text: string }[] {
  const callNames = new Map<number, string>();
  const w: Wording = {
    pool: flow.pool(),
    name: (i) => flow.text(i),
    param: (i) => `argument ${i + 1}`,
    call: (i) => `${callNames.get(i) ?? ""}#${i}`,
  };
  const c = flow.code;
  const out: { pc: number; at: number; text: string }[] = [];
  for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
    const q = flow.base + pc;
    if (c[q] === I.Call && w.pool.kind(c[q + 2]) === E.Var)
      callNames.set(c[q + 1], w.name(w.pool.a(c[q + 2])));
  }
  const show = (e: number): string => termText(w, e);
  const list = (q: number): string =>
    Array.from({ length: c[q + 6] }, (_, i) => show(c[q + 7 + i])).join(", ");
  for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
    const q = flow.base + pc;
    switch (c[q]) {
      case I.Call: {
        const flags = flagNames(c[q + 3], CallFlag);
        const tail = flags.length > 0 ? `  [${flags.join(" ")}]` : "";
        out.push({ pc, at: c[q + 4], text: `call #${c[q + 1]} ${show(c[q + 2])}(${list(q)})${tail}` });
        break;
      }
      case I.Assign:
        out.push({ pc, at: c[q + 3], text: `${show(c[q + 1])} = ${show(c[q + 2])}` });
        break;
      case I.Branch:
        out.push({
          pc,
          at: -1,
          text: `if ${c[q + 1] === 0 ? "either" : show(c[q + 1])} then ${c[q + 2]} else ${c[q + 3]}`,
        });
        break;
      case I.Jump:
        out.push({ pc, at: -1, text: `goto ${c[q + 1]}` });
        break;
      case I.Return:
        out.push({ pc, at: c[q + 2], text: c[q + 1] < 0 ? "return" : `return ${show(c[q + 1])}` });
        break;
      case I.Switch: {
        const cases = Array.from({ length: c[q + 2] }, (_, i) => {
          const value = c[q + 3 + 2 * i];
          return `${value === -1 ? "default" : show(value)}: ${c[q + 4 + 2 * i]}`;
        });
        out.push({ pc, at: -1, text: `switch ${show(c[q + 1])} { ${cases.join(", ")} }` });
        break;
      }
      case I.GuardEnter:
        out.push({ pc, at: c[q + 4], text: `guard #${c[q + 1]} ${w.name(c[q + 2])}(${list(q)})` });
        break;
      case I.GuardExit:
        out.push({ pc, at: -1, text: `end of guard #${c[q + 1]}` });
        break;
    }
  }
  return out;
}

function summaryOf(demand: Demand, reporter: Reporter, fn: number): Part {
  const { solver } = demand;
  const { program, shared } = solver;
  const w = sharedWording(program, shared, fn);
  const sum = solver.summaryOf(fn);
  const lines: DumpLine[] = [];
  const lock = (l: LockRef): { lock: string; class: string; kind: string; adds: string[] } => ({
    lock: l.term >= 0 ? termText(w, l.term) : l.last,
    class: l.cls,
    kind: l.kind,
    adds: flagNames(l.adds, Ctx),
  });
  const sleeps = sum.sleeps.map((e) => ({
    ...explainedPath(demand, reporter, e),
    ...(e.sink.viaParam >= 0 ? { calls: w.param(e.sink.viaParam) } : {}),
    gfp: e.gfp.map((g) => termText(w, g)),
    conditions: e.atoms.map((a) => `${termText(w, a.term)} is ${a.truth ? "not zero" : "zero"}`),
    notIn: flagNames(e.ctxNone, Ctx),
    dropped: e.dropped.map(lock),
  }));
  if (sum.noReturn) lines.push({ depth: 0, text: "does not return" });
  for (const s of sleeps) {
    const chain = [...s.chain.map((c) => c.function), s.sleep.call].join(" > ");
    lines.push({
      depth: 0,
      site: s.chain[0],
      text: s.calls
        ? `calls ${s.calls}, a function that it is given`
        : `may sleep: ${chain}: ${s.sleep.reason}`,
    });
    const conditions = [
      ...s.gfp.map((g) => `${g} allows blocking`),
      ...s.conditions,
      ...(s.condition ? [s.condition] : []),
    ];
    if (conditions.length > 0) lines.push({ depth: 1, text: `condition: ${conditions.join(", ")}` });
    if (s.notIn.length > 0) lines.push({ depth: 1, text: `not in ${s.notIn.join(", ")}` });
    for (const d of s.dropped) lines.push({ depth: 1, text: `after releasing ${d.lock || d.kind}` });
    if (s.reasons.length > 0) lines.push({ depth: 1, text: `${s.confidence}: ${s.reasons.join(", ")}` });
  }
  if (sum.more > 0) lines.push({ depth: 0, text: `and ${sum.more} more ways to sleep` });
  const effects = sum.effects.map((e) => ({
    result: e.ret,
    acquires: e.acquires.map((a) => ({ ...lock(a), how: a.how })),
    releases: e.releases.map(lock),
  }));
  for (const e of effects) {
    const when = e.result === "any" ? "returns" : `returns ${e.result}`;
    for (const a of e.acquires)
      lines.push({
        depth: 0,
        text: `${when} with ${a.lock || a.kind} held (${a.how}${a.class ? `, ${a.class}` : ""})`,
      });
    for (const r of e.releases)
      lines.push({ depth: 0, text: `${when} with ${r.lock || r.kind} of its caller released` });
  }
  if (lines.length === 0) lines.push({ depth: 0, text: "never sleeps and leaves its caller's locks alone" });
  return { lines, data: { noReturn: sum.noReturn, sleeps, moreSleeps: sum.more, effects } };
}

function callsOf(demand: Demand, reporter: Reporter, fn: number): Part {
  const { program } = demand.solver;
  const trace = demand.trace(fn);
  if (!trace) return { lines: [{ depth: 0, text: "not read" }], data: { calls: null } };
  const lines: DumpLine[] = [];
  const calls = trace.calls.map((c) => {
    const states = trace.states(c.pc);
    const under = [
      ...new Set(holdings(states).map((h) => contextWords(reporter.context(fn, heldContext(h.token))))),
    ];
    const targets = [...c.targets].map((t) => functionRef(program, t));
    const record = {
      callee: c.name,
      site: reporter.site(fn, c.at, c.at + c.name.length),
      via: c.via,
      targets: targets.map((t) => ({ function: t.name, site: t.site })),
      resolved: !c.unresolved,
      reached: states.length > 0,
      under,
      sleeps: c.sleeps.length > 0,
    };
    const notes = [
      ...(c.via === "call" ? [] : [c.via]),
      ...(c.unresolved ? ["unresolved"] : []),
      ...(record.reached ? [] : ["not reached"]),
      ...(record.sleeps ? ["may sleep"] : []),
      ...under.map((u) => `under ${u}`),
    ];
    lines.push({
      depth: 0,
      site: record.site,
      text: `${c.name}()${notes.length > 0 ? `: ${notes.join(", ")}` : ""}`,
    });
    for (const t of targets) lines.push({ depth: 1, site: t.site, text: `-> ${t.name}` });
    return record;
  });
  return { lines, data: { calls } };
}
