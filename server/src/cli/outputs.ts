/** Where the reports go: `--format FORMAT[=FILE]`, several at once, at most one of them to standard output. */
import { accessSync, closeSync, constants, openSync, statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { errorReason } from "../host/walk.js";
import { FORMATS, type Format, formatNamed } from "../report/formats.js";
import { UsageError } from "./errors.js";

export interface Output {
  format: Format;
  /** Absolute path; null is standard output. */
  file: string | null;
}

/** Reads the options; every mistake in them is told before the analysis begins. */
export function parseOutputs(formats: readonly string[], output: string | undefined, cwd: string): Output[] {
  const specs = formats.length > 0 ? [...formats] : ["text"];
  if (output !== undefined) {
    const last = specs.length - 1;
    if (specs[last].includes("=")) {
      throw new UsageError(
        `--output ${output}: the last format already has a file (--format ${specs[last]})`,
      );
    }
    specs[last] += `=${output}`;
  }
  const outputs = specs.map((spec): Output => {
    const at = spec.indexOf("=");
    const name = at < 0 ? spec : spec.slice(0, at);
    const file = at < 0 ? "-" : spec.slice(at + 1);
    const format = formatNamed(name);
    if (!format) {
      throw new UsageError(
        `--format ${spec}: unknown format "${name}" (there are ${FORMATS.map((f) => f.name).join(", ")})`,
      );
    }
    if (file === "") throw new UsageError(`--format ${spec}: the file name after "=" is missing`);
    if (file === "-") return { format, file: null };
    const path = resolve(cwd, file);
    checkWritable(path, file);
    return { format, file: path };
  });
  const toStdout = outputs.filter((o) => o.file === null);
  if (toStdout.length > 1) {
    const names = toStdout.map((o) => o.format.name).join(" and ");
    throw new UsageError(
      `${names} cannot both go to standard output: give one a file (--format ${toStdout[1].format.name}=FILE)`,
    );
  }
  return outputs;
}

function checkWritable(path: string, typed: string): void {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
      throw new UsageError(`${typed}: is a directory`);
    accessSync(dirname(path), constants.W_OK);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${typed}: cannot be written: ${errorReason(error)}`);
  }
}

/** Characters gathered before they are written. */
const CHUNK = 1 << 20;

/** Pieces joined to chunks of a size that is worth a write. */
function* gathered(pieces: Iterable<string>): Iterable<string> {
  let waiting: string[] = [];
  let length = 0;
  for (const piece of pieces) {
    waiting.push(piece);
    length += piece.length;
    if (length < CHUNK) continue;
    yield waiting.join("");
    waiting = [];
    length = 0;
  }
  if (length > 0) yield waiting.join("");
}

/** Writes to standard output and waits until it is taken. */
export function writeChunk(text: string): Promise<void> {
  return new Promise((done, failed) => {
    process.stdout.write(text, (error) => (error ? failed(error) : done()));
  });
}

export async function writeOutput(output: Output, pieces: Iterable<string>): Promise<void> {
  if (output.file === null) {
    for (const chunk of gathered(pieces)) await writeChunk(chunk);
    return;
  }
  try {
    const fd = openSync(output.file, "w");
    try {
      for (const chunk of gathered(pieces)) writeFileSync(fd, chunk);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new UsageError(`${output.file}: cannot be written: ${errorReason(error)}`);
  }
}
