/** An editor that types at random, but the same for the same seed: edits, undos, closes, reopenings. */
import { TextPositions, toBytes } from "../../src/lsp/positions.js";

/** mulberry32 */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** What people type: whole statements, halves of them, signs that end or open something, text beyond ASCII. */
const SNIPPETS = [
  "\tspin_lock(&sb_lock);\n",
  "\tspin_unlock(&sb_lock);\n",
  "\tmutex_lock(&lrus_mutex);\n",
  "\tmsleep(1);\n",
  "\tif (x)\n\t\treturn;\n",
  "static void fuzz(void)\n{\n\tspin_lock(&l);\n\tkmalloc(1, GFP_KERNEL);\n\tspin_unlock(&l);\n}\n",
  "#define FUZZ(x) do { mutex_lock(x); } while (0)\n",
  "#if 0\n",
  "#else\n",
  "#endif\n",
  "/* é€😀 */",
  "/*",
  "*/",
  '"',
  "{",
  "}",
  "(",
  ");",
  "a",
  " ",
  "\n",
  "\r\n",
  "ü",
  // Names that come to mean something, and their uses: aliases, wrappers, pointers, functions handed on, cycles.
  "#define FUZZ_GFP GFP_KERNEL\n",
  "#define FUZZ_GFP GFP_ATOMIC\n",
  "\tkmalloc(1, FUZZ_GFP);\n",
  "#define fuzz_alias fuzz_sleep\n",
  "#define fuzz_alias fuzz_nap\n",
  "\tfuzz_alias(1);\n",
  "void fuzz_sleep(int x)\n{\n\tmsleep(x);\n}\n",
  "void fuzz_nap(int x)\n{\n\tfuzz_sleep(x);\n}\n",
  "\tfuzz_nap(1);\n",
  "void fuzz_lock(void)\n{\n\tspin_lock(&sb_lock);\n}\n",
  "void fuzz_unlock(void)\n{\n\tspin_unlock(&sb_lock);\n}\n",
  "\tfuzz_lock();\n",
  "\tfuzz_unlock();\n",
  "void fuzz_hand(void (*f)(int))\n{\n\tf(1);\n}\n",
  "\tfuzz_hand(fuzz_sleep);\n",
  "\tfuzz_hand(fuzz_nap);\n",
  "struct fuzz_ops {\n\tvoid (*go)(int);\n};\nstruct fuzz_ops *fuzz_ops;\n",
  "struct fuzz_ops fuzz_table = { .go = fuzz_sleep };\n",
  "struct fuzz_ops fuzz_other = { .go = fuzz_nap };\n",
  "\tfuzz_ops->go(1);\n",
  "void fuzz_a(int x)\n{\n\tif (x)\n\t\tfuzz_b(x - 1);\n}\n",
  "void fuzz_b(int x)\n{\n\tfuzz_nap(x);\n\tfuzz_a(x);\n}\n",
  "\tfuzz_a(1);\n",
  "\ttimer_setup(&t, fuzz_tick, 0);\n",
  "void fuzz_tick(struct timer_list *t)\n{\n\tfuzz_nap(1);\n}\n",
  "\t/* lockctx-ignore sleep-in-atomic: fuzz */\n",
];

/** What the fuzzer drives: a server, or an engine under it. */
export interface Editor {
  open(file: string, text: string): void;
  change(file: string, contentChanges: { range?: unknown; text: string }[]): void;
  close(file: string): void;
}

/** Whole statements: a text stays one that parses when such a line is put behind another. */
const STATEMENTS = [
  "\tspin_lock(&sb_lock);",
  "\tspin_unlock(&sb_lock);",
  "\tmutex_lock(&lrus_mutex);",
  "\tmsleep(1);",
  "\tmsleep(1); /* é€😀 */",
  "\tif (msleep_interruptible(2))\n\t\treturn;",
  "\tkmalloc(1, FUZZ_GFP);",
  "\tfuzz_alias(1);",
  "\tfuzz_lock();",
  "\tfuzz_hand(fuzz_sleep);",
  "\tfuzz_ops->go(1);",
  "\tfuzz_a(1);",
];

/** Definitions for between two functions. */
const DEFINITIONS = SNIPPETS.filter((text) => /^(void|struct|#define) (fuzz|FUZZ_)/.test(text));

interface OpenFile {
  text: string;
  undo: string[];
}

export class Fuzzer {
  readonly open = new Map<string, OpenFile>();
  private readonly random: (below: number) => number;

  constructor(
    private readonly server: Editor,
    /** Texts as they are on disk. */
    private readonly files: ReadonlyMap<string, string>,
    seed: number,
  ) {
    this.random = randomFrom(seed);
  }

  private pick<T>(list: readonly T[]): T {
    return list[this.random(list.length)]!;
  }

  /** One act of the user. */
  act(): void {
    const what = this.random(100);
    const closed = [...this.files.keys()].filter((file) => !this.open.has(file));
    if (this.open.size === 0 || (what < 6 && closed.length > 0)) {
      const file = this.pick(closed);
      this.open.set(file, { text: this.files.get(file)!, undo: [] });
      this.server.open(file, this.files.get(file)!);
      return;
    }
    const file = this.pick([...this.open.keys()]);
    const state = this.open.get(file)!;
    if (what < 10) {
      this.server.close(file);
      this.open.delete(file);
    } else if (what < 40 && state.undo.length > 0) {
      this.replaceBy(file, state, state.undo.pop()!);
    } else {
      state.undo.push(state.text);
      if (state.undo.length > 40) state.undo.shift();
      this.edit(file, state, 1 + this.random(3));
    }
  }

  /** Brings every open file into a state that parses: its text on disk with some statements and definitions more or less. */
  mend(): void {
    for (const [file, state] of this.open) {
      const lines = this.files.get(file)!.split("\n");
      for (let edits = this.random(12); edits > 0; edits--) {
        const at = this.random(lines.length);
        if (lines[at] === "}") lines[at] = `}\n${this.pick(DEFINITIONS).trimEnd()}`;
        if (!/^\t.*;$/.test(lines[at]!)) continue;
        if (this.random(3) === 0) lines.splice(at, 1);
        else lines.splice(at + 1, 0, this.pick(STATEMENTS));
      }
      state.undo.push(state.text);
      this.replaceBy(file, state, lines.join("\n"));
    }
  }

  private edit(file: string, state: OpenFile, count: number): void {
    const changes: { range?: unknown; text: string }[] = [];
    for (let i = 0; i < count; i++) {
      const { from, to, text } = this.randomChange(state.text);
      changes.push({ range: rangeOf(state.text, from, to), text });
      state.text = state.text.slice(0, from) + text + state.text.slice(to);
    }
    this.server.change(file, changes);
  }

  private randomChange(text: string): { from: number; to: number; text: string } {
    const at = onBoundary(text, this.random(text.length + 1));
    const line = text.lastIndexOf("\n", at - 1) + 1;
    const nextLine = text.indexOf("\n", at) === -1 ? text.length : text.indexOf("\n", at) + 1;
    switch (this.random(6)) {
      case 0: // delete a few signs
        return { from: at, to: onBoundary(text, Math.min(text.length, at + 1 + this.random(8))), text: "" };
      case 1: // delete a line
        return { from: line, to: nextLine, text: "" };
      case 2: // say a line twice
        return { from: line, to: line, text: text.slice(line, nextLine) };
      case 3: // type somewhere
        return { from: at, to: at, text: this.pick(SNIPPETS) };
      default: // type on a line of its own
        return { from: line, to: line, text: this.pick(SNIPPETS) };
    }
  }

  /** Undo as editors send it: what differs is replaced. */
  private replaceBy(file: string, state: OpenFile, text: string): void {
    let from = 0;
    while (from < text.length && text[from] === state.text[from]) from++;
    from = onBoundary(text, from);
    let tail = 0;
    const most = Math.min(text.length, state.text.length) - from;
    while (tail < most && text[text.length - 1 - tail] === state.text[state.text.length - 1 - tail]) tail++;
    while (tail > 0 && /[\udc00-\udfff]/.test(text[text.length - tail]!)) tail--;
    const range = rangeOf(state.text, from, state.text.length - tail);
    this.server.change(file, [{ range, text: text.slice(from, text.length - tail) }]);
    state.text = text;
  }
}

/** Not between the halves of a surrogate pair, nor between CR and LF, where no position points to. */
function onBoundary(text: string, at: number): number {
  if (/[\udc00-\udfff]/.test(text[at] ?? "")) return at - 1;
  return text[at] === "\n" && text[at - 1] === "\r" ? at - 1 : at;
}

function rangeOf(text: string, from: number, to: number): unknown {
  const positions = new TextPositions(toBytes(text), "utf-16");
  const offset = (units: number): number => Buffer.byteLength(text.slice(0, units));
  return positions.rangeOf(offset(from), offset(to));
}
