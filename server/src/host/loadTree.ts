/** Makes an engine know a tree: from the image of an earlier check where little has changed since, else from its files. */
import type { Engine, Progress } from "../engine.js";
import type { KernelVersion } from "../kernel/types.js";
import { BadImage } from "../program/image.js";
import { contentHash, type Hash } from "./cache/hash.js";
import type { FactsHost } from "./factsHost.js";

export interface LoadOptions {
  progress?: (p: Progress) => void;
  signal?: AbortSignal;
}

/** What a check of a whole tree is about besides the files: results and images are kept under it. */
export const wholeQuestion = (version: KernelVersion | null): Hash => questionOf([version, null]);

export const questionOf = (about: unknown): Hash => contentHash(Buffer.from(JSON.stringify(about), "utf8"));

/** False when there is no image under this question that is of use; the engine then knows nothing. */
export async function loadImage(
  engine: Engine,
  facts: FactsHost,
  files: readonly string[],
  question: Hash,
  { progress, signal }: LoadOptions,
): Promise<boolean> {
  progress?.({ phase: "reading what is known", done: 0, total: 1 });
  const opened = await facts.images?.openImage(files, question, signal);
  if (!opened) return false;
  try {
    engine.restore(opened.image);
    await engine.update(opened.changed);
    return true;
  } catch (error) {
    if (error instanceof BadImage) return false;
    throw error;
  }
}
