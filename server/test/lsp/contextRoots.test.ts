/** Context roots from the settings reach the analysis: a callback of the user's own subsystem is entered in atomic context. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { contextRootFacts } from "../../src/lsp/contextRoots.js";
import { ServerProcess } from "./process.js";

const DRIVER = `struct my_ops {
	void (*kick)(void);
};

static DEFINE_MUTEX(m);

static void my_kick(void)
{
	mutex_lock(&m);
	mutex_unlock(&m);
}

static const struct my_ops ops = {
	.kick = my_kick,
};

static void my_event(void *data)
{
	mutex_lock(&m);
	mutex_unlock(&m);
}

void start(void)
{
	my_register_handler(1, my_event);
}
`;

it("of both kinds are found by the server", { timeout: 60_000 }, async () => {
  const root = mkdtempSync(join(tmpdir(), "lockctx-roots-"));
  for (const name of ["Kconfig", "Makefile", "MAINTAINERS"]) writeFileSync(join(root, name), "");
  writeFileSync(join(root, "driver.c"), DRIVER);
  const server = await new ServerProcess(root).start();
  server.open("driver.c", DRIVER);
  await server.settle(["driver.c"]);
  expect(server.diagnosticsOf("driver.c")).toEqual([]);
  server.settings = {
    contextRoots: [
      { struct: "my_ops", field: "kick", context: "hardirq" },
      { registration: "my_register_handler", arg: 1, context: "softirq" },
    ],
  };
  await server.connection.sendNotification("workspace/didChangeConfiguration", { settings: null });
  await server.until("findings", () => server.diagnosticsOf("driver.c").length > 0);
  const found = server.diagnosticsOf("driver.c").map(({ code, message }) => [code, /^\w+/.exec(message)![0]]);
  expect(found).toEqual([
    ["sleep-in-atomic-callback", "my_kick"],
    ["sleep-in-atomic-callback", "my_event"],
  ]);
  await server.stop();
  rmSync(root, { recursive: true });
});

it("that name the same function twice are one fact", () => {
  const [facts] = contextRootFacts([
    { registration: "r", arg: 0, context: "hardirq" },
    { registration: "r", arg: 1, context: "rcu" },
    { registration: "r", arg: 0, context: "nmi" },
  ]);
  expect(facts!.fragment.registrations).toHaveLength(1);
  expect(facts!.fragment.registrations[0]!.callbacks.map(({ arg, context }) => [arg, context])).toEqual([
    [1, "rcu"],
    [0, "nmi"],
  ]);
});
