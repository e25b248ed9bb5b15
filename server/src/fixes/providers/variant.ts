/** Calls that have a twin with the same arguments that does not sleep. What the twin does not promise is said. */
import type { Finding, FindingPath } from "../../findings/types.js";
import {
  isStatementCall,
  type LeafRepair,
  leafCall,
  leafFix,
  listed,
  type NoRepair,
  renameCall,
} from "../leaf.js";
import type { Fix, FixSource } from "../types.js";

interface Variant {
  to: string;
  loss: string;
  warning?: string;
  precedent?: string;
  /** The twin returns something else: only where nobody looks at it. */
  statementOnly?: boolean;
}

const WORK_RUNS = "A run of the work that has begun goes on after the call returns.";
const TIMER_RUNS = "A handler that is running on another CPU goes on after the call returns.";
const URB_RUNS = "The URB's completion handler runs later, not before the call returns.";
const CANSLEEP = "A GPIO behind a sleeping bus (I2C, SPI) cannot be set this way; gpiolib warns then.";

export const VARIANTS: Record<string, Variant> = {
  vfree: {
    to: "vfree_atomic",
    loss: "The memory is given back later, by a work item.",
    warning: "vfree_atomic() is not exported: not for code that can be a module.",
    precedent: "arch/x86/kernel/ldt.c: free_ldt_struct()",
  },
  mmput: {
    to: "mmput_async",
    loss: "The last reference tears the address space down later, in a work item.",
    precedent: "drivers/android/binder_alloc.c: binder_alloc_free_page()",
  },
  disable_irq: {
    to: "disable_irq_nosync",
    loss: "A handler that is running on another CPU may still be running when the call returns.",
    precedent: "drivers/rtc/rtc-ds1374.c: ds1374_irq() disables its own line",
  },
  cancel_work_sync: { to: "cancel_work", loss: WORK_RUNS, precedent: "kernel/workqueue.c: cancel_work()" },
  cancel_delayed_work_sync: {
    to: "cancel_delayed_work",
    loss: WORK_RUNS,
    precedent: "sound/soc/codecs/rt5640.c: rt5640_irq()",
  },
  del_timer_sync: { to: "del_timer", loss: TIMER_RUNS },
  timer_delete_sync: { to: "timer_delete", loss: TIMER_RUNS },
  hrtimer_cancel: {
    to: "hrtimer_try_to_cancel",
    loss: TIMER_RUNS,
    warning: "It returns -1, and cancels nothing, while the handler runs.",
    statementOnly: true,
  },
  usb_kill_urb: { to: "usb_unlink_urb", loss: URB_RUNS, statementOnly: true },
  usb_poison_urb: {
    to: "usb_unlink_urb",
    loss: "The URB can be submitted again, and its completion handler runs later.",
    statementOnly: true,
  },
  usb_kill_anchored_urbs: { to: "usb_unlink_anchored_urbs", loss: URB_RUNS },
  tasklet_disable: {
    to: "tasklet_disable_nosync",
    loss: "The tasklet may still be running when the call returns.",
  },
  gpiod_set_value_cansleep: { to: "gpiod_set_value", loss: CANSLEEP },
  gpiod_get_value_cansleep: { to: "gpiod_get_value", loss: CANSLEEP },
  gpio_set_value_cansleep: { to: "gpio_set_value", loss: CANSLEEP },
  gpio_get_value_cansleep: { to: "gpio_get_value", loss: CANSLEEP },
  pm_runtime_put_sync: {
    to: "pm_runtime_put",
    loss: "The device is suspended later, by the runtime PM workqueue.",
  },
  pm_runtime_get_sync: {
    to: "pm_runtime_get",
    loss: "The device may not be powered yet when the call returns.",
    warning: "What follows must not touch the device before it has resumed.",
  },
  dmaengine_terminate_sync: {
    to: "dmaengine_terminate_async",
    loss: "Completion callbacks may still run when the call returns.",
    warning: "dmaengine_synchronize() has to follow, outside of the lock, before memory is freed.",
  },
  dmaengine_terminate_all: { to: "dmaengine_terminate_async", loss: "Completion callbacks may still run." },
  get_user_pages_fast: {
    to: "get_user_pages_fast_only",
    loss: "Pages that are not present are not faulted in: fewer may come back.",
  },
  kthread_cancel_work_sync: { to: "kthread_cancel_work", loss: WORK_RUNS },
  netif_napi_del: { to: "__netif_napi_del", loss: "The caller has to wait for an RCU grace period itself." },
};

export function variantFixes(finding: Finding, source: FixSource): Fix[] {
  return leafFix(
    "variant",
    "variant",
    finding,
    source,
    variantRepair,
    (whats) => `Use ${listed(whats)}`,
  ).filter((fix) => fix.edits.length > 0);
}

export function variantRepair(
  path: FindingPath,
  finding: Finding,
  source: FixSource,
): LeafRepair | NoRepair | null {
  const leaf = leafCall(path, source);
  const variant = leaf && VARIANTS[leaf.call.name];
  if (!leaf || !variant || !Object.hasOwn(VARIANTS, leaf.call.name)) return null;
  if (!source.has(variant.to)) return { why: `this kernel has no ${variant.to}()` };
  if (variant.statementOnly && !isStatementCall(leaf.call)) return null;
  const elsewhere = leaf.fn.name !== finding.function || leaf.fn.file !== finding.file;
  const warnings = variant.warning ? [variant.warning] : [];
  if (elsewhere) warnings.push(`${leaf.fn.name}() loses the guarantee for its other callers too.`);
  return {
    edits: [renameCall(leaf, variant.to)],
    what: `${variant.to}() instead of ${leaf.call.name}()`,
    checks: [`${variant.to}() exists in this kernel and takes the same arguments`],
    losses: [variant.loss],
    warnings,
    ...(variant.precedent ? { precedent: [variant.precedent] } : {}),
  };
}
