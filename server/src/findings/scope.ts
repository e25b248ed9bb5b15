/** Which files of a tree are about the kernel itself: by path alone, the same for every adapter. */

/**
 * - `outside`: user space programs, documentation and samples beside the kernel. They reuse the kernel's names, so they
 *   are not part of its program.
 * - `test`: kernel code that is meant to be wrong or runs in tests only. It belongs to the program (other files include
 *   it), but is not reported on unless named.
 */
export type PathClass = "kernel" | "outside" | "test";

const OUTSIDE = /^(?:tools|scripts|Documentation|samples|usr)\//;
/** Folders of tests, and files named as one; net/bpf/test_run.c is the system call that runs a program once. */
const TEST =
  /(?:^|\/)(?:selftests?|kunit|tests?)\/|\/test[_-](?!run\.)[^/]*\.[ch]$|[_-](?:test|kunit|selftests?)\.[ch]$|(?:torture|locking-selftest|refscale|rcuscale)\.[ch]$/;

export function classifyPath(path: string): PathClass {
  if (OUTSIDE.test(path)) return "outside";
  return TEST.test(path) ? "test" : "kernel";
}
