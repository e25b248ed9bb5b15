/**
 * The image of a tree on disk: what the engine knew after the last check of the whole tree, with the contents of the files
 * that it was made of. One file a tree, replaced by rename. Parts are read and checked when somebody asks for them.
 */
import { closeSync, fstatSync, openSync, readSync, renameSync, unlinkSync, writeSync } from "node:fs";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { EngineImage } from "../../engine.js";
import { BadImage, type SectionSink } from "../../program/image.js";
import { HashList } from "./contents.js";
import { checksum, type Hash, hexOf } from "./hash.js";

const MAGIC = "lockctx image 1\n";
/** So much of a part tells whether it is worth deflating. */
const SAMPLE = 1 << 16;
const WORTH_IT = 0.75;

interface Part {
  ints: boolean;
  packed: boolean;
  offset: number;
  length: number;
  /** Length when it is not deflated. */
  raw: number;
  check: number;
}

interface Head {
  stamp: string;
  /** Bytes of the paths, then of the hashes. */
  paths: number;
  files: number;
  check: number;
  parts: Record<string, Part>;
}

export interface StoredImage extends EngineImage {
  /** Contents of the files of the tree. */
  readonly contents: HashList;
  close(): void;
}

/**
 * Writes the image that `save` gives, whole or not at all, and none of more bytes than given; whether there is one now.
 * Throws what the file system throws.
 */
export function writeImage(
  path: string,
  stamp: Hash,
  contents: ReadonlyMap<string, Hash>,
  save: (put: SectionSink) => boolean,
  mostBytes: number,
): boolean {
  const temporary = `${path}.${process.pid}.part`;
  const fd = openSync(temporary, "w", 0o600);
  let at = 0;
  const write = (bytes: Uint8Array): void => {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
    at += bytes.length;
  };
  try {
    const parts: Record<string, Part> = {};
    const files = Buffer.concat([
      Buffer.from([...contents.keys()].join("\0"), "utf8"),
      Buffer.from([...contents.values()].join(""), "latin1"),
    ]);
    // Parts first: only then is it known where they lie.
    write(Buffer.alloc(MAGIC.length + 8));
    const saved = save((name, section) => {
      const raw = new Uint8Array(section.buffer, section.byteOffset, section.byteLength);
      // From the middle: beginnings are unlike the rest.
      const middle = Math.max(0, (raw.length - SAMPLE) >> 1);
      const sample = raw.subarray(middle, middle + SAMPLE);
      const packed =
        raw.length > 4096 && deflateRawSync(sample, { level: 1 }).length < sample.length * WORTH_IT;
      const bytes = packed ? deflateRawSync(raw, { level: 1 }) : raw;
      parts[name] = {
        ints: section instanceof Int32Array,
        packed,
        offset: at,
        length: bytes.length,
        raw: raw.length,
        check: checksum(bytes),
      };
      write(bytes);
    });
    const head = Buffer.from(
      JSON.stringify({
        stamp: hexOf(stamp),
        paths: files.length - contents.size * 16,
        files: contents.size,
        check: checksum(files),
        parts,
      } satisfies Head),
    );
    const start = Buffer.alloc(MAGIC.length + 8);
    start.write(MAGIC, "latin1");
    start.writeUInt32LE(head.length, MAGIC.length);
    start.writeInt32LE(checksum(head), MAGIC.length + 4);
    const headAt = Buffer.alloc(8);
    headAt.writeDoubleLE(at);
    write(head);
    write(files);
    write(headAt);
    writeSync(fd, start, 0, start.length, 0);
    closeSync(fd);
    const kept = saved && at <= mostBytes;
    if (kept) renameSync(temporary, path);
    else unlinkSync(temporary);
    return kept;
  } catch (error) {
    try {
      closeSync(fd);
    } catch {
      // Closed already.
    }
    try {
      unlinkSync(temporary);
    } catch {
      // Renamed already.
    }
    throw error;
  }
}

/**
 * Opens an image; null when there is none of this stamp. Throws BadImage when it is damaged; damage that is found later is
 * also told to `damaged`.
 */
export function openImage(path: string, stamp: Hash, damaged: (error: BadImage) => void): StoredImage | null {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    const read = (offset: number, length: number): Buffer<ArrayBuffer> => {
      const into = Buffer.from(new ArrayBuffer(length));
      for (let done = 0; done < length; ) {
        const n = readSync(fd, into, done, length - done, offset + done);
        if (n === 0) throw new BadImage("truncated");
        done += n;
      }
      return into;
    };
    const startLength = MAGIC.length + 8;
    if (size < startLength + 8) throw new BadImage("truncated");
    const start = read(0, startLength);
    if (start.toString("latin1", 0, MAGIC.length) !== MAGIC) throw new BadImage("not an image");
    const headLength = start.readUInt32LE(MAGIC.length);
    const headAt = read(size - 8, 8).readDoubleLE();
    if (!(headAt >= startLength && headAt + headLength + 8 <= size)) throw new BadImage("truncated");
    const headBytes = read(headAt, headLength);
    if (checksum(headBytes) !== start.readInt32LE(MAGIC.length + 4)) throw new BadImage("damaged");
    const head = JSON.parse(headBytes.toString("utf8")) as Head;
    if (head.stamp !== hexOf(stamp)) {
      closeSync(fd);
      return null;
    }
    const files = read(headAt + headLength, head.paths + head.files * 16);
    if (checksum(files) !== head.check) throw new BadImage("damaged");
    const hashes = files.toString("latin1", head.paths);
    const paths = head.files === 0 ? [] : files.toString("utf8", 0, head.paths).split("\0");
    const contents = new HashList(paths, hashes);
    return {
      contents,
      get(name) {
        const part = head.parts[name];
        if (!part) return undefined;
        let bytes: Buffer;
        try {
          const stored = read(part.offset, part.length);
          if (checksum(stored) !== part.check) throw new BadImage("damaged");
          // In one piece: the parts are large.
          bytes = part.packed ? inflateRawSync(stored, { chunkSize: Math.max(64, part.raw) }) : stored;
          if (bytes.length !== part.raw) throw new BadImage("damaged");
        } catch (error) {
          const bad = error instanceof BadImage ? error : new BadImage(String(error));
          damaged(bad);
          throw bad;
        }
        if (!part.ints) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
        return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
      },
      close: () => closeSync(fd),
    };
  } catch (error) {
    closeSync(fd);
    if (error instanceof BadImage || !(error instanceof SyntaxError)) throw error;
    throw new BadImage("damaged");
  }
}
