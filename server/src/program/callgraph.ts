/** The call graph by names, from the outlines: too many edges rather than too few. It answers "who calls this name". */
import type { ImageReader, ImageWriter } from "./image.js";
import { PackedLists } from "./packedLists.js";
import type { Program, SourceFile } from "./program.js";

export class CallGraph {
  private offsets = new Int32Array(0);
  private callers = new Int32Array(0);
  private known = 0;
  /** The same in an engine that was restored. */
  private packed: PackedLists | null = null;

  constructor(
    private readonly program: Program,
    from: ImageReader | null = null,
  ) {
    if (from) {
      this.packed = from.lists("graph.callers", from.ints("graph.known")[0]);
      program.edited.clear();
    } else this.build();
  }

  /** Of a program that was not edited. */
  save(to: ImageWriter): void {
    to.put("graph.known", Int32Array.of(this.known));
    to.lists(
      "graph.callers",
      PackedLists.of(this.known, (name) => {
        let end = this.offsets[name + 1];
        while (end > this.offsets[name] && this.callers[end - 1] < 0) end--;
        return end > this.offsets[name] ? this.callers.subarray(this.offsets[name], end) : null;
      }),
    );
  }

  private build(): void {
    const { program } = this;
    this.known = program.names.count;
    program.edited.clear();
    const counts = new Int32Array(this.known + 1);
    let total = 0;
    for (const f of program.files) {
      if (!f) continue;
      for (const c of f.outline.calls) counts[c >> 1]++;
      total += f.outline.calls.length;
    }
    this.offsets = new Int32Array(this.known + 2);
    for (let i = 0; i < this.known; i++) this.offsets[i + 1] = this.offsets[i] + counts[i];
    this.offsets[this.known + 1] = this.offsets[this.known];
    this.callers = new Int32Array(total);
    const at = this.offsets.slice();
    for (const f of program.files) {
      if (!f) continue;
      for (let i = 0; i < f.fns.length; i++) {
        const fn = f.fns[i];
        for (const c of program.calls(fn)) this.callers[at[c >> 1]++] = fn;
      }
    }
    // Calls outside functions leave holes at the end of a name's list; they hold 0 and are harmless: marked -1.
    for (let n = 0; n < this.known; n++)
      for (let k = at[n]; k < this.offsets[n + 1]; k++) this.callers[k] = -1;
  }

  /** Functions that call this name, plainly or through a member of this name. */
  callersOf(name: number, each: (fn: number) => void): void {
    const { program } = this;
    const tell = (fn: number): void => {
      if (fn >= 0 && program.alive(fn) && !program.edited.has(program.fnFile(fn).index)) each(fn);
    };
    if (this.packed) for (const fn of this.packed.get(name) ?? []) tell(fn);
    else if (name < this.known)
      for (let k = this.offsets[name]; k < this.offsets[name + 1]; k++) tell(this.callers[k]);
    // Files edited since the index was made have an index each.
    for (const i of program.edited) {
      const f = program.files[i];
      if (f) for (const fn of this.editedIndex(f).get(name) ?? []) each(fn);
    }
  }

  private readonly editedFiles = new Map<number, { file: SourceFile; callers: Map<number, number[]> }>();

  /** Name → functions of this file that call it, as the file is now. */
  private editedIndex(file: SourceFile): Map<number, number[]> {
    const known = this.editedFiles.get(file.index);
    if (known?.file === file) return known.callers;
    const callers = new Map<number, number[]>();
    for (const fn of file.fns) {
      for (const c of this.program.calls(fn)) {
        const list = callers.get(c >> 1);
        if (!list) callers.set(c >> 1, [fn]);
        else if (list[list.length - 1] !== fn) list.push(fn);
      }
    }
    this.editedFiles.set(file.index, { file, callers });
    return callers;
  }
}
