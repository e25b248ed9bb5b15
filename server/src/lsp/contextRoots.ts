/** Adds the user's context roots to what is known about the kernel: callbacks that it enters in atomic context. */
import type { KernelTables, OpsField, Registration } from "../kernel/types.js";
import type { ContextRoot } from "./config.js";

const SOURCE = "settings: contextRoots";

export function withContextRoots(tables: KernelTables, roots: readonly ContextRoot[]): KernelTables {
  if (roots.length === 0) return tables;
  const opsFields = new Map<string, OpsField>(tables.opsFields);
  const registrations = new Map<string, Registration>(tables.registrations);
  for (const root of roots) {
    if ("struct" in root) {
      const { struct, field, context } = root;
      opsFields.set(`${struct}.${field}`, { struct, field, context, confidence: "medium", source: SOURCE });
    } else {
      const { registration: name, arg, context } = root;
      const known = registrations.get(name);
      const callbacks = [
        ...(known?.callbacks ?? []).filter((c) => c.arg !== arg),
        { arg, context, what: "callback" },
      ];
      registrations.set(name, { ...(known ?? { name, confidence: "medium", source: SOURCE }), callbacks });
    }
  }
  return { ...tables, opsFields, registrations };
}
