// As much of an editor as a latency benchmark needs: the protocol's framing, open documents, and published diagnostics.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const bin = fileURLToPath(new URL("../../server/bin/lockctx.js", import.meta.url));

export class LspClient {
  #waiting = new Map();
  #listeners = new Set();
  #buffer = Buffer.alloc(0);
  #id = 0;

  constructor(root, env) {
    this.root = root;
    this.documents = new Map();
    this.child = spawn(process.execPath, [bin, "lsp", "--stdio"], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.child.stdout.on("data", (data) => this.#receive(data));
    this.child.on("exit", (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the server ended with ${code}`));
    });
  }

  #receive(data) {
    this.#buffer = Buffer.concat([this.#buffer, data]);
    for (;;) {
      const end = this.#buffer.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(/content-length: *(\d+)/i.exec(this.#buffer.toString("latin1", 0, end))?.[1]);
      if (this.#buffer.length < end + 4 + length) return;
      const message = JSON.parse(this.#buffer.toString("utf8", end + 4, end + 4 + length));
      this.#buffer = this.#buffer.subarray(end + 4 + length);
      this.#dispatch(message);
    }
  }

  #dispatch(message) {
    if (message.method === undefined) {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error) waiting?.reject(new Error(message.error.message));
      else waiting?.resolve(message.result);
      return;
    }
    if (message.id !== undefined) {
      const items =
        message.method === "workspace/configuration" ? message.params.items.map(() => null) : null;
      this.#send({ id: message.id, result: items });
    }
    for (const listener of this.#listeners) listener(message);
  }

  #send(message) {
    const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
    this.child.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
    this.child.stdin.write(body);
  }

  request(method, params) {
    const id = ++this.#id;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#send({ id, method, params });
    return answer;
  }

  notify(method, params) {
    this.#send({ method, params });
  }

  /** Resolves with the first message that fits, or rejects after the limit. */
  until(what, fits, limitMs) {
    return new Promise((resolve, reject) => {
      const listener = (message) => {
        if (!fits(message)) return;
        clearTimeout(timer);
        this.#listeners.delete(listener);
        resolve(message);
      };
      const timer = setTimeout(() => {
        this.#listeners.delete(listener);
        reject(new Error(`${what}: nothing within ${limitMs / 1000} s`));
      }, limitMs);
      this.#listeners.add(listener);
    });
  }

  async start() {
    const folder = pathToFileURL(this.root).href;
    await this.request("initialize", {
      processId: process.pid,
      rootUri: folder,
      workspaceFolders: [{ uri: folder, name: "tree" }],
      capabilities: {
        window: { workDoneProgress: true },
        workspace: { configuration: true, workspaceFolders: true },
        textDocument: { publishDiagnostics: { versionSupport: true, relatedInformation: true } },
      },
    });
    this.notify("initialized", {});
  }

  /** Opens a file with the text on disk. */
  open(file) {
    const uri = pathToFileURL(join(this.root, file)).href;
    const text = readFileSync(join(this.root, file), "utf8");
    this.documents.set(file, { uri, text, version: 1 });
    this.notify("textDocument/didOpen", { textDocument: { uri, languageId: "c", version: 1, text } });
  }

  /** Replaces text[at, at + length) as an editor does, in one incremental change; gives the milliseconds to the diagnostics. */
  async change(file, at, length, text, watched = file) {
    const doc = this.documents.get(file);
    const position = (offset) => {
      const before = doc.text.slice(0, offset);
      const line = before.split("\n").length - 1;
      return { line, character: offset - (before.lastIndexOf("\n") + 1) };
    };
    const range = { start: position(at), end: position(at + length) };
    doc.text = doc.text.slice(0, at) + text + doc.text.slice(at + length);
    doc.version++;
    const { uri, version } = this.documents.get(watched);
    const arrived = this.until(`diagnostics of ${watched}`, (m) => isFor(m, uri, version), 300_000);
    const began = performance.now();
    this.notify("textDocument/didChange", {
      textDocument: { uri: doc.uri, version: doc.version },
      contentChanges: [{ range, text }],
    });
    await arrived;
    return performance.now() - began;
  }

  /** Megabytes of resident memory now and at the peak, where the system tells. */
  memory() {
    try {
      const status = readFileSync(`/proc/${this.child.pid}/status`, "utf8");
      const mb = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]) / 1024;
      return { nowMb: mb("VmRSS"), peakMb: mb("VmHWM") };
    } catch {
      return null;
    }
  }

  /** Seconds of CPU that the server has used, its threads included, where the system tells. */
  cpu() {
    try {
      const fields = readFileSync(`/proc/${this.child.pid}/stat`, "utf8").split(") ")[1].split(" ");
      return (Number(fields[11]) + Number(fields[12])) / 100;
    } catch {
      return null;
    }
  }

  async stop() {
    const gone = new Promise((done) => this.child.once("exit", done));
    await Promise.race([this.request("shutdown").catch(() => {}), new Promise((d) => setTimeout(d, 5000))]);
    this.notify("exit");
    const timer = setTimeout(() => this.child.kill("SIGKILL"), 5000);
    await gone;
    clearTimeout(timer);
  }
}

const isFor = (message, uri, version) =>
  message.method === "textDocument/publishDiagnostics" &&
  message.params.uri === uri &&
  message.params.version === version;
