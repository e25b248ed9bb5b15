/**
 * Findings of single files as the last check of the whole tree left them in its image, read without the rest of it: an
 * editor has them to show long before an engine has taken the image up. They count under the same condition as those of an
 * earlier session: see keptFindings.ts.
 */
import { savedFindings } from "../analysis/reports.js";
import type { OutlineOptions } from "../facts/outline.js";
import type { Finding } from "../findings/types.js";
import type { CacheSettings } from "./cache/folder.js";
import { contentHash, type Hash, ownerOf } from "./cache/hash.js";
import { openImage, type StoredImage } from "./cache/image.js";
import { outlineStamp } from "./cache/stamps.js";
import { imagePath, imageStamp } from "./cache/treeImage.js";
import { contentOnDisk, filesOf } from "./keptFindings.js";

interface Opened {
  contents: StoredImage["contents"];
  of(file: string): Finding[];
}

export class ImageFindings {
  private opened: Opened | null | undefined;

  constructor(
    private readonly cache: CacheSettings,
    private readonly root: string,
    private readonly options: OutlineOptions,
    private readonly question: Hash,
  ) {}

  /** The findings of a file of this text, or null when the image does not know it. */
  recall(file: string, text: string): Finding[] | null {
    try {
      if (this.opened === undefined) this.opened = this.open();
      const { opened } = this;
      if (opened?.contents.get(file) !== contentHash(text)) return null;
      const others = new Map<string, boolean>([[file, true]]);
      const stands = (path: string): boolean => {
        let same = others.get(path);
        if (same === undefined) {
          same = opened.contents.get(path) === contentOnDisk(this.root, path);
          others.set(path, same);
        }
        return same;
      };
      return opened.of(file).filter((finding) => [...filesOf(finding)].every(stands));
    } catch {
      // Whoever takes up the image as a whole says what is wrong with it.
      this.opened = null;
      return null;
    }
  }

  /** Gives back what it holds of the image; nothing is recalled any more. */
  close(): void {
    this.opened = null;
  }

  private open(): Opened | null {
    const path = imagePath(this.cache.folder, ownerOf(this.root));
    const image = openImage(path, imageStamp(outlineStamp(this.options), this.question), () => {});
    if (!image) return null;
    try {
      return { contents: image.contents, of: savedFindings(image) };
    } finally {
      image.close();
    }
  }
}
