/** Starts a real VS Code (its server and web workbench) with the extension installed, and a browser on it. */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** `vsix` is installed; `settings` are the user's. Answers the address, the data folder and how to stop it. */
export async function serveVscode({ vscode, vsix, settings = {}, env = {} }) {
  const data = mkdtempSync(join(tmpdir(), "lockctx-vscode-"));
  mkdirSync(join(data, "data/User"), { recursive: true });
  writeFileSync(
    join(data, "data/User/settings.json"),
    JSON.stringify({
      "workbench.startupEditor": "none",
      "workbench.tips.enabled": false,
      "telemetry.telemetryLevel": "off",
      "update.mode": "none",
      "extensions.ignoreRecommendations": true,
      "git.enabled": false,
      "files.autoSave": "off",
      "editor.minimap.enabled": false,
      "files.simpleDialog.enable": true,
      "files.exclude": { "**/.cache": true },
      ...settings,
    }),
  );
  const main = join(vscode, "out/server-main.js");
  const base = [
    "--server-data-dir",
    data,
    "--extensions-dir",
    join(data, "ext"),
    "--accept-server-license-terms",
  ];
  if (vsix) execFileSync(process.execPath, [main, ...base, "--install-extension", vsix], { stdio: "pipe" });
  const port = await freePort();
  const log = openSync(join(data, "server.log"), "w");
  const child = spawn(
    process.execPath,
    // biome-ignore format: options with their values
    [main, ...base, "--telemetry-level", "off", "--host", "127.0.0.1", "--port", String(port),
      "--without-connection-token", "--disable-workspace-trust", "--enable-smoke-test-driver"],
    { detached: true, stdio: ["ignore", log, log], env: { ...process.env, ...env } },
  );
  const url = `http://127.0.0.1:${port}/`;
  for (let i = 0; ; i++) {
    try {
      await fetch(url);
      break;
    } catch (error) {
      if (i > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  return {
    url,
    port,
    data,
    stop() {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // already gone
      }
      rmSync(data, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
];

/** A browser window of its own on the address; `before` sees the page before it is loaded. */
export async function openBrowser(chromium, url, before) {
  const profile = mkdtempSync(join(tmpdir(), "lockctx-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: "/usr/bin/chromium",
    args: CHROMIUM_ARGS,
    viewport: { width: 1280, height: 800 },
    permissions: ["clipboard-read", "clipboard-write"],
  });
  const page = context.pages()[0] ?? (await context.newPage());
  if (before) await before(page);
  await page.goto(url);
  return {
    page,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
