/**
 * Flow facts asked for and kept: one request a file, in path order, so that workers read each file once a round. They are
 * kept in pages of integers, names as numbers of the program: the facts of a kernel are some hundred thousand functions.
 */
import { Flow, type FlowFacts, type FlowNames } from "../facts/flow.js";
import { packHeads } from "../facts/heads.js";
import type { FactsPort, FlowRequest } from "../facts/ports.js";
import type { ImageReader, ImageWriter } from "../program/image.js";
import type { Names } from "../program/names.js";
import { PackedLists } from "../program/packedLists.js";
import type { Program } from "../program/program.js";

/** Integers of a page. */
const PAGE = 1 << 20;
/**
 * A function's entry in its page: length of its code times two, and one when its integers take 16 bits each; number of its
 * names; the names; the code.
 */
const ENTRY_HEAD = 2;
const NARROW = 1;

const wordsOf = (length: number, narrow: number): number => (narrow ? (length + 1) >> 1 : length);

/** NARROW when every integer fits 16 bits. */
function isNarrow(code: Int32Array): number {
  for (let i = 0; i < code.length; i++) if ((code[i] << 16) >> 16 !== code[i]) return 0;
  return NARROW;
}

/** Of a function that was asked for and has no facts. */
const NO_FACTS = -1;

/** Numbers of the names of some functions of one file: they share most of them. */
class NumbersOf {
  private readonly known = new Map<string, number>();
  private readonly tables = new Map<FlowNames, Int32Array>();

  constructor(private readonly names: Names) {}

  of(name: string): number {
    let id = this.known.get(name);
    if (id === undefined) {
      id = this.names.id(name);
      this.known.set(name, id);
    }
    return id;
  }

  at(table: FlowNames, index: number): number {
    let ids = this.tables.get(table);
    if (!ids) {
      ids = new Int32Array(table.ends.length).fill(-1);
      this.tables.set(table, ids);
    }
    if (ids[index] < 0) ids[index] = this.names.idOf(table.bytes, table.ends[index], table.ends[index + 1]);
    return ids[index];
  }
}

export class FlowStore {
  private pages: Int32Array[] = [];
  /** Integers used of the last page. */
  private used = PAGE;
  /** Where a function's entry is: page * PAGE + index in the page, or NO_FACTS. */
  private readonly places = new Map<number, number>();
  private live = 0;
  private dead = 0;

  /** Of an image: name → functions whose facts held it, as far as these are not known anew or gone since. */
  private readonly mentions: PackedLists | null = null;
  private readonly outdated = new Set<number>();
  /** Functions of an image whose facts hold parse errors. */
  private readonly damaged: ReadonlySet<number>;

  constructor(
    private readonly program: Program,
    private readonly facts: FactsPort,
    from: ImageReader | null = null,
  ) {
    this.damaged = new Set(from?.ints("flows.damaged"));
    if (from) this.mentions = from.lists("flows.mentions", from.ints("flows.names")[0]);
  }

  /** Which functions mention which names: the facts themselves can be had again. */
  save(to: ImageWriter): void {
    const { program, places } = this;
    const fns = Int32Array.from(places.keys()).sort();
    const damaged: number[] = [];
    const starts = new Int32Array(program.names.count + 1);
    const eachName = (fn: number, each: (name: number) => void): void => {
      const place = places.get(fn)!;
      if (place === NO_FACTS) return;
      const page = this.pages[Math.floor(place / PAGE)];
      const first = (place % PAGE) + ENTRY_HEAD;
      for (let i = first + page[first - 1] - 1; i >= first; i--) each(page[i]);
    };
    for (const fn of fns) {
      eachName(fn, (name) => starts[name + 1]++);
      if ((this.get(fn)?.flags ?? 0) & 1) damaged.push(fn);
    }
    for (let name = 0; name < program.names.count; name++) starts[name + 1] += starts[name];
    const ends = starts.slice();
    const lists = new Int32Array(starts[program.names.count]);
    for (const fn of fns)
      eachName(fn, (name) => {
        lists[ends[name]++] = fn;
      });
    to.put("flows.damaged", Int32Array.from(damaged));
    to.put("flows.names", Int32Array.of(program.names.count));
    to.lists(
      "flows.mentions",
      PackedLists.of(program.names.count, (name) =>
        ends[name] > starts[name] ? lists.subarray(starts[name], ends[name]) : null,
      ),
    );
  }

  /** How many of these functions have facts with parse errors. */
  damagedAmong(has: (fn: number) => boolean): number {
    let n = 0;
    for (const fn of this.damaged) if (!this.outdated.has(fn) && !this.places.has(fn) && has(fn)) n++;
    for (const fn of this.places.keys()) if (this.isDamaged(fn) && has(fn)) n++;
    return n;
  }

  private isDamaged(fn: number): boolean {
    return ((this.get(fn)?.flags ?? 0) & 1) !== 0;
  }

  /** Whether they were fetched. */
  has(fn: number): boolean {
    return this.places.has(fn);
  }

  /** Facts of a function; null where there is no body that could be read, undefined when not fetched. */
  get(fn: number): Flow | null | undefined {
    const place = this.places.get(fn);
    if (place === undefined) return undefined;
    if (place === NO_FACTS) return null;
    const page = this.pages[Math.floor(place / PAGE)];
    const at = (place % PAGE) + ENTRY_HEAD;
    const names = at + page[at - 1];
    const length = page[at - 2] >> 1;
    const code =
      page[at - 2] & NARROW
        ? new Int16Array(page.buffer, names * Int32Array.BYTES_PER_ELEMENT, length)
        : page.subarray(names, names + length);
    return new Flow(code, page.subarray(at, names), this.program.names);
  }

  /** Functions whose facts hold one of these names, whatever they do with it. */
  mentioning(names: ReadonlySet<number>): number[] {
    if (names.size === 0) return [];
    const found: number[] = [];
    if (this.mentions)
      for (const name of names)
        for (const fn of this.mentions.get(name) ?? [])
          if (!this.outdated.has(fn) && !this.places.has(fn)) found.push(fn);
    for (const [fn, place] of this.places) {
      if (place === NO_FACTS) continue;
      const page = this.pages[Math.floor(place / PAGE)];
      const first = (place % PAGE) + ENTRY_HEAD;
      for (let i = first + page[first - 1] - 1; i >= first; i--) {
        if (!names.has(page[i])) continue;
        found.push(fn);
        break;
      }
    }
    return found;
  }

  drop(fn: number): void {
    if (this.mentions) this.outdated.add(fn);
    const place = this.places.get(fn);
    if (place === undefined) return;
    this.places.delete(fn);
    if (place === NO_FACTS) return;
    const size = this.sizeAt(place);
    this.dead += size;
    this.live -= size;
    // Long editing leaves holes.
    if (this.dead > PAGE && this.dead > this.live) this.compact();
  }

  /** Gets what is not there yet. Rejects with an AbortError when the signal fires. */
  async fetch(fns: Iterable<number>, signal?: AbortSignal): Promise<void> {
    const byFile = new Map<number, number[]>();
    const wanted: number[] = [];
    for (const fn of fns) {
      if (this.places.has(fn)) continue;
      wanted.push(fn);
      const f = this.program.fnFile(fn);
      const list = byFile.get(f.index);
      if (list) list.push(fn);
      else byFile.set(f.index, [fn]);
    }
    const requests: FlowRequest[] = [];
    const order = new Map<string, number>();
    for (const index of [...byFile.keys()].sort((a, b) => a - b)) {
      const list = byFile.get(index)!.sort((a, b) => a - b);
      const file = this.program.files[index]!.path;
      order.set(file, requests.length);
      requests.push({
        file,
        fns: list.map((fn) => this.program.fnIndex(fn)),
        heads: (fns) => packHeads(fns.map((i) => this.program.head(this.program.files[index]!, i))),
      });
    }
    if (requests.length === 0) return;
    // Kept in the order of the requests, whatever that of their arrival: numbers of names do not depend on the workers.
    const early = new Map<number, { indices: readonly number[]; facts: (FlowFacts | null)[] }>();
    let next = 0;
    await this.facts.flows(
      requests,
      (path, indices, facts) => {
        early.set(order.get(path)!, { indices, facts });
        for (let got = early.get(next); got; got = early.get(next)) {
          early.delete(next);
          this.keep(requests[next++].file, got.indices, got.facts);
        }
      },
      signal,
      true,
    );
    for (const [i, { indices, facts }] of [...early].sort(([a], [b]) => a - b))
      this.keep(requests[i].file, indices, facts);
    for (const fn of wanted) if (!this.places.has(fn)) this.places.set(fn, NO_FACTS);
  }

  private keep(path: string, indices: readonly number[], facts: readonly (FlowFacts | null)[]): void {
    const file = this.program.file(path);
    if (!file) return;
    const numbers = new NumbersOf(this.program.names);
    indices.forEach((i, k) => {
      this.drop(file.fns[i]);
      const f = facts[k];
      this.places.set(file.fns[i], f ? this.put(f, numbers) : NO_FACTS);
    });
  }

  private put({ code, names, packed }: FlowFacts, numbers: NumbersOf): number {
    const count = packed ? packed.indices.length : names.length;
    const narrow = isNarrow(code);
    const [page, at, place] = this.room(ENTRY_HEAD + count + wordsOf(code.length, narrow));
    page[at] = code.length * 2 + narrow;
    page[at + 1] = count;
    const namesAt = at + ENTRY_HEAD;
    for (let i = 0; i < count; i++)
      page[namesAt + i] = packed ? numbers.at(packed.table, packed.indices[i]) : numbers.of(names[i]);
    const codeAt = namesAt + count;
    if (narrow) new Int16Array(page.buffer, codeAt * Int32Array.BYTES_PER_ELEMENT, code.length).set(code);
    else page.set(code, codeAt);
    return place;
  }

  /** Room for so many integers: the page, the index in it, and the place. */
  private room(size: number): [Int32Array, number, number] {
    if (this.used + size > PAGE) {
      // What is longer than a page has one of its own.
      this.pages.push(new Int32Array(Math.max(PAGE, size)));
      this.used = 0;
    }
    const at = this.used;
    this.used += size;
    this.live += size;
    const last = this.pages.length - 1;
    return [this.pages[last], at, last * PAGE + at];
  }

  private sizeAt(place: number): number {
    const page = this.pages[Math.floor(place / PAGE)];
    const at = place % PAGE;
    return ENTRY_HEAD + page[at + 1] + wordsOf(page[at] >> 1, page[at] & NARROW);
  }

  private compact(): void {
    const old = this.pages;
    const sizes = new Map<number, number>();
    for (const [fn, place] of this.places) if (place !== NO_FACTS) sizes.set(fn, this.sizeAt(place));
    this.pages = [];
    this.used = PAGE;
    this.live = 0;
    this.dead = 0;
    for (const [fn, size] of sizes) {
      const from = this.places.get(fn)!;
      const at = from % PAGE;
      const [page, to, place] = this.room(size);
      page.set(old[Math.floor(from / PAGE)].subarray(at, at + size), to);
      this.places.set(fn, place);
    }
  }
}
