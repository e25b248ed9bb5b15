/** Keys and checksums of the cache: 128-bit content hashes, and a fast check of records as they are read back. */
import { createHash } from "node:crypto";

/** 128 bits as sixteen characters of one byte each: small in memory, and four integers without parsing. */
export type Hash = string;

/** Content hash of bytes or of a latin1 text. */
export function contentHash(content: Uint8Array | string): Hash {
  const hash = createHash("sha1");
  if (typeof content === "string") hash.update(content, "latin1");
  else hash.update(content);
  return hash.digest("binary").slice(0, 16);
}

/** Word 0 to 3 of a hash. */
export function word(hash: Hash, i: number): number {
  const at = i * 4;
  return (
    hash.charCodeAt(at) |
    (hash.charCodeAt(at + 1) << 8) |
    (hash.charCodeAt(at + 2) << 16) |
    (hash.charCodeAt(at + 3) << 24)
  );
}

/** The key of what is made from a content under a stamp (tool, options): depends on both, and on nothing else. */
export function keyOf(content: Hash, stamp: Hash): Int32Array {
  const key = new Int32Array(4);
  for (let i = 0; i < 4; i++) key[i] = word(content, i) ^ word(stamp, i);
  return key;
}

export const hexOf = (hash: Hash): string => Buffer.from(hash, "latin1").toString("hex");

/**
 * Checksum of bytes. Every step is a bijection of the state for a given word and of the word for a given state, so that a
 * change confined to one word is always seen.
 */
export function checksum(bytes: Uint8Array, seed = 0x811c9dc5): number {
  let h = seed ^ bytes.length;
  const whole = bytes.length >> 2;
  const words =
    bytes.byteOffset % 4 === 0
      ? new Int32Array(bytes.buffer, bytes.byteOffset, whole)
      : new Int32Array(bytes.slice(0, whole * 4).buffer);
  for (let i = 0; i < whole; i++) {
    h = Math.imul(h ^ words[i], 0x01000193);
    h ^= h >>> 15;
  }
  for (let i = whole * 4; i < bytes.length; i++) {
    h = Math.imul(h ^ bytes[i], 0x01000193);
    h ^= h >>> 15;
  }
  return h | 0;
}

/** Identifies a tree's manifest, its image, and what its runs have added: the path of its root. */
export const ownerOf = (root: string): Hash => contentHash(Buffer.from(root, "utf8"));
