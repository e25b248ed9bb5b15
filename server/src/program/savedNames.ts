/**
 * The names of an image: found by their text and read by their number where they lie. Nothing is made of them beforehand
 * but landmarks, for there are two million of them and a check after an edit asks for some thousand.
 */
import { BadImage, type ImageReader, type ImageWriter } from "./image.js";
import { ByteWriter, sums } from "./packedLists.js";

/** Bytes of a number in the buckets. */
const WIDTH = 3;
const MOST = 2 ** (8 * WIDTH);

/** Writes names in the order of their numbers: `hash` is what they are found by, `isWide` of those that have no bytes. */
export function saveNames(
  to: ImageWriter,
  section: string,
  names: { bytes: Uint8Array; ends: Int32Array; hashes: Int32Array; wide: ReadonlyMap<string, number> },
): void {
  const { bytes, ends, hashes, wide } = names;
  const count = ends.length;
  if (count > MOST) throw new Error("more names than an image can hold");
  const lengths = new ByteWriter();
  for (let id = 0; id < count; id++) lengths.uint(ends[id] - (id === 0 ? 0 : ends[id - 1]));
  // About two names a bucket.
  let buckets = 1;
  while (buckets * 2 < count) buckets *= 2;
  const isWide = new Set(wide.values());
  const starts = new Int32Array(buckets + 1);
  for (let id = 0; id < count; id++) if (!isWide.has(id)) starts[(hashes[id] & (buckets - 1)) + 1]++;
  const sizes = new ByteWriter();
  for (let b = 0; b < buckets; b++) {
    sizes.uint(starts[b + 1]);
    starts[b + 1] += starts[b];
  }
  const members = new Uint8Array(starts[buckets] * WIDTH);
  for (let id = 0; id < count; id++) {
    if (isWide.has(id)) continue;
    const at = starts[hashes[id] & (buckets - 1)]++ * WIDTH;
    members[at] = id & 0xff;
    members[at + 1] = (id >> 8) & 0xff;
    members[at + 2] = id >> 16;
  }
  to.put(`${section}.count`, Int32Array.of(count, buckets));
  to.put(`${section}.bytes`, bytes);
  to.put(`${section}.lengths`, lengths.take());
  to.put(`${section}.sizes`, sizes.take());
  to.put(`${section}.members`, members);
  to.json(`${section}.wide`, [...wide]);
}

export class SavedNames {
  readonly count: number;
  private readonly buckets: number;
  private readonly bytes: Uint8Array;
  private readonly lengths: (n: number) => number;
  private readonly sizes: (n: number) => number;
  private readonly members: Uint8Array;
  private readonly wide: ReadonlyMap<string, number>;
  private readonly texts = new Map<number, string>();

  constructor(from: ImageReader, section: string) {
    [this.count, this.buckets] = from.ints(`${section}.count`);
    this.bytes = from.bytes(`${section}.bytes`);
    this.members = from.bytes(`${section}.members`);
    if ((this.buckets & (this.buckets - 1)) !== 0) throw new BadImage(`${section} is damaged`);
    this.lengths = sums(from.bytes(`${section}.lengths`), this.count);
    this.sizes = sums(from.bytes(`${section}.sizes`), this.buckets);
    this.wide = new Map(from.json<[string, number][]>(`${section}.wide`));
    for (const [text, id] of this.wide) this.texts.set(id, text);
  }

  /** The number of a name, -1 when it has none. */
  find(text: string, hash: number): number {
    const { members, sizes } = this;
    const bucket = hash & (this.buckets - 1);
    const end = sizes(bucket + 1) * WIDTH;
    for (let at = sizes(bucket) * WIDTH; at < end; at += WIDTH) {
      const id = members[at] | (members[at + 1] << 8) | (members[at + 2] << 16);
      if (this.isText(id, text)) return id;
    }
    return this.wide.size > 0 ? (this.wide.get(text) ?? -1) : -1;
  }

  text(id: number): string {
    let text = this.texts.get(id);
    if (text === undefined) {
      const from = this.lengths(id);
      const { buffer, byteOffset } = this.bytes;
      text = Buffer.from(buffer, byteOffset + from, this.lengths(id + 1) - from).toString("latin1");
      this.texts.set(id, text);
    }
    return text;
  }

  private isText(id: number, text: string): boolean {
    const from = this.lengths(id);
    if (this.lengths(id + 1) - from !== text.length) return false;
    const { bytes } = this;
    for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text.charCodeAt(i)) return false;
    return true;
  }
}
