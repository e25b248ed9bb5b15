// What the numbers were measured on and with.
import { spawnSync } from "node:child_process";
import { cpus, loadavg, release, totalmem } from "node:os";

const first = (command, ...args) =>
  (spawnSync(command, args, { encoding: "utf8" }).stdout ?? "").split("\n")[0].trim();

export function machine() {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    compiler: first("cc", "--version"),
    commit: first("git", "rev-parse", "--short", "HEAD"),
    // Ratios are of one run and survive a busy machine; seconds do not.
    loadBefore: Number(loadavg()[0].toFixed(2)),
  };
}
