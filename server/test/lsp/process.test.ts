/** The built server as editors start it: over stdio, with a clean end and a tough skin. */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ServerProcess } from "./process.js";

const BIN = fileURLToPath(new URL("../../bin/lockctx.js", import.meta.url));
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "lockctx-lsp-"));
  cpSync(fileURLToPath(new URL("../../../test-fixtures/put-super", import.meta.url)), root, {
    recursive: true,
  });
  for (const name of ["Kconfig", "Makefile", "MAINTAINERS"]) writeFileSync(join(root, name), "");
});
afterEach(() => rmSync(root, { recursive: true }));

describe("lockctx lsp --stdio", () => {
  it("finds the example's bug over two files, with both ways to sleep, and ends with 0", async () => {
    const server = await new ServerProcess(root).start();
    server.open("fs/super.c", readFileSync(join(root, "fs/super.c"), "utf8"));
    await server.settle(["fs/super.c"]);
    const diagnostics = server.diagnosticsOf("fs/super.c");
    expect(diagnostics).toHaveLength(3);
    const text = diagnostics[0]!.relatedInformation!.map(({ message }) => message).join("\n");
    expect(text).toMatch(/^1\/6 sb_lock taken here\n2\/6 put_super\(\) calls __put_super\(\)\n/);
    expect(text).toMatch(/mutex_lock\(\)/);
    expect(text).toMatch(/down_read\(\)/);
    expect(await server.stop()).toBe(0);
  });

  it("answers who uses the lock at a place, as a command and as references", async () => {
    const server = await new ServerProcess(root).start();
    const text = readFileSync(join(root, "fs/super.c"), "utf8");
    server.open("fs/super.c", text);
    await server.settle(["fs/super.c"]);
    const uri = server.uriOf("fs/super.c");
    const lines = text.split("\n");
    const line = lines.findIndex((l) => l.includes("spin_lock(&sb_lock)"));
    const position = { line, character: lines[line].indexOf("sb_lock") };
    const ask = (arg: object): Promise<unknown> =>
      server.connection.sendRequest("workspace/executeCommand", {
        command: "lockctx.lockUsers",
        arguments: [arg],
      });
    const answer = (await ask({ uri, ...position })) as { lock: string; places: { kind: string }[] };
    expect(answer.lock).toBe("fs/super.c:sb_lock");
    const taken = lines.filter((l) => l.includes("spin_lock(&sb_lock)")).length;
    expect(answer.places.filter((p) => p.kind === "section")).toHaveLength(taken);
    expect(await ask({ uri, lock: "sb_lock" })).toEqual(answer);
    await expect(ask({ uri, line: 0, character: 0 })).rejects.toThrow(/There is no lock here/);
    await expect(ask({})).rejects.toThrow(/Name a lock or a place/);
    const references = (at: object): Promise<unknown> =>
      server.connection.sendRequest("textDocument/references", {
        textDocument: { uri },
        position: at,
        context: { includeDeclaration: true },
      });
    const places = (await references(position)) as {
      uri: string;
      range: { start: { line: number } };
    }[];
    expect(
      places
        .filter((p) => p.uri === uri)
        .map((p) => lines[p.range.start.line])
        .every((l) => /sb_lock|\)$/.test(l)),
    ).toBe(true);
    expect(places.length).toBeGreaterThanOrEqual(2 * taken);
    expect(await references({ line: 0, character: 0 })).toBeNull();
    expect(await server.stop()).toBe(0);
  });

  it("ends with 1 when it is told to exit without a shutdown, and when its client is gone", async () => {
    const asked = await new ServerProcess(root).start();
    await asked.connection.sendNotification("exit");
    expect(await asked.exited).toBe(1);
    const left = await new ServerProcess(root).start();
    left.child.stdin!.end();
    expect(await left.exited).toBe(1);
  });

  it("puts nothing but messages on standard output", async () => {
    const child = spawn(process.execPath, [BIN, "lsp", "--stdio"], { stdio: ["pipe", "pipe", "ignore"] });
    let output = "";
    child.stdout.on("data", (data) => {
      output += data;
    });
    const send = (message: object): void => {
      const body = JSON.stringify({ jsonrpc: "2.0", ...message });
      child.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    };
    send({
      id: 1,
      method: "initialize",
      params: { processId: null, rootUri: `file://${root}`, capabilities: {} },
    });
    send({ method: "initialized", params: {} });
    send({ id: 2, method: "shutdown" });
    while (!output.includes('"id":2')) await new Promise((resolve) => setTimeout(resolve, 20));
    send({ method: "exit" });
    await new Promise((resolve) => child.once("exit", resolve));
    let rest = output;
    const ids: unknown[] = [];
    while (rest !== "") {
      const header = /^Content-Length: (\d+)\r\n\r\n/.exec(rest);
      expect(header, rest.slice(0, 80)).not.toBeNull();
      const body = rest.slice(header![0].length, header![0].length + Number(header![1]));
      const { id } = JSON.parse(body);
      if (id !== undefined) ids.push(id);
      rest = rest.slice(header![0].length + body.length);
    }
    expect(ids).toEqual(expect.arrayContaining([1, 2]));
  });

  it("says what is wrong when a person starts it wrongly", async () => {
    const child = spawn(process.execPath, [BIN, "lsp", "--tcp"], { stdio: ["ignore", "ignore", "pipe"] });
    let error = "";
    child.stderr.on("data", (data) => {
      error += data;
    });
    expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(2);
    expect(error).toMatch(/unknown option '--tcp'/);
  });
});
