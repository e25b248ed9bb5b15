/**
 * Checks a whole tree once, for the batch side. The result of a check depends on the contents of the files, what was asked
 * and the tool alone (I5), so it is kept like every other fact: when nothing has changed, it is read back.
 */
import { hasStepIn } from "../analysis/report.js";
import type { CheckResult, Progress } from "../engine.js";
import type { PackedFindings } from "../findings/packed.js";
import type { Confidence } from "../findings/types.js";
import { BadImage } from "../program/image.js";
import { contentHash, type Hash, keyOf } from "./cache/hash.js";
import { wholeToolStamp } from "./cache/stamps.js";
import { type Checked, decodeLow, decodeResult, encodeLow, encodeResult, withLow } from "./checkRecords.js";
import type { FactsHost } from "./factsHost.js";
import { keepHeapSmall } from "./heap.js";
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

export async function checkTree(tree: OpenTree, request: CheckRequest): Promise<Checked> {
  const { facts, engine } = tree;
  const { files, focus, atLeast = "low", progress, signal } = request;
  const began = performance.now();
  const cpu = process.cpuUsage();
  const whole = wholeQuestion(tree.version);
  const lowOfWhole = questionOf([tree.version, "low"]);
  const question = focus === null ? whole : questionOf([tree.version, [...focus].sort(byCodeUnit), atLeast]);
  const kept = async (contents: Hash, about: Hash): Promise<Checked | null> => {
    const bytes = await facts.results!.recall(keyFor(contents, about));
    const result = bytes && decodeResult(bytes);
    if (!result?.low || atLeast !== "low") return result;
    const low = await facts.results!.recall(keyFor(contents, lowOfWhole));
    return low && withLow(result, decodeLow(low));
  };
  const recalled = async (contents: Hash | null): Promise<Checked | null> => {
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
  let contents = contentsNow();
  let result = fromImage;
  if (!result) {
    keepHeapSmall();
    await engine.load(files, { progress, signal });
    contents = contentsNow();
    // Files that were in doubt have been read by now, and may be as they were.
    const after = await recalled(contents);
    if (after) return after;
    result = await engine.check({ focus, atLeast, lowAside: focus === null, progress, signal });
  }
  const { low } = result;
  if (contents !== null && isSure(result, facts) && contentsNow() === contents) {
    facts.results!.keep(keyFor(contents, fromImage ? whole : question), encodeResult(result));
    const image =
      !fromImage && focus === null && facts.images?.saveImage(files, whole, (put) => engine.save(put));
    // Those that are hidden are in the image too, which has them for whoever wants them.
    if (low && !fromImage && !image) facts.results!.keep(keyFor(contents, lowOfWhole), encodeLow(low));
  }
  let checked: Checked = result;
  if (low && atLeast === "low") {
    const packed = low.map((l) => JSON.parse(l.json) as PackedFindings);
    checked = withLow(result, packed) ?? result;
  }
  if (fromImage && focus !== null) narrow(checked, focus, atLeast);
  return checked;
}

/** Checks the whole tree from what was known of it at an earlier check; null when that is of no use. */
async function checkFromImage(
  { engine, facts }: OpenTree,
  { files, progress, signal }: CheckRequest,
  question: Hash,
): Promise<CheckResult | null> {
  if (!(await loadImage(engine, facts, files, question, { progress, signal }))) return null;
  try {
    return await engine.check({ focus: null, lowAside: true, progress, signal });
  } catch (error) {
    if (error instanceof BadImage) return null;
    throw error;
  }
}

/** Leaves of a result for the whole tree what a check of these files reports. */
function narrow(result: Checked, focus: ReadonlySet<string>, atLeast: Confidence): void {
  result.findings = result.findings.filter((f) => hasStepIn(f, focus, atLeast));
  // No path of these is sure enough to bring them in from elsewhere.
  if (result.low) result.low = result.low.filter(({ file }) => focus.has(file));
  const low = result.low ?? [];
  result.stats.findings = low.reduce((n, { count }) => n + count, result.findings.length);
  const suppressed = result.findings.filter((f) => f.suppressed !== null).length;
  result.stats.suppressedFindings = low.reduce((n, l) => n + l.suppressed, suppressed);
}

const keyFor = (contents: Hash, question: Hash): Int32Array =>
  keyOf(contents, contentHash(question + wholeToolStamp()));

/** Nothing went wrong that might go right another time. */
function isSure(result: CheckResult, facts: FactsHost): boolean {
  return facts.problems().length === 0 && !result.stats.skippedFiles.some((s) => CHANCE.test(s.reason));
}
