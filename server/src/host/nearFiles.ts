/**
 * The part of a kernel tree that says most about some files: their folders, what they include, the core that everybody
 * calls, and the files that implement the headers they include. Small enough to be read in seconds, and chosen by names
 * alone, before anything is analysed.
 */
import { archOf } from "../program/places.js";

/** Folders of the core: alone, or with all below them. */
const CORE: readonly (readonly [string, "alone" | "below"])[] = [
  ["kernel/", "below"],
  ["mm/", "below"],
  ["lib/", "alone"],
  ["fs/", "alone"],
  ["block/", "alone"],
  ["net/core/", "alone"],
  ["drivers/base/", "below"],
  ["include/linux/", "below"],
  ["include/asm-generic/", "alone"],
];
const INCLUDE = /^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]/gm;
/** Most headers outside of the core that are followed. */
const MOST_HEADERS = 1500;
/** Most files that a header's name may stand for: a name that many files have says nothing. */
const MOST_NAMESAKES = 4;
/** Largest folder that is taken whole because a header has its name. */
const MOST_IN_FOLDER = 60;

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/") + 1);

/** `all` lists the tree; `read` gives the text of a file, unsaved or on disk. In the order of `all`. */
export function nearFiles(
  open: Iterable<string>,
  all: readonly string[],
  read: (file: string) => string | null,
): string[] {
  const files = [...open];
  const arch = files.map((file) => archOf(file)).find((a) => a !== null) ?? "x86";
  const asm = `arch/${arch}/include/asm/`;
  const own = new Set(files.map(folderOf));
  const inCore = (path: string): boolean => {
    const folder = folderOf(path);
    return (
      folder === asm ||
      CORE.some(([name, how]) => (how === "alone" ? folder === name : folder.startsWith(name)))
    );
  };
  const near = new Set(files);
  const exists = new Set(all);
  for (const path of all) if (own.has(folderOf(path)) || inCore(path)) near.add(path);

  // What they include, directly or through each other; the core's own headers are there already.
  const stems = new Set<string>();
  const work = [...files];
  let followed = 0;
  for (let file = work.pop(); file !== undefined && followed < MOST_HEADERS; file = work.pop()) {
    followed++;
    const direct = files.includes(file);
    for (const [, quote, name] of (read(file) ?? "").matchAll(INCLUDE)) {
      if (direct) stems.add(stemOf(name!));
      const header = find(file, name!, quote === '"', asm, exists);
      if (header === null || near.has(header)) continue;
      near.add(header);
      work.push(header);
    }
  }
  for (const path of implementations(stems, all)) near.add(path);
  return all.filter((path) => near.has(path));
}

/** `linux/mmc/host.h` → `host`; `net/tcp.h` → `tcp`. */
const stemOf = (header: string): string => header.slice(header.lastIndexOf("/") + 1).replace(/\.h$/, "");

/** The file that an #include means, as far as names tell. */
function find(
  from: string,
  name: string,
  quoted: boolean,
  asm: string,
  exists: ReadonlySet<string>,
): string | null {
  const candidates: string[] = [];
  if (quoted) {
    // Beside it, or as the -I options of most drivers have it: in a folder above, or its include folder.
    for (let folder = folderOf(from); folder !== ""; folder = folderOf(folder.slice(0, -1)))
      candidates.push(joined(folder, name), joined(`${folder}include/`, name));
  }
  candidates.push(`include/${name}`, `include/uapi/${name}`, `${asm.slice(0, -"asm/".length)}${name}`);
  return candidates.find((path) => exists.has(path)) ?? null;
}

/** Files that by their names or their folder's implement these headers. */
function* implementations(stems: ReadonlySet<string>, all: readonly string[]): Generator<string> {
  const byStem = new Map<string, string[]>();
  const byFolder = new Map<string, string[]>();
  const push = (map: Map<string, string[]>, key: string, path: string): void => {
    const list = map.get(key);
    if (list) list.push(path);
    else map.set(key, [path]);
  };
  for (const path of all) {
    if (!path.endsWith(".c") || path.startsWith("arch/")) continue;
    const slash = path.lastIndexOf("/");
    const stem = path.slice(slash + 1, -2).replace(/[-_]core$/, "");
    if (stems.has(stem)) push(byStem, stem, path);
    const folder = path.slice(path.lastIndexOf("/", slash - 1) + 1, slash);
    if (stems.has(folder)) push(byFolder, path.slice(0, slash), path);
    // drivers/usb/core/ is about usb.
    if (folder === "core") {
      const above = path.slice(0, slash - "/core".length);
      if (stems.has(above.slice(above.lastIndexOf("/") + 1))) push(byFolder, path.slice(0, slash), path);
    }
  }
  for (const list of byStem.values()) if (list.length <= MOST_NAMESAKES) yield* list;
  for (const list of byFolder.values()) if (list.length <= MOST_IN_FOLDER) yield* list;
}

/** A path relative to a folder, without `.` and `..`. */
function joined(folder: string, path: string): string {
  const parts = folder.split("/").slice(0, -1);
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return parts.join("/");
}
