/** Who uses a lock, as text for people. */
import pc from "picocolors";
import type { Access, CriticalSection, LockUsers, RelyingFunction, Touches } from "../findings/lockUsers.js";
import type { Site } from "../findings/types.js";
import type { TreePositions } from "./positions.js";

/** Names written out of one list; the rest is counted. */
const NAMES_SHOWN = 12;
const CALLS_SHOWN = 12;
const SITES_SHOWN = 4;

export function renderLockUsers(
  users: LockUsers,
  positions: TreePositions,
  { colors }: { colors: boolean },
): string {
  const c = pc.createColors(colors);
  const lines: string[] = [];
  const line = (s: Site): number => positions.of(s.file).line(s.offset);
  const place = (s: Site): string => `${s.file}:${line(s)}`;
  const count = (n: number, word: string): string => `${n} ${n === 1 ? word : `${word}s`}`;
  const sections = users.functions.reduce((n, f) => n + f.sections.length, 0);
  const { lock } = users;
  const what = lock.type === "" ? "" : ` (${lock.type}, declared in ${lock.file})`;
  lines.push(`${c.bold(lock.cls)}${what}`);
  lines.push(
    `${count(sections, "critical section")} in ${count(users.functions.length, "function")}; ` +
      `${count(users.relying.length, "function")} ${users.relying.length === 1 ? "relies" : "rely"} on it being held`,
  );

  const list = (label: string, accesses: readonly Access[], most: number, call = ""): void => {
    if (accesses.length === 0) return;
    const shown = accesses.slice(0, most).map((a) => `${a.name}${call}`);
    const left = accesses.length - shown.length;
    lines.push(`        ${c.dim(label.padEnd(6))} ${shown.join(", ")}${left > 0 ? ` and ${left} more` : ""}`);
  };
  const touches = (t: Touches): void => {
    list("writes", t.writes, NAMES_SHOWN);
    list("reads", t.reads, NAMES_SHOWN);
    list("calls", t.calls, CALLS_SHOWN, "()");
  };
  const section = (s: CriticalSection): void => {
    const through =
      s.through.length > 0 ? c.dim(` (taken in ${s.through.map((t) => `${t.function}()`).join(", ")})`) : "";
    const ends =
      s.releases.length === 0
        ? "returns with it"
        : `released in ${s.releases.length === 1 ? "line" : "lines"} ${s.releases.map((r) => line(r.site)).join(", ")}${s.leaks ? ", or returns with it" : ""}`;
    const expression = s.lock === "" ? "" : ` ${s.lock}`;
    lines.push(`    ${place(s.acquire)}  ${c.cyan(`${s.how}`)}${expression}${through}, ${ends}`);
    if (s.under.length > 0) lines.push(`        ${c.dim("under ")} ${s.under.join(", ")}`);
    touches(s);
  };
  for (const f of users.functions) {
    lines.push("", `${place(f.function.site)}: ${c.bold(`${f.function.name}()`)}`);
    for (const s of f.sections) section(s);
  }

  if (users.relying.length > 0) lines.push("", c.bold("Rely on it being held"));
  for (const r of users.relying) {
    lines.push(
      `  ${place(r.function.site)}: ${c.bold(`${r.function.name}()`)}${r.drops ? ", gives it up on the way" : ""}`,
    );
    lines.push(`        ${c.dim("why   ")} ${why(r, place)}`);
    touches(r);
  }
  if (users.alsoCalled.length > 0) {
    lines.push("", c.bold("Called with it held, and from elsewhere too"));
    const names = users.alsoCalled.map((a) => `${a.function}()`);
    for (let i = 0; i < Math.min(names.length, 48); i += 6)
      lines.push(`  ${names.slice(i, i + 6).join(", ")}`);
    if (names.length > 48) lines.push(`  and ${names.length - 48} more`);
  }
  if (users.unread.length > 0)
    lines.push("", `Could not be read: ${users.unread.map((u) => `${u.file}:${u.name}()`).join(", ")}`);
  return `${lines.join("\n")}\n`;
}

function why(r: RelyingFunction, place: (s: Site) => string): string {
  if (r.why === "assertion") return `it asserts it in ${place(r.sites[0])}`;
  if (r.why === "annotation") return "it is annotated so";
  const shown = r.sites.slice(0, SITES_SHOWN).map((s) => `${s.function}() ${place(s)}`);
  const left = r.sites.length - shown.length;
  const said = `${shown.join(", ")}${left > 0 ? ` and ${left} more` : ""}`;
  return r.sites.length > 0 && r.drops && r.sites[0].function === r.function.name
    ? "it releases the lock of its caller"
    : `every call that was seen: ${said}`;
}
