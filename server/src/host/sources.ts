/** Reads source files as latin1 (string index = byte offset), with the limits that keep odd files from hurting a run. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { contentHash } from "./cache/hash.js";
import { type FileVersion, versionOf } from "./cache/manifest.js";
import { errorReason } from "./walk.js";

/** Larger files are counted skips: nothing hand-written comes near it. */
export const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** A NUL in the first bytes marks a file as binary. */
const BINARY_PROBE_BYTES = 8192;

/** `version` is there when it was asked for and the text came from the disk. */
export type SourceText = { text: string; version?: FileVersion } | { problem: string };

let scratch = Buffer.allocUnsafe(1 << 20);

/** Why a text cannot be analysed, or null when it can. */
function textProblem(text: string): string | null {
  if (text.length > MAX_FILE_BYTES) return tooLarge(text.length);
  const nul = text.indexOf("\0");
  return nul >= 0 && nul < BINARY_PROBE_BYTES ? "binary file" : null;
}

const tooLarge = (bytes: number): string =>
  `too large: ${(bytes / (1024 * 1024)).toFixed(1)} MB (the limit is ${MAX_FILE_BYTES / (1024 * 1024)} MB)`;

/** Reads one file, or says in words why it cannot be analysed. Never blocks on a pipe or a device. */
export function readSource(absolutePath: string, withVersion = false): SourceText {
  let fd: number;
  try {
    fd = openSync(absolutePath, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    return { problem: errorReason(error) };
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return { problem: stat.isDirectory() ? "is a directory" : "not a regular file" };
    if (stat.size > MAX_FILE_BYTES) return { problem: tooLarge(stat.size) };
    if (stat.size + 1 > scratch.length) scratch = Buffer.allocUnsafe(stat.size + 1);
    let length = 0;
    for (;;) {
      const n = readSync(fd, scratch, length, scratch.length - length, null);
      if (n === 0) break;
      length += n;
      if (length === scratch.length) {
        // It grew while it was read.
        if (length > MAX_FILE_BYTES) return { problem: tooLarge(length) };
        scratch = Buffer.concat([scratch], length * 2);
      }
    }
    const text = scratch.toString("latin1", 0, length);
    const problem = textProblem(text);
    if (problem !== null) return { problem };
    return withVersion
      ? { text, version: versionOf(stat, contentHash(scratch.subarray(0, length))) }
      : { text };
  } catch (error) {
    return { problem: errorReason(error) };
  } finally {
    closeSync(fd);
  }
}

/** The files of a tree with unsaved buffers laid over them. */
export class Sources {
  private readonly overlays = new Map<string, string>();

  constructor(readonly root: string) {}

  /** Puts a buffer in place of the file on disk; null takes it away. The text is latin1: one character a byte. */
  setOverlay(file: string, text: string | null): void {
    if (text === null) this.overlays.delete(file);
    else this.overlays.set(file, text);
  }

  overlay(file: string): string | undefined {
    return this.overlays.get(file);
  }

  read(file: string, withVersion = false): SourceText {
    const overlay = this.overlays.get(file);
    if (overlay === undefined) return readSource(join(this.root, file), withVersion);
    const problem = textProblem(overlay);
    return problem === null ? { text: overlay } : { problem };
  }
}
