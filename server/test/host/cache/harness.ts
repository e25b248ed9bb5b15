/** A small kernel-style tree, a cache folder, and hosts over them, for the tests of the cache. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { FN_STRIDE } from "../../../src/facts/outline.js";
import { manifestsFolder, segmentsFolder } from "../../../src/host/cache/folder.js";
import { CachedFacts } from "../../../src/host/cachedFacts.js";
import type { FactsHost } from "../../../src/host/factsHost.js";
import { WorkerPool } from "../../../src/host/pool.js";
import { baselineMacroClasses } from "../../../src/outline/macroClasses.js";

export const outlineOptions = { registrations: new Set(["request_irq"]) };

/** A C file whose facts tell it from any other. */
export const source = (name: string, body = "msleep(1);"): string =>
  `static DEFINE_SPINLOCK(${name}_lock);\n\nvoid ${name}(struct foo *foo)\n{\n\tspin_lock(&${name}_lock);\n\t${body}\n\tspin_unlock(&${name}_lock);\n}\n\nint ${name}_other(int x)\n{\n\treturn x ? ${name}(0) : 1;\n}\n`;

export class CacheFixture {
  readonly base = mkdtempSync(join(tmpdir(), "lockctx-cache-test-"));
  readonly root = join(this.base, "tree");
  readonly folder = join(this.base, "cache");
  readonly files: string[] = [];
  private readonly open: FactsHost[] = [];

  constructor(count = 40) {
    for (let i = 0; i < count; i++) this.put(`d${i % 4}/f${String(i).padStart(3, "0")}.c`, source(`f${i}`));
  }

  put(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
    if (!this.files.includes(path)) this.files.push(path);
    this.files.sort();
  }

  copyTree(to: string): string {
    const copy = join(this.base, to);
    cpSync(this.root, copy, { recursive: true });
    return copy;
  }

  cached(
    options: { root?: string; folder?: string; bytesPerTree?: number; bytes?: number } = {},
  ): CachedFacts {
    const { root = this.root, folder = this.folder, ...bounds } = options;
    const host = new CachedFacts({ root, outline: outlineOptions, jobs: 1, cache: { folder, ...bounds } });
    this.open.push(host);
    return host;
  }

  uncached(root = this.root): WorkerPool {
    const host = new WorkerPool({ root, outline: outlineOptions, jobs: 1 });
    this.open.push(host);
    return host;
  }

  segments(): string[] {
    return list(segmentsFolder(this.folder));
  }
  manifests(): string[] {
    return list(manifestsFolder(this.folder));
  }
  bytes(): number {
    return this.segments().reduce((n, path) => n + statSync(path).size, 0);
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.open.splice(0).map((h) => h.close()));
  }

  async remove(): Promise<void> {
    await this.closeAll();
    rmSync(this.base, { recursive: true, force: true });
  }
}

/** Fixtures whose files are old enough for their times to prove something; all wait at once. */
export async function agedFixtures(count: number, files?: number): Promise<CacheFixture[]> {
  const fixtures = Array.from({ length: count }, () => new CacheFixture(files));
  await new Promise((done) => setTimeout(done, 2600));
  return fixtures;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** Everything that a host says about the files, as one text to compare. */
export async function everything(host: FactsHost, files: readonly string[]): Promise<string> {
  const rows: string[] = [];
  const functions = new Map<string, number>();
  await host.outlines(files, (file, outline, problem) => {
    rows.push(`${file} ${outline ? JSON.stringify(outline) : `! ${problem}`}`);
    if (outline) functions.set(file, outline.fn.length / FN_STRIDE);
  });
  host.setMacroClasses(baselineMacroClasses());
  // Twice, with overlapping sets, as the solver does it.
  for (const part of [(i: number) => i === 0, () => true]) {
    const requests = [...functions].map(([file, n]) => ({
      file,
      fns: Array.from({ length: n }, (_, i) => i).filter(part),
    }));
    await host.flows(requests, (file, fns, facts) => {
      rows.push(`${file} ${fns} ${JSON.stringify(facts)}`);
    });
  }
  return rows.sort().join("\n");
}

/** One run from open to close: what it said, what came from the cache, and what it told the user. */
export async function run(host: CachedFacts, files: readonly string[]) {
  const said = await everything(host, files);
  await host.close();
  return { said, counts: { ...host.cacheCounts }, messages: [...host.messages] };
}
