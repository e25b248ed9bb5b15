/** Runs `api.cjs` inside the extension host of a real VS Code. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { adopt, check } from "../report.mjs";
import { makeWorkspace } from "../workspace.mjs";
import { openBrowser, serveVscode } from "./serve.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const LIMIT_MS = 180_000;

export async function testApi({ vscode, chromium, vsix }) {
  const server = await serveVscode({ vscode, vsix });
  const workspace = makeWorkspace({ kernelTree: true });
  const at = (path) => `vscode-remote://127.0.0.1:${server.port}${path}`;
  const payload = JSON.stringify([
    ["extensionDevelopmentPath", at(join(here, "harness"))],
    ["extensionTestsPath", at(join(here, "api.cjs"))],
    ["enableProposedApi", ""],
    ["skipWelcome", "true"],
  ]);
  let output = "";
  let browser;
  try {
    await check("VS Code extension host: the tests run to their end", async () => {
      const ended = new Promise((resolve, reject) => {
        setTimeout(
          () => reject(new Error(`no end within ${LIMIT_MS} ms; so far:\n${output}`)),
          LIMIT_MS,
        ).unref();
        const url = `${server.url}?folder=${workspace.root}&payload=${encodeURIComponent(payload)}`;
        openBrowser(chromium, url, async (page) => {
          await page.exposeFunction("codeAutomationLog", (_type, args) => {
            output += `${args.join(" ")}\n`;
          });
          await page.exposeFunction("codeAutomationExit", resolve);
        }).then((opened) => {
          browser = opened;
        }, reject);
      });
      await ended;
      if (!/^done \d+$/m.test(output)) throw new Error(`the tests did not end by themselves:\n${output}`);
    });
    adopt("VS Code extension host", output);
  } finally {
    await browser?.close();
    server.stop();
    workspace.remove();
  }
}
