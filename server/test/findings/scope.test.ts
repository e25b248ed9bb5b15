/** Which paths are kernel code, which are not, and which are tests. */
import { describe, expect, it } from "vitest";
import { classifyPath } from "../../src/findings/scope.js";

describe("a path", () => {
  it.each([
    ["fs/super.c", "kernel"],
    ["drivers/net/tools/main.c", "kernel"],
    ["lib/list_sort.c", "kernel"],
    ["drivers/gpu/drm/latest.c", "kernel"],
    ["kernel/locking/mutex.c", "kernel"],
    ["tools/perf/builtin-stat.c", "outside"],
    ["scripts/mod/modpost.c", "outside"],
    ["Documentation/example.c", "outside"],
    ["samples/kobject/kset-example.c", "outside"],
    ["usr/gen_init_cpio.c", "outside"],
    ["drivers/gpu/drm/i915/selftests/i915_gem.c", "test"],
    ["lib/locking-selftest.c", "test"],
    ["lib/test_kmod.c", "test"],
    ["lib/list-test.c", "test"],
    ["net/bpf/test_run.c", "kernel"],
    ["drivers/media/latest.h", "kernel"],
    ["kernel/locking/locktorture.c", "test"],
    ["net/mac80211/tests/elems.c", "test"],
    ["fs/ext4/mballoc_kunit.c", "test"],
  ])("%s is %s", (path, expected) => {
    expect(classifyPath(path)).toBe(expected);
  });
});
