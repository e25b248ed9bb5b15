// Latency of the server, driven over stdio as an editor does: from the last keystroke to the published diagnostics.
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { LspClient } from "./lib/lspClient.mjs";
import { quantile } from "./lib/numbers.mjs";

const FILES = ["fs/super.c", "mm/memcontrol.c", "mm/slub.c"];
/** A driver of about 270 KB; the first that is there. */
const LARGE = ["drivers/net/ethernet/broadcom/tg3.c", "fs/ext4/super.c"];
/** A function with over 1,000 callers that does not sleep, and the start of its body. */
const CALLED_EVERYWHERE = { file: "lib/string.c", name: "strscpy" };
const TIMES = 10;
const LOAD_LIMIT_MS = 15 * 60_000;

/** Offsets of a statement in the middle of the file: `\treturn …;` or a call. */
function statementIn(text) {
  const at = text.indexOf("\n\tif (", text.length >> 1);
  return at < 0 ? text.indexOf("\n\t") + 1 : at + 1;
}

/** The edits of a person at work: each [what, offset, length, text]. */
function* session(text) {
  const at = statementIn(text);
  yield ["type a character", at, 0, "x"];
  yield ["undo", at, 1, ""];
  yield ["insert a line", at, 0, '\tpr_debug("here");\n'];
  yield ["delete it", at, '\tpr_debug("here");\n'.length, ""];
  const call = /\b(?:kfree|spin_unlock|mutex_unlock)\(/g;
  call.lastIndex = text.length >> 1;
  const found = call.exec(text);
  if (found) {
    const name = found[0].slice(0, -1);
    yield ["rename a callee", found.index, name.length, "my_other_name"];
    yield ["rename it back", found.index, "my_other_name".length, name];
  }
}

function row(what, times) {
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((q) => quantile(times, q));
  const ms = (n) => n.toFixed(1).padStart(9);
  console.log(`  ${what.padEnd(44)}${ms(p50)}${ms(p95)}${ms(p99)}   (${times.length})`);
  return { what, p50, p95, p99, count: times.length };
}

/** `cache` is that of an earlier check of the tree: the server starts warm. */
export async function latency(root, cache, short = false) {
  const files = [...FILES, LARGE.find((f) => existsSync(join(root, f)))].filter(
    (f) => f && existsSync(join(root, f)),
  );
  const client = new LspClient(root, { LOCKCTX_CACHE_DIR: cache });
  const rows = [];
  try {
    const began = performance.now();
    await client.start();
    const first = client.until(
      "first diagnostics",
      (m) => m.method === "textDocument/publishDiagnostics" && m.params.uri.endsWith(files[0]),
      LOAD_LIMIT_MS,
    );
    client.open(files[0]);
    await first;
    const openMs = performance.now() - began;
    // Edits are measured when all open files have been shown and the whole tree has answered about them: it is ready then.
    const shown = new Set([files[0]]);
    const all = client.until(
      "all open files",
      ({ method, params }) => {
        const published = method === "textDocument/publishDiagnostics" ? params.uri : "";
        const file = files.find((f) => published.endsWith(f));
        if (file) shown.add(file);
        return method === "lockctx/status" && shown.size === files.length && params.health === "ready";
      },
      LOAD_LIMIT_MS,
    );
    for (const file of files.slice(1)) client.open(file);
    await all;
    console.log(
      `\nserver: open ${files[0]} to its first diagnostics ${(openMs / 1000).toFixed(2)} s (warm cache)`,
    );
    console.log(
      `  ${"keystroke to diagnostics, ms".padEnd(44)}${"p50".padStart(9)}${"p95".padStart(9)}${"p99".padStart(9)}`,
    );
    const everything = [];
    for (const file of files) {
      const times = [];
      for (let i = 0; i < (short ? 3 : TIMES); i++) {
        for (const [, at, length, text] of session(client.documents.get(file).text)) {
          times.push(await client.change(file, at, length, text));
        }
      }
      everything.push(...times);
      const kb = Math.round(statSync(join(root, file)).size / 1024);
      rows.push(row(`${file} (${kb} KB)`, times));
    }
    rows.push(row("all edits", everything));
    const wide = await wideChange(client, root, short);
    if (wide) rows.push(row(`${CALLED_EVERYWHERE.name}() sleeps, and not again`, wide));
    const memory = client.memory();
    if (memory) console.log(`  resident ${memory.nowMb.toFixed(0)} MB, peak ${memory.peakMb.toFixed(0)} MB`);
    return { openMs, rows, memory };
  } finally {
    await client.stop();
  }
}

/** Makes a function that everybody calls sleep and stop sleeping. */
async function wideChange(client, root, short) {
  const { file, name } = CALLED_EVERYWHERE;
  if (!existsSync(join(root, file))) return null;
  const shown = client.until(
    `diagnostics of ${file}`,
    (m) => m.method === "textDocument/publishDiagnostics" && m.params.uri.endsWith(file),
    LOAD_LIMIT_MS,
  );
  client.open(file);
  await shown;
  const { text } = client.documents.get(file);
  const head = new RegExp(`^[\\w ]*\\**\\b(?:sized_)?${name}\\([^;{]*\\)\\s*\\{\\n`, "m").exec(text);
  if (!head) return null;
  const at = head.index + head[0].length;
  const sleep = "\tmsleep(1);\n";
  const times = [];
  for (let i = 0; i < (short ? 2 : TIMES); i++) {
    times.push(await client.change(file, at, 0, sleep));
    times.push(await client.change(file, at, sleep.length, ""));
  }
  return times;
}

if (process.argv[1]?.endsWith("latency.mjs")) {
  const [root, cache] = process.argv.slice(2);
  if (!root) {
    console.error("node bench/latency.mjs TREE [CACHE-DIR]");
    process.exit(2);
  }
  await latency(root, cache ?? "");
}
