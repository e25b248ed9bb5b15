/** Which files of a tree are about the kernel itself: by path alone, the same for every adapter. */

/**
 * - `outside`: user space programs, documentation and samples beside the kernel. They reuse the kernel's names, so they
 *   are not part of its program.
 * - `test`: kernel code that is meant to be wrong or runs in tests only. It belongs to the program (other files include
 *   it), but is not reported on unless named.
 */
export type PathClass = "kernel" | "outside" | "test";

const OUTSIDE = /^(?:tools|scripts|Documentation|samples|usr)\//;
const TEST =
  /(?:^|\/)(?:selftests?|kunit|tests?)\/|^lib\/(?:[^/]*\/)*test[_-][^/]*$|(?:[_-]kunit|[_-]selftests?|[_-]torture|locktorture|locking-selftest|rcutorture|scftorture|refscale|rcuscale)\.[ch]$/;

export function classifyPath(path: string): PathClass {
  if (OUTSIDE.test(path)) return "outside";
  return TEST.test(path) ? "test" : "kernel";
}
