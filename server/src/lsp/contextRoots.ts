/** The user's context roots as facts about the kernel: callbacks that it enters in atomic context. */
import { parseAdditions } from "../kernel/additions.js";
import type { Additions } from "../kernel/load.js";
import type { ContextRoot } from "./config.js";

/** One entry a name, for facts may be given once. */
export function contextRootFacts(roots: readonly ContextRoot[]): Additions[] {
  if (roots.length === 0) return [];
  const opsFields = new Map<string, object>();
  const registrations = new Map<
    string,
    { name: string; callbacks: { arg: number; context: string; what: string }[] }
  >();
  for (const root of roots) {
    if ("struct" in root) {
      const { struct, field, context } = root;
      opsFields.set(`${struct}.${field}`, { struct, fields: [field], context, what: `${struct}.${field}` });
      continue;
    }
    const { registration: name, arg, context } = root;
    const entry = registrations.get(name) ?? { name, callbacks: [] };
    entry.callbacks = [
      ...entry.callbacks.filter((callback) => callback.arg !== arg),
      { arg, context, what: name },
    ];
    registrations.set(name, entry);
  }
  const tables = { opsFields: [...opsFields.values()], registrations: [...registrations.values()] };
  return [parseAdditions("settings: contextRoots", tables)];
}
