/**
 * Findings of single files as the last analysis of their tree left them, so that an editor has something to show while the
 * tree is read. A record is used only if the file, and every file that its findings speak of, has the content that it had.
 * What else has changed in the tree can make such a finding out of date: whoever shows it says where it comes from.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { Finding, Site } from "../findings/types.js";
import { type CacheSettings, keptFolder } from "./cache/folder.js";
import { contentHash, type Hash, hexOf } from "./cache/hash.js";
import { wholeToolStamp } from "./cache/stamps.js";
import type { ImageFindings } from "./imageFindings.js";
import { readSource } from "./sources.js";

/** Records of one tree; beyond it those unused for the longest time go. */
const MOST_RECORDS = 2000;

interface KeptRecord {
  /** Tool and question. */
  stamp: string;
  /** Content of the file and of each file that its findings speak of. */
  contents: [file: string, hash: string][];
  findings: Finding[];
}

export class KeptFindingsFolder {
  private readonly folder: string;
  private stamp: string | null = null;
  private kept = 0;

  /** `question`: what findings depend on besides the files and the tool, such as settings. */
  constructor(
    cache: CacheSettings,
    private readonly root: string,
    private readonly question: unknown,
    /** What the last check of the whole tree found, where no record of a file stands. */
    private readonly image: ImageFindings | null = null,
  ) {
    this.folder = keptFolder(cache.folder, root);
  }

  /** The findings left for a file of this text, or null when there are none that still stand there. */
  recall(file: string, text: string): Finding[] | null {
    return this.recorded(file, text) ?? this.image?.recall(file, text) ?? null;
  }

  /** The image is not read any more. */
  close(): void {
    this.image?.close();
  }

  private recorded(file: string, text: string): Finding[] | null {
    try {
      const record = JSON.parse(
        inflateRawSync(readFileSync(this.pathOf(file))).toString("utf8"),
      ) as KeptRecord;
      const [own, ...others] = record.contents;
      if (own?.[0] !== file || own[1] !== hexOf(contentHash(text))) return null;
      if (record.stamp !== this.stampNow()) return null;
      const gone = new Set(
        others.filter(([path, hash]) => this.contentOf(path) !== hash).map(([path]) => path),
      );
      return record.findings.filter((finding) => ![...filesOf(finding)].some((path) => gone.has(path)));
    } catch {
      // None, or damaged: the analysis will tell.
      return null;
    }
  }

  isOnDisk(file: string, text: string): boolean {
    const source = readSource(join(this.root, file));
    return "text" in source && source.text === text;
  }

  keep(file: string, text: string, findings: readonly Finding[]): void {
    const contents: [string, string][] = [[file, hexOf(contentHash(text))]];
    const others = new Set(findings.flatMap((finding) => [...filesOf(finding)]));
    others.delete(file);
    for (const path of others) {
      const hash = this.contentOf(path);
      if (hash === null) return;
      contents.push([path, hash]);
    }
    const record: KeptRecord = { stamp: this.stampNow(), contents, findings: [...findings] };
    const path = this.pathOf(file);
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      const part = `${path}.${process.pid}.part`;
      writeFileSync(part, deflateRawSync(JSON.stringify(record), { level: 1 }), { mode: 0o600 });
      renameSync(part, path);
      if (this.kept++ % 100 === 0) this.evict();
    } catch {
      // A cache that cannot be written keeps nothing; the facts' part of it says so.
    }
  }

  private evict(): void {
    const files = readdirSync(this.folder).map((name) => join(this.folder, name));
    if (files.length <= MOST_RECORDS) return;
    const byAge = files.map((path) => ({ path, ms: statSync(path).mtimeMs })).sort((a, b) => a.ms - b.ms);
    for (const { path } of byAge.slice(0, files.length - MOST_RECORDS)) rmSync(path, { force: true });
  }

  private stampNow(): string {
    this.stamp ??= hexOf(contentHash(`${wholeToolStamp()}${JSON.stringify(this.question)}`));
    return this.stamp;
  }

  private pathOf(file: string): string {
    return join(this.folder, hexOf(contentHash(Buffer.from(file, "utf8"))));
  }

  private contentOf(file: string): string | null {
    const hash = contentOnDisk(this.root, file);
    return hash && hexOf(hash);
  }
}

/** The content that a file has on disk, null when it cannot be read. */
export function contentOnDisk(root: string, file: string): Hash | null {
  const source = readSource(join(root, file));
  return "text" in source ? contentHash(source.text) : null;
}

/** Files that a finding has a place in. */
export function filesOf(finding: Finding): Set<string> {
  const files = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const { file } = value as Partial<Site>;
    if (typeof file === "string") files.add(file);
    for (const inner of Object.values(value)) visit(inner);
  };
  visit(finding);
  return files;
}
