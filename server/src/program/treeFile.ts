/** A file of the program; in an engine that was restored, its outline is read when somebody looks at it. */
import type { FileOutline } from "../facts/outline.js";
import { archOf, isHeader } from "./places.js";

export interface SourceFile {
  readonly path: string;
  readonly index: number;
  /** Name columns hold numbers of `Program.names`; `names` is emptied. */
  readonly outline: FileOutline;
  /** Function number of each function record. */
  readonly fns: Int32Array;
  readonly arch: string | null;
  readonly header: boolean;
}

export class TreeFile implements SourceFile {
  readonly arch: string | null;
  readonly header: boolean;
  private known: FileOutline | null;

  constructor(
    readonly path: string,
    readonly index: number,
    /** Its functions are those in this range. */
    private readonly numbers: Int32Array,
    private readonly from: number,
    private readonly to: number,
    outline: FileOutline | null,
    private readonly load: (path: string) => FileOutline,
  ) {
    this.known = outline;
    this.arch = archOf(path);
    this.header = isHeader(path);
  }

  get fns(): Int32Array {
    this.own ??= this.numbers.subarray(this.from, this.to);
    return this.own;
  }
  private own: Int32Array | null = null;

  get outline(): FileOutline {
    this.known ??= this.load(this.path);
    return this.known;
  }
}
