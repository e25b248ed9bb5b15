// How long a file that is opened waits for what the server knows about it: every publication and every state of the
// server with its time, until the whole tree has answered. Cold (an empty cache) or warm.
import { LspClient } from "./lib/lspClient.mjs";

const LIMIT_MS = 20 * 60_000;
/** A state with another percentage is not another state. */
const withoutPercent = (message) => message.replace(/ \d+%/, "");

/** Opens one file; gives the time and the CPU of each publication, and when the whole tree had answered. */
export async function opening(root, cache, file, say = () => {}) {
  const client = new LspClient(root, { LOCKCTX_CACHE_DIR: cache });
  const began = performance.now();
  const now = () => ({ ms: performance.now() - began, cpu: client.cpu() });
  const tell = (what) => {
    const { ms, cpu } = now();
    say(`${(ms / 1000).toFixed(2).padStart(8)} s ${(cpu ?? 0).toFixed(2).padStart(8)} s CPU  ${what}`);
  };
  const published = [];
  let last = "";
  try {
    const whole = client.until(
      "the whole tree",
      ({ method, params }) => {
        if (method === "textDocument/publishDiagnostics" && params.uri.endsWith(file)) {
          published.push({ ...now(), count: params.diagnostics.length });
          tell(`published ${params.diagnostics.length}`);
        }
        if (method !== "lockctx/status" || params.trees.length === 0) return false;
        if (last !== withoutPercent(params.message)) tell(`${params.health}: ${params.message}`);
        last = withoutPercent(params.message);
        return params.health !== "indexing";
      },
      LIMIT_MS,
    );
    await client.start();
    client.open(file);
    await whole;
    // What the whole tree says may be what was said before, and is not sent again then.
    const ready = now();
    await new Promise((done) => setTimeout(done, 3000));
    return { published, ready, memory: client.memory() };
  } finally {
    await client.stop();
  }
}

if (process.argv[1]?.endsWith("opening.mjs")) {
  const [root, file, cache] = process.argv.slice(2);
  if (!cache) {
    console.error("node bench/opening.mjs TREE FILE CACHE-DIR");
    process.exit(2);
  }
  const { memory } = await opening(root, cache, file, console.log);
  if (memory) console.log(`resident ${memory.nowMb.toFixed(0)} MB, peak ${memory.peakMb.toFixed(0)} MB`);
}
