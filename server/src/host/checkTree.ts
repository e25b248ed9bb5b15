/**
 * Checks a whole tree once, for the batch side. The result of a check depends on the contents of the files, what was asked
 * and the tool alone (I5), so it is kept like every other fact: when nothing has changed, it is read back.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { hasStepIn } from "../analysis/report.js";
import type { CheckResult, Progress } from "../engine.js";
import type { Confidence } from "../findings/types.js";
import { BadImage } from "../program/image.js";
import { contentHash, type Hash, keyOf } from "./cache/hash.js";
import { wholeToolStamp } from "./cache/stamps.js";
import type { FactsHost } from "./factsHost.js";
import { loadImage, questionOf, wholeQuestion } from "./loadTree.js";
import type { OpenTree } from "./tree.js";
import { byCodeUnit } from "./walk.js";

export interface CheckRequest {
  files: readonly string[];
  focus: ReadonlySet<string> | null;
  /** The least confidence that will be shown. */
  atLeast?: Confidence;
  progress?: (p: Progress) => void;
  signal?: AbortSignal;
}

/** What depends on the machine and not on the tree: such a result is not kept. */
const CHANCE = /took longer|ended its worker/;

export async function checkTree(tree: OpenTree, request: CheckRequest): Promise<CheckResult> {
  const { facts, engine } = tree;
  const { files, focus, atLeast = "low", progress, signal } = request;
  const began = performance.now();
  const cpu = process.cpuUsage();
  const whole = wholeQuestion(tree.version);
  const question = focus === null ? whole : questionOf([tree.version, [...focus].sort(byCodeUnit), atLeast]);
  const kept = async (contents: Hash, about: Hash): Promise<CheckResult | null> => {
    const bytes = await facts.results!.recall(keyFor(contents, about));
    return bytes && decode(bytes);
  };
  const recalled = async (contents: Hash | null): Promise<CheckResult | null> => {
    if (contents === null || !facts.results) return null;
    let result = await kept(contents, question);
    if (!result && focus !== null) {
      // A check of the whole tree has the answer for every part of it.
      result = await kept(contents, whole);
      if (result) narrow(result, focus, atLeast);
    }
    if (!result) return null;
    const used = process.cpuUsage(cpu);
    result.stats.phases = [
      {
        name: "from the cache",
        wallMs: Math.round(performance.now() - began),
        cpuMs: Math.round((used.user + used.system) / 1000),
        rssMb: Math.round(process.memoryUsage.rss() / 1048576),
      },
    ];
    return result;
  };

  const before = await recalled((await facts.results?.unchangedContents(files, signal)) ?? null);
  if (before) return before;
  const contentsNow = (): Hash | null => facts.results?.loadedContents(files) ?? null;
  const fromImage = await checkFromImage(tree, request, whole);
  if (fromImage) {
    const contents = contentsNow();
    if (contents !== null && isSure(fromImage, facts))
      facts.results!.keep(keyFor(contents, whole), encode(fromImage));
    if (focus !== null) narrow(fromImage, focus, atLeast);
    return fromImage;
  }
  await engine.load(files, { progress, signal });
  const contents = facts.results?.loadedContents(files) ?? null;
  // Files that were in doubt have been read by now, and may be as they were.
  const after = await recalled(contents);
  if (after) return after;
  const result = await engine.check({ focus, atLeast, progress, signal });
  if (contents !== null && isSure(result, facts) && facts.results?.loadedContents(files) === contents) {
    facts.results.keep(keyFor(contents, question), encode(result));
    const image = focus === null && facts.images ? engine.save() : null;
    if (image) facts.images!.saveImage(files, whole, image);
  }
  return result;
}

/** Checks the whole tree from what was known of it at an earlier check; null when that is of no use. */
async function checkFromImage(
  { engine, facts }: OpenTree,
  { files, progress, signal }: CheckRequest,
  question: Hash,
): Promise<CheckResult | null> {
  if (!(await loadImage(engine, facts, files, question, { progress, signal }))) return null;
  try {
    return await engine.check({ focus: null, progress, signal });
  } catch (error) {
    if (error instanceof BadImage) return null;
    throw error;
  }
}

/** Leaves of a result for the whole tree what a check of these files reports. */
function narrow(result: CheckResult, focus: ReadonlySet<string>, atLeast: Confidence): void {
  result.findings = result.findings.filter((f) => hasStepIn(f, focus, atLeast));
  result.stats.findings = result.findings.length;
  result.stats.suppressedFindings = result.findings.filter((f) => f.suppressed !== null).length;
}

const keyFor = (contents: Hash, question: Hash): Int32Array =>
  keyOf(contents, contentHash(question + wholeToolStamp()));

/** Nothing went wrong that might go right another time. */
function isSure(result: CheckResult, facts: FactsHost): boolean {
  return facts.problems().length === 0 && !result.stats.skippedFiles.some((s) => CHANCE.test(s.reason));
}

const encode = (result: CheckResult): Uint8Array =>
  deflateRawSync(Buffer.from(JSON.stringify(result), "utf8"), { level: 1 });

function decode(bytes: Uint8Array): CheckResult | null {
  try {
    return JSON.parse(inflateRawSync(bytes).toString("utf8")) as CheckResult;
  } catch {
    return null;
  }
}
