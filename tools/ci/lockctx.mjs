// Runs the built command and measures it: wall time, and the highest resident memory as the system counts it.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "../setup.mjs";

const SAMPLE_MS = 250;

function peakMb(pid) {
  try {
    const match = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return match ? Number(match[1]) / 1024 : 0;
  } catch {
    return 0;
  }
}

/** Ends the run after `limitSeconds`. Gives exit code, output, seconds and peak memory in MB. */
export function measure(args, { cwd, limitSeconds }) {
  return new Promise((done) => {
    const began = process.hrtime.bigint();
    const child = spawn(process.execPath, [join(repoRoot, "server", "bin", "lockctx.js"), ...args], {
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    let mb = 0;
    let timedOut = false;
    const sampler = setInterval(() => {
      mb = Math.max(mb, peakMb(child.pid));
    }, SAMPLE_MS);
    const limit = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, limitSeconds * 1000);
    child.stdout.setEncoding("utf8").on("data", (d) => {
      stdout += d;
    });
    child.stderr.setEncoding("utf8").on("data", (d) => {
      stderr += d;
    });
    child.on("close", (code) => {
      clearInterval(sampler);
      clearTimeout(limit);
      const seconds = Number(process.hrtime.bigint() - began) / 1e9;
      done({ code, stdout, stderr, seconds, mb, timedOut });
    });
  });
}
