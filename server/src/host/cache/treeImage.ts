/** The image of one tree in the cache: opened, written and given up; whatever is wrong with it is one line to the user. */
import { unlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import type { SectionSink } from "../../program/image.js";
import { errorReason } from "../walk.js";
import { IMAGE_SUFFIX, manifestsFolder } from "./folder.js";
import { contentHash, type Hash, hexOf } from "./hash.js";
import { openImage, type StoredImage, writeImage } from "./image.js";
import type { CacheNotes } from "./notes.js";
import { wholeToolStamp } from "./stamps.js";

/** What the image of a tree depends on besides the files: the tool, what its outlines depend on, and what was asked. */
export const imageStamp = (outlines: Hash, question: Hash): Hash =>
  contentHash(question + outlines + wholeToolStamp());

/** Where the image of a tree is in the cache. */
export const imagePath = (folder: string, owner: Hash): string =>
  join(manifestsFolder(folder), `${hexOf(owner)}${IMAGE_SUFFIX}`);

export class TreeImage {
  /** The one that was opened last, as long as it is of use. */
  opened: StoredImage | null = null;

  constructor(
    private readonly path: string,
    /** What outlines depend on besides text and tool. */
    private readonly stamp: Hash,
    private readonly mostBytes: number,
    private readonly notes: CacheNotes,
  ) {}

  open(question: Hash): StoredImage | null {
    this.close();
    try {
      this.opened = openImage(this.path, imageStamp(this.stamp, question), (error) => this.bad(error));
    } catch (error) {
      this.bad(error);
    }
    if (!this.opened) return null;
    // For eviction: it is of use.
    try {
      utimesSync(this.path, new Date(), new Date());
    } catch {
      // Read-only: then it cannot be evicted by us either.
    }
    return this.opened;
  }

  write(question: Hash, contents: ReadonlyMap<string, Hash>, save: (put: SectionSink) => boolean): boolean {
    try {
      return writeImage(this.path, imageStamp(this.stamp, question), contents, save, this.mostBytes);
    } catch (error) {
      this.notes.cannotWrite(this.path, error);
      return false;
    }
  }

  close(): void {
    this.opened?.close();
    this.opened = null;
  }

  /** One that cannot be used is removed: the next check of the tree makes another. */
  private bad(error: unknown): void {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    this.notes.say("damage", `${errorReason(error)} (${this.path}): that part is built anew`);
    this.remove();
  }

  remove(): void {
    try {
      unlinkSync(this.path);
    } catch {
      // Read-only: it stays, and is not used.
    }
  }
}
