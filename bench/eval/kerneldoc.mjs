// Kernel-doc against derived summaries: what functions say of their context, compared with what their sources do. Only the
// primitives that every reader knows to sleep are taken from the tables; everything else has to follow from the code.
import { createEngine, loadKernelTables } from "./dist.mjs";

/** Groups of the tables that are axioms: locks, waits, delays, allocations, user copies. */
const AXIOMS = new Set([
  "axioms",
  "wait",
  "locks-sleeping",
  "sleep-delay",
  "slab",
  "page-alloc",
  "vmalloc",
  "uaccess",
]);

export const DOC_MAY_SLEEP = 1 << 12;
export const DOC_ANY_CONTEXT = 1 << 13;

/** The tables with axioms as the only sleepers. */
export function axiomTables(version) {
  const tables = loadKernelTables(version);
  const sleepers = new Map([...tables.sleepers].filter(([, s]) => s.boundary && AXIOMS.has(s.group)));
  return Object.assign(Object.create(Object.getPrototypeOf(tables)), tables, { sleepers });
}

export function axiomEngine(version, facts) {
  return createEngine({ tables: axiomTables(version), facts, version });
}

/** Shares of the two measures, and the functions that contradict their kernel-doc. */
export async function kernelDoc(engine) {
  const verdicts = await engine.sleepVerdicts(DOC_MAY_SLEEP | DOC_ANY_CONTEXT);
  const any = { of: 0, sleeps: 0, unknown: 0, wrong: [] };
  const may = { of: 0, sleeps: 0, unknown: 0, wrong: [] };
  for (const v of verdicts) {
    if (v.sleeps === "unknown") {
      (v.flags & DOC_ANY_CONTEXT ? any : may).unknown++;
      continue;
    }
    if (v.flags & DOC_ANY_CONTEXT) {
      any.of++;
      if (v.sleeps === "always") {
        any.sleeps++;
        any.wrong.push(v);
      }
    }
    if (v.flags & DOC_MAY_SLEEP) {
      may.of++;
      if (v.sleeps === "never") may.wrong.push(v);
      else may.sleeps++;
    }
  }
  return { any, may };
}

/** One line about a verdict that contradicts the kernel-doc. */
export function describe(v) {
  const chain = v.path ? ` ${v.path.chain.map((s) => s.function).join(" > ")} > ${v.path.sleep.call}` : "";
  return `${v.file}: ${v.function}()${chain}`;
}
