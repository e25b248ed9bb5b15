/** Bad input gets a clear message or is counted, and never hides what is right beside it. */
import { execFileSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buggy, findingsOf, lockctx, TempTree } from "./lockctx.js";

const tree = new TempTree();

const nested = (open: string, close: string, depth: number) =>
  `int f(int x)\n{\n\treturn ${open.repeat(depth)}x${close.repeat(depth)};\n}\n${buggy("after_nesting")}`;

const files: Record<string, string | Buffer> = {
  "binary.c": Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919) % 256)),
  "binary_late.c": Buffer.concat([Buffer.from(" ".repeat(9000)), Buffer.from([0, 255, 0, 123, 125, 40])]),
  "empty.c": "",
  "large.c": Buffer.alloc(20 * 1024 * 1024, "int a;\n"),
  "crlf.c": buggy("crlf").replaceAll("\n", "\r\n"),
  "latin1.c": Buffer.concat([
    Buffer.from([0x2f, 0x2f, 0x20, 0xe9, 0xff, 0x0a]),
    Buffer.from(buggy("latin1")),
  ]),
  "bom.c": `\ufeff${buggy("bom")}`,
  "open_braces.c": `${buggy("before_open")}\nvoid f(void)\n{{{{{ if (x) {\n`,
  "close_braces.c": `}}}}} )))\n${buggy("after_close")}`,
  "parentheses.c": nested("(", ")", 10_000),
  "blocks.c": `void f(void)\n{\n${"{".repeat(10_000)}${"}".repeat(10_000)}\n}\n${buggy("after_blocks")}`,
  "ifs.c": `${"#if A\n".repeat(5_000)}int x;\n${"#endif\n".repeat(5_000)}${buggy("after_ifs")}`,
  "else_if.c": `void f(int x)\n{\n\tif (x) g();\n${"\telse if (x) g();\n".repeat(5_000)}}\n${buggy("after_else_if")}`,
  "long_line.c": `void f(void)\n{\n${"\tg(1);".repeat(100_000)}\n}\n${buggy("after_long_line")}`,
  "comment.c": `${buggy("before_comment")}/* never closed`,
  "string.c": `${buggy("before_string")}char *s = "never closed\n`,
  "macro.c": `#define A(x) B(x)\n#define B(x) A(x)\n${buggy("in_macros", "A(B(1)); msleep(1);")}`,
  "no_newline.c": buggy("no_newline").trimEnd(),
};

beforeAll(() => {
  for (const [name, content] of Object.entries(files)) tree.put(name, content);
  symlinkSync(tree.root, tree.path("loop"));
  symlinkSync(tree.path("self.c"), tree.path("self.c"));
  symlinkSync(tree.path("nowhere.c"), tree.path("dangling.c"));
  execFileSync("mkfifo", [tree.path("pipe.c")]);
});
afterAll(() => tree.remove());

describe("a folder of odd files", () => {
  it("is analysed to the end: skips are counted, and bugs beside odd text are found", async () => {
    const outcome = await lockctx([
      "check",
      "--scope",
      "files",
      "--format",
      "json",
      "--root",
      tree.root,
      tree.root,
    ]);
    expect(outcome.stderr).toBe("");
    expect(outcome.code).toBe(1);
    const { findings, stats } = findingsOf(outcome);
    expect(Object.fromEntries(stats.skippedFiles.map((s) => [s.path, s.reason]))).toMatchObject({
      "binary.c": "binary file",
      "large.c": expect.stringContaining("too large"),
      "pipe.c": "not a regular file",
      "self.c": "too many levels of symbolic links",
      "dangling.c": "no such file or directory",
    });
    expect(findings.map((f) => f.function)).toEqual(
      expect.arrayContaining([
        "crlf",
        "latin1",
        "bom",
        "before_open",
        "before_comment",
        "in_macros",
        "no_newline",
      ]),
    );
    expect(findings.map((f) => f.function)).toEqual(
      expect.arrayContaining([
        "after_nesting",
        "after_blocks",
        "after_ifs",
        "after_else_if",
        "after_long_line",
      ]),
    );
    const crlf = findings.find((f) => f.function === "crlf");
    expect(crlf).toMatchObject({ line: 6, column: 2, endColumn: 8 });
    const bom = findings.find((f) => f.function === "bom");
    expect(bom).toMatchObject({ line: 6, column: 2 });
  }, 120_000);
});

describe("an odd file that is named", () => {
  it.each([
    ["binary.c", "binary.c: binary file"],
    ["large.c", "large.c: too large: 20.0 MB (the limit is 16 MB)"],
    ["pipe.c", "pipe.c: not a regular file or folder"],
    ["self.c", "self.c: too many levels of symbolic links"],
    ["dangling.c", "dangling.c: no such file or directory"],
    ["gone.c", "gone.c: no such file or directory"],
  ])("%s is refused with one line", async (name, message) => {
    expect(await lockctx(["check", name], { cwd: tree.root })).toMatchObject({
      code: 2,
      stdout: "",
      stderr: `lockctx: ${message}\n`,
    });
  });

  it.each(["empty.c", "binary_late.c"])("%s is analysed and nothing is found", async (name) => {
    const outcome = await lockctx(["check", name], { cwd: tree.root });
    expect(outcome).toMatchObject({ code: 0, stderr: "" });
    expect(outcome.stdout).toContain("nothing found");
  });

  it.runIf(process.getuid?.() !== 0)("that may not be read is refused with one line", async () => {
    tree.put("secret.c", "int x;\n");
    execFileSync("chmod", ["000", tree.path("secret.c")]);
    expect(await lockctx(["check", "secret.c"], { cwd: tree.root })).toMatchObject({
      code: 2,
      stderr: "lockctx: secret.c: permission denied\n",
    });
  });
});
