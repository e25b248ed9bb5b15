/**
 * The parts of an image: what an engine knows, as named arrays that another run can take up where this one ended. Pure
 * data; the host puts them on disk.
 */
import { PackedLists } from "./packedLists.js";

export type Section = Int32Array | Uint8Array;

/** Not what this version writes, or not whole. */
export class BadImage extends Error {}

/** Takes the sections of an image one by one; what it is given is not kept by whoever gives it. */
export type SectionSink = (name: string, section: Section) => void;

export class ImageWriter {
  private readonly names = new Set<string>();

  constructor(private readonly sink: SectionSink) {}

  put(name: string, array: Section): void {
    if (this.names.has(name)) throw new Error(`image: ${name} twice`);
    this.names.add(name);
    this.sink(name, array);
  }

  lists(name: string, { parts }: PackedLists): void {
    this.put(`${name}.present`, parts.present);
    this.put(`${name}.lengths`, parts.lengths);
    this.put(`${name}.lists`, parts.bytes);
  }

  json(name: string, value: unknown): void {
    this.put(name, new TextEncoder().encode(JSON.stringify(value)));
  }

  /** Plain data with arrays of numbers in it, each of which is a section of its own. */
  plain(name: string, value: object): void {
    const strip = (path: string, v: unknown): unknown => {
      if (v instanceof Int32Array || v instanceof Uint8Array) {
        this.put(path, v);
        return { [SECTION]: path };
      }
      if (v === null || typeof v !== "object" || Array.isArray(v)) return v;
      return Object.fromEntries(Object.entries(v).map(([key, x]) => [key, strip(`${path}.${key}`, x)]));
    };
    this.json(name, strip(name, value));
  }
}

/** Marks the place of an array in plain data. */
const SECTION = "$section";

export class ImageReader {
  constructor(private readonly sections: { get(name: string): Section | undefined }) {}

  ints(name: string): Int32Array {
    const s = this.sections.get(name);
    if (!(s instanceof Int32Array)) throw new BadImage(`no ${name}`);
    return s;
  }

  bytes(name: string): Uint8Array {
    const s = this.sections.get(name);
    if (!(s instanceof Uint8Array)) throw new BadImage(`no ${name}`);
    return s;
  }

  /** Read when somebody asks for a list. */
  lists(name: string, count: number): PackedLists {
    return new PackedLists(count, () => {
      const present = this.ints(`${name}.present`);
      if (present.length !== (count + 31) >> 5) throw new BadImage(`${name} is damaged`);
      return { present, lengths: this.bytes(`${name}.lengths`), bytes: this.bytes(`${name}.lists`) };
    });
  }

  json<T>(name: string): T {
    return JSON.parse(new TextDecoder().decode(this.bytes(name))) as T;
  }

  /** What `plain` wrote; arrays under the names in `later` are functions that give them. */
  plain<T>(name: string, later: ReadonlySet<string> = new Set()): T {
    const get = (section: string): Section => {
      const s = this.sections.get(section);
      if (!s) throw new BadImage(`no ${section}`);
      return s;
    };
    const fill = (v: unknown, key: string): unknown => {
      if (v === null || typeof v !== "object" || Array.isArray(v)) return v;
      const section = (v as { [SECTION]?: string })[SECTION];
      if (section !== undefined) return later.has(key) ? () => get(section) : get(section);
      return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, fill(x, k)]));
    };
    return fill(this.json(name), "") as T;
  }
}
