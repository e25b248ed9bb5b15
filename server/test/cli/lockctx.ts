/** Runs the built command line as a user would. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findingsFileSchema } from "../../src/findings/schema.js";

export const lockctxBin = fileURLToPath(new URL("../../bin/lockctx.js", import.meta.url));
const built = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  started?: (child: ChildProcess) => void;
}

export function lockctx(args: readonly string[], { cwd, env, started }: RunOptions = {}): Promise<Outcome> {
  if (!existsSync(built)) throw new Error("not built: run `npm run build` first");
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [lockctxBin, ...args], {
      cwd,
      env: {
        ...process.env,
        NO_COLOR: undefined,
        FORCE_COLOR: undefined,
        LOCKCTX_DEBUG: undefined,
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (d) => {
      stdout += d;
    });
    child.stderr.on("data", (d) => {
      stderr += d;
    });
    child.on("error", failed);
    child.on("close", (code, signal) => done({ code, signal, stdout, stderr }));
    started?.(child);
  });
}

/** The findings file on standard output, checked against the schema. */
export const findingsOf = ({ stdout }: Outcome) => findingsFileSchema.parse(JSON.parse(stdout));

/** A tree in a folder of its own. */
export class TempTree {
  readonly root = mkdtempSync(join(tmpdir(), "lockctx-cli-"));

  put(path: string, content: string | Buffer = ""): this {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), content);
    return this;
  }

  /** The files by which a kernel tree is known. */
  asKernel(): this {
    return this.put("Kconfig").put("MAINTAINERS").put("Makefile", "VERSION = 6\nPATCHLEVEL = 12\n");
  }

  path(name: string): string {
    return join(this.root, name);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** A file with one bug in the function of that name; `sleep` is the statement under the lock. */
export const buggy = (name: string, sleep = "msleep(1);"): string => `static DEFINE_SPINLOCK(lock);

void ${name}(void)
{
	spin_lock(&lock);
	${sleep}
	spin_unlock(&lock);
}
`;
