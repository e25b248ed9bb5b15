/** The shipped facts: every file of data/, as modules so that no file needs to be read at run time. */
import contexts from "./data/contexts.json" with { type: "json" };
import guards from "./data/guards.json" with { type: "json" };
import locksAtomic from "./data/locks-atomic.json" with { type: "json" };
import locksSleeping from "./data/locks-sleeping.json" with { type: "json" };
import names from "./data/names.json" with { type: "json" };
import ops from "./data/ops.json" with { type: "json" };
import properties from "./data/properties.json" with { type: "json" };
import registrations from "./data/registrations.json" with { type: "json" };
import sleepersCore from "./data/sleepers-core.json" with { type: "json" };
import sleepersDrivers from "./data/sleepers-drivers.json" with { type: "json" };
import sleepersIo from "./data/sleepers-io.json" with { type: "json" };
import sleepersMemory from "./data/sleepers-memory.json" with { type: "json" };

export const SHIPPED: readonly { file: string; content: unknown }[] = [
  { file: "locks-atomic.json", content: locksAtomic },
  { file: "locks-sleeping.json", content: locksSleeping },
  { file: "guards.json", content: guards },
  { file: "contexts.json", content: contexts },
  { file: "properties.json", content: properties },
  { file: "sleepers-core.json", content: sleepersCore },
  { file: "sleepers-memory.json", content: sleepersMemory },
  { file: "sleepers-drivers.json", content: sleepersDrivers },
  { file: "sleepers-io.json", content: sleepersIo },
  { file: "names.json", content: names },
  { file: "registrations.json", content: registrations },
  { file: "ops.json", content: ops },
];
