/** What a path tells about a file: architecture, whether it is a header, how near two files are, who sees a header. */

/** `x86` for arch/x86/…, null for code of every architecture. */
export function archOf(path: string): string | null {
  const m = /^(?:tools\/)?arch\/([^/]+)\//.exec(path);
  return m ? m[1] : null;
}

export function isHeader(path: string): boolean {
  return path.endsWith(".h");
}

/** Whether a file is a header of one driver or subsystem, not one of the kernel's or an architecture's common ones. */
export function isPrivate(path: string): boolean {
  return isHeader(path) && !path.startsWith("include/") && !/^arch\/[^/]+\/include\//.test(path);
}

/** How many leading directories two paths share. */
export function closeness(a: string, b: string): number {
  const n = Math.min(a.length, b.length);
  let dirs = 0;
  for (let i = 0; i < n; i++) {
    const c = a.charCodeAt(i);
    if (c !== b.charCodeAt(i)) return dirs;
    if (c === 47) dirs++;
  }
  return dirs;
}

function dirOf(path: string): string {
  const i = path.lastIndexOf("/");
  return i < 0 ? "" : path.slice(0, i);
}

/**
 * Whether a header can plausibly be included by a file: anything under an include directory, the file's own directory,
 * one above or below it, or a sibling tree of the same driver. Cheap, and errs towards yes.
 */
export function visibleHeader(header: string, from: string): boolean {
  if (header.startsWith("include/")) return true;
  if (header.startsWith("arch/")) {
    const arch = archOf(from);
    const harch = archOf(header);
    return (arch ?? "x86") === harch;
  }
  const hd = dirOf(header);
  const fd = dirOf(from);
  if (hd === fd || fd.startsWith(`${hd}/`) || hd.startsWith(`${fd}/`)) return true;
  // drivers/x/y/inc/a.h for drivers/x/y/core/b.c: three shared directories make one driver.
  return closeness(header, from) >= 3 || (closeness(header, from) >= 2 && !header.startsWith("drivers/"));
}
