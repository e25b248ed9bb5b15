// Runs the built command and measures it: CPU and wall time, and the highest resident memory as the system counts it.
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

/** Seconds of all its threads so far, which other programs on the machine do not make more. */
function cpuSeconds(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [user, system] = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .slice(11, 13);
    return (Number(user) + Number(system)) / 100;
  } catch {
    return 0;
  }
}

/** How much longer than its CPU time a run may take on a machine with other work, before it counts as hung. */
const PATIENCE = 2;

/** Ends the run after `limitSeconds` of CPU. Gives exit code, output, CPU and wall seconds, and peak memory in MB. */
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
    let cpu = 0;
    const end = () => {
      timedOut = true;
      child.kill("SIGKILL");
    };
    const sampler = setInterval(() => {
      mb = Math.max(mb, peakMb(child.pid));
      cpu = Math.max(cpu, cpuSeconds(child.pid));
      if (cpu > limitSeconds) end();
    }, SAMPLE_MS);
    const limit = setTimeout(end, limitSeconds * PATIENCE * 1000);
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
      done({ code, stdout, stderr, cpu, seconds, mb, timedOut });
    });
  });
}
