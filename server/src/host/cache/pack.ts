/** How flow facts lie in the cache: the larger records deflated, which makes room for the image of the tree. */
import { deflateRawSync, inflateRawSync } from "node:zlib";

const PLAIN = 0;
const DEFLATED = 1;
/** Below it the cost of beginning to inflate is greater than that of the bytes. */
const WORTH_IT = 2048;

export function pack(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const isWorthIt = bytes.length >= WORTH_IT;
  const body = isWorthIt ? deflateRawSync(bytes, { level: 1 }) : bytes;
  const out = new Uint8Array(body.length + 1);
  out[0] = isWorthIt ? DEFLATED : PLAIN;
  out.set(body, 1);
  return out;
}

/** Throws on bytes that `pack` did not make. */
export function unpack(packed: Uint8Array): Uint8Array {
  if (packed[0] === PLAIN) return packed.subarray(1);
  if (packed[0] === DEFLATED) return inflateRawSync(packed.subarray(1));
  throw new Error("not a packed record");
}
