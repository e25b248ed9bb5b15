/**
 * Which functions the fields of structs and the variables hold, and which of them hold a function: what all files install.
 * In an engine that was restored, lists are read when somebody asks for them.
 */
import { BadImage, type ImageReader, type ImageWriter } from "./image.js";
import { ListMap } from "./packedLists.js";

/** Above every number of a name: two of them fit a number that is exact. */
const NAMES = 2 ** 26;

/** What holds functions: the number of a field of a struct, or a name alone as a negative number. */
export type Holder = number;

/** A variable, or a field whose struct is not known. */
export const named = (name: number, variable: boolean): Holder => -1 - (name * 2 + (variable ? 1 : 0));

export class PointerTable {
  /** Fields of structs, in order; those of an image, and those that came since. */
  private readonly savedStructs: Int32Array;
  private readonly savedFields: Int32Array;
  private readonly pairs: number[] = [];
  private readonly numbers = new Map<number, Holder>();
  /** Functions of each field of a struct, as often as they are installed. */
  private readonly byField: ListMap;
  /** Functions of each name alone, each followed by the file that gives it. */
  private readonly assigned: ListMap;
  /** Name of a field or variable → functions, and back, whatever the struct. */
  private readonly held: ListMap;
  private readonly holders: ListMap;
  /** Function → fields of structs that hold it; made when first asked for. */
  private fieldsHolding: ListMap | null;

  constructor(from: ImageReader | null = null) {
    const [fields = 0, names = 0, fns = 0] = from?.ints("pointers.counts") ?? [];
    const lists = (name: string, count: number): ListMap =>
      new ListMap(from?.lists(`pointers.${name}`, count));
    this.byField = lists("byField", fields);
    this.assigned = lists("assigned", names * 2);
    this.held = lists("held", names);
    this.holders = lists("holders", fns);
    this.fieldsHolding = from && lists("fieldsHolding", fns);
    this.savedStructs = from?.ints("pointers.structs") ?? new Int32Array(0);
    this.savedFields = from?.ints("pointers.fields") ?? new Int32Array(0);
    if (this.savedStructs.length !== fields || this.savedFields.length !== fields)
      throw new BadImage("pointers.fields is damaged");
  }

  /** Answers the numbers that fields of structs have in the image. */
  save(to: ImageWriter, names: number, fns: number): (holder: Holder) => Holder {
    const known = [...this.byField.keys()].map((key) => ({
      key,
      struct: this.structOf(key),
      field: this.fieldOf(key),
    }));
    known.sort((a, b) => a.struct - b.struct || a.field - b.field);
    const place = new Map(known.map(({ key }, i) => [key, i]));
    const byField = new ListMap();
    known.forEach(({ key }, i) => {
      byField.set(i, this.byField.get(key)!);
    });
    const fieldsHolding = new ListMap();
    for (const [fn, keys] of this.holding().entries())
      fieldsHolding.set(
        fn,
        keys.map((key) => place.get(key)!),
      );
    to.put("pointers.counts", Int32Array.of(known.length, names, fns));
    to.put(
      "pointers.structs",
      Int32Array.from(known, ({ struct }) => struct),
    );
    to.put(
      "pointers.fields",
      Int32Array.from(known, ({ field }) => field),
    );
    to.lists("pointers.byField", byField.pack(known.length));
    to.lists("pointers.assigned", this.assigned.pack(names * 2));
    to.lists("pointers.held", this.held.pack(names));
    to.lists("pointers.holders", this.holders.pack(fns));
    to.lists("pointers.fieldsHolding", fieldsHolding.pack(fns));
    return (holder) => (holder < 0 ? holder : place.get(holder)!);
  }

  clear(): void {
    for (const lists of [this.byField, this.assigned, this.held, this.holders]) lists.clear();
    this.fieldsHolding = null;
  }

  // ---- fields of structs ------------------------------------------------------------------------------------------

  /** The number of a field of a struct, -1 when nothing was ever installed there. */
  private find(struct: number, field: number): Holder {
    const { savedStructs: structs, savedFields: fields } = this;
    let low = 0;
    for (let high = structs.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (structs[middle] < struct || (structs[middle] === struct && fields[middle] < field))
        low = middle + 1;
      else high = middle;
    }
    if (structs[low] === struct && fields[low] === field) return low;
    return this.numbers.get(struct * NAMES + field) ?? -1;
  }

  /** The number of a field of a struct, given to it now if it has none. */
  member(struct: number, field: number): Holder {
    const known = this.find(struct, field);
    if (known >= 0) return known;
    const pair = struct * NAMES + field;
    const number = this.savedFields.length + this.pairs.push(pair) - 1;
    this.numbers.set(pair, number);
    return number;
  }

  private structOf(member: Holder): number {
    const saved = this.savedStructs.length;
    return member < saved ? this.savedStructs[member] : Math.floor(this.pairs[member - saved] / NAMES);
  }

  private fieldOf(member: Holder): number {
    const saved = this.savedFields.length;
    return member < saved ? this.savedFields[member] : this.pairs[member - saved] % NAMES;
  }

  // ---- what is installed -------------------------------------------------------------------------------------------

  /** A function is installed by a file; it can be called by this name. */
  install(holder: Holder, name: number, fn: number, file: number): void {
    if (holder >= 0) {
      this.byField.push(holder, fn);
      this.fieldsHolding?.push(fn, holder);
    } else {
      this.assigned.push(-1 - holder, fn);
      this.assigned.push(-1 - holder, file);
    }
    this.held.push(name, fn);
    this.holders.push(fn, name);
  }

  remove(holder: Holder, name: number, fn: number, file: number): void {
    if (holder >= 0) {
      this.byField.drop(holder, fn);
      this.fieldsHolding?.drop(fn, holder);
    } else dropPair(this.assigned, -1 - holder, fn, file);
    this.held.drop(name, fn);
    this.holders.drop(fn, name);
  }

  inMember(member: Holder): readonly number[] {
    return this.byField.get(member) ?? [];
  }

  /** Functions that are installed in a field of a struct. */
  inField(struct: number, field: number): readonly number[] {
    const member = this.find(struct, field);
    return member < 0 ? [] : this.inMember(member);
  }

  /** Functions that are given to a name alone, and the files that give them. */
  given(name: number, variable: boolean): { fn: number; file: number }[] {
    return pairsOf(this.assigned.get(-1 - named(name, variable)) ?? []);
  }

  /** Functions that a field or variable of this name can hold, and names that can hold a function; some more than once. */
  heldBy(name: number): readonly number[] {
    return this.held.get(name) ?? [];
  }
  namesHolding(fn: number): readonly number[] {
    return this.holders.get(fn) ?? [];
  }
  functions(): Iterable<number> {
    return this.holders.keys();
  }
  byName(): IterableIterator<[number, readonly number[]]> {
    return this.held.entries();
  }

  /** Each field of a struct with its functions. */
  *members(): Iterable<{ field: number; fns: readonly number[] }> {
    for (const [member, fns] of this.byField.entries()) yield { field: this.fieldOf(member), fns };
  }

  /** Each name alone with the functions that are given to it. */
  *names(): Iterable<{ name: number; variable: boolean; given: { fn: number; file: number }[] }> {
    for (const [key, list] of this.assigned.entries())
      yield { name: key >> 1, variable: (key & 1) === 1, given: pairsOf(list) };
  }

  /** Fields of structs that hold a function. */
  membersHolding(fn: number): readonly Holder[] {
    return this.holding().get(fn) ?? [];
  }

  private holding(): ListMap {
    if (!this.fieldsHolding) {
      this.fieldsHolding = new ListMap();
      for (const [member, fns] of this.byField.entries())
        for (const fn of fns) this.fieldsHolding.push(fn, member);
    }
    return this.fieldsHolding;
  }
}

function pairsOf(list: readonly number[]): { fn: number; file: number }[] {
  const out: { fn: number; file: number }[] = [];
  for (let i = 0; i < list.length; i += 2) out.push({ fn: list[i], file: list[i + 1] });
  return out;
}

function dropPair(map: ListMap, key: number, fn: number, file: number): void {
  const list = map.get(key) ?? [];
  for (let i = 0; i < list.length; i += 2) {
    if (list[i] !== fn || list[i + 1] !== file) continue;
    list.splice(i, 2);
    if (list.length === 0) map.delete(key);
    return;
  }
}
