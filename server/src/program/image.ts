/**
 * The parts of an image: what an engine knows, as named arrays that another run can take up where this one ended. Pure
 * data; the host puts them on disk.
 */
import { ByteReader, ByteWriter, PackedLists } from "./packedLists.js";

export type Section = Int32Array | Uint8Array;

/** Not what this version writes, or not whole. */
export class BadImage extends Error {}

export class ImageWriter {
  readonly sections = new Map<string, Section>();

  put(name: string, array: Section): void {
    if (this.sections.has(name)) throw new Error(`image: ${name} twice`);
    this.sections.set(name, array);
  }

  lists(name: string, lists: PackedLists): void {
    // Where lists begin is given by how long each is: small numbers in place of large ones.
    const lengths = new ByteWriter();
    for (let i = 0; i < lists.count; i++) lengths.uint(lists.offsets[i + 1] - lists.offsets[i]);
    this.put(`${name}.lengths`, lengths.take());
    this.put(`${name}.lists`, lists.bytes);
  }

  json(name: string, value: unknown): void {
    this.put(name, new TextEncoder().encode(JSON.stringify(value)));
  }
}

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

  lists(name: string, count: number): PackedLists {
    const lengths = new ByteReader(this.bytes(`${name}.lengths`));
    const offsets = new Int32Array(count + 1);
    for (let i = 0; i < count; i++) offsets[i + 1] = offsets[i] + lengths.uint();
    const bytes = this.bytes(`${name}.lists`);
    if (offsets[count] !== bytes.length) throw new BadImage(`${name} is damaged`);
    return new PackedLists(offsets, bytes);
  }

  json<T>(name: string): T {
    return JSON.parse(new TextDecoder().decode(this.bytes(name))) as T;
  }
}
