/** Short waits that sleep → the same time by busy waiting, with the units of the new function and within its limits. */
import type { Finding, FindingPath } from "../../findings/types.js";
import { constantOf } from "../constants.js";
import {
  isStatementCall,
  type LeafCall,
  type LeafRepair,
  leafCall,
  leafFix,
  listed,
  type NoRepair,
  renameCall,
} from "../leaf.js";
import { K } from "../syntax.js";
import type { Fix, FixSource } from "../types.js";

/** Longer busy waits are not offered: the CPU does nothing else meanwhile. */
const LONGEST_US = 20_000;
/** udelay() is made for waits up to this; longer ones are mdelay's. */
const LONGEST_UDELAY = 1000;

/** Waits by name: how many microseconds an argument counts, and which argument. */
const WAITS: Record<string, { arg: number; unit: number }> = {
  msleep: { arg: 0, unit: 1000 },
  msleep_interruptible: { arg: 0, unit: 1000 },
  ssleep: { arg: 0, unit: 1_000_000 },
  usleep_range: { arg: 0, unit: 1 },
  usleep_idle_range: { arg: 0, unit: 1 },
  usleep_range_state: { arg: 0, unit: 1 },
  fsleep: { arg: 0, unit: 1 },
};
const POLL = /^((?:read[bwlq](?:_relaxed)?|read|regmap(?:_field)?_read)_poll_timeout)$/;

export function delayFixes(finding: Finding, source: FixSource): Fix[] {
  return leafFix("delay", "delay", finding, source, delayRepair, (whats) =>
    whats.length > 0 ? `Busy-wait: ${listed(whats)}` : "Restructure the wait: it is too long to busy-wait",
  );
}

export function delayRepair(
  path: FindingPath,
  _finding: Finding,
  source: FixSource,
): LeafRepair | NoRepair | null {
  const leaf = leafCall(path, source);
  if (!leaf) return null;
  const { name } = leaf.call;
  if (POLL.test(name)) return pollRepair(leaf, source);
  const wait = WAITS[name];
  if (!wait || leaf.call.argList.length <= wait.arg || !isStatementCall(leaf.call)) return null;
  const argument = leaf.call.argList[wait.arg];
  const text = leaf.syntax.text(argument);
  const value = constantOf(text, leaf.fn.file, source);
  if (value === null)
    return {
      why: `the time ${text} is not a constant that can be seen here`,
      sketch: advice(leaf.call.name, text),
    };
  const us = value * wait.unit;
  if (us > LONGEST_US)
    return {
      why: `${leaf.syntax.text(leaf.call.node)} waits ${us / 1000} ms: too long for busy waiting with the CPU held`,
      sketch: advice(leaf.call.name, text),
    };
  // The author's expression is kept where the unit stays, so that named constants keep their names.
  const call =
    us > LONGEST_UDELAY
      ? `mdelay(${wait.unit === 1000 ? text : Math.ceil(us / 1000)})`
      : wait.unit === 1000
        ? `mdelay(${text})`
        : `udelay(${wait.unit === 1 ? text : us})`;
  const warnings = [`The CPU does nothing else for ${us >= 1000 ? `${us / 1000} ms` : `${us} us`}.`];
  if (inLoop(leaf)) warnings.push("It stands in a loop: the whole time is that of all rounds.");
  if (us > 1000) warnings.push("With interrupts off or a lock held this long, other CPUs wait as well.");
  return {
    edits: [{ file: leaf.fn.file, offset: leaf.call.node.start, endOffset: leaf.call.node.end, text: call }],
    what: `${call} for ${leaf.syntax.text(leaf.call.node)}`,
    checks: [`the time is constant and at most ${LONGEST_US / 1000} ms`, "the result is not used"],
    losses: ["Nothing else runs on this CPU while it waits."],
    warnings,
    precedent: [
      "drivers/usb/host/pci-quirks.c: usb_asmedia_wait_write()",
      "drivers/spi/spi-cadence.c: cdns_spi_process_fifo()",
    ],
  };
}

function pollRepair(leaf: LeafCall, source: FixSource): LeafRepair | NoRepair | null {
  const atomic = `${leaf.call.name}_atomic`;
  if (!source.has(atomic)) return { why: `this kernel has no ${atomic}()` };
  const isRegmap = leaf.call.name.startsWith("regmap");
  const timeoutArg = leaf.call.argList[leaf.call.name === "read_poll_timeout" ? 4 : isRegmap ? 5 : 4];
  const timeout = timeoutArg ? constantOf(leaf.syntax.text(timeoutArg), leaf.fn.file, source) : null;
  const warnings = ["It busy-waits between the reads; the kernel asks for delays of about 10 us at most."];
  if (timeout === null || timeout > LONGEST_US)
    warnings.push(
      timeout === null
        ? "Its longest time is not a constant that can be seen here."
        : `It may take ${timeout / 1000} ms when the condition never comes true.`,
    );
  return {
    edits: [renameCall(leaf, atomic)],
    what: `${atomic}() for ${leaf.call.name}()`,
    checks: [`${atomic}() exists in this kernel and takes the same arguments`],
    losses: ["Nothing else runs on this CPU while it polls."],
    warnings,
    precedent: ["drivers/clk/xilinx/clk-xlnx-clock-wizard.c: clk_wzrd_dynamic_reconfig()"],
  };
}

function inLoop({ call }: LeafCall): boolean {
  for (let n = call.node.parent; n; n = n.parent)
    if (n.kind === K.for_statement || n.kind === K.while_statement || n.kind === K.do_statement) return true;
  return false;
}

function advice(name: string, time: string): string {
  return [
    `${name}(${time}) is too long to busy-wait (or its length is not known), so the wait has to leave the atomic section:`,
    "- split the operation at the wait: start it under the lock, drop the lock, sleep, retake it and look again at what may have changed;",
    "- or let a (delayed) work item do the part after the wait: queue_delayed_work(wq, &obj->work, msecs_to_jiffies(n));",
    "- or poll with a bound in small busy waits (read_poll_timeout_atomic), where the device is usually quick.",
  ].join("\n");
}
