/** The lockctx command: its sub-commands, and one place that turns every outcome into an exit code and a message. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { CancelledError, ExitCode, UsageError } from "./errors.js";

/** What a command is given to work with. */
export interface CommandContext {
  cwd: string;
  /** Fires on Ctrl+C. */
  signal: AbortSignal;
  setExitCode(code: number): void;
}

type Register = (program: Command, context: CommandContext) => void;

/** One entry a command, one file each under commands/. What the others are made of is not loaded. */
const COMMANDS: Readonly<Record<string, () => Promise<Register>>> = {
  check: async () => (await import("./commands/check.js")).registerCheck,
  explain: async () => (await import("./commands/explain.js")).registerExplain,
  fix: async () => (await import("./commands/fix.js")).registerFix,
  graph: async () => (await import("./commands/graph.js")).registerGraph,
  lock: async () => (await import("./commands/lock.js")).registerLock,
  rule: async () => (await import("./commands/rule.js")).registerRule,
  index: async () => (await import("./commands/index.js")).registerIndex,
  cache: async () => (await import("./commands/cache.js")).registerCache,
  lsp: async () => (await import("./commands/lsp.js")).registerLsp,
  dump: async () => (await import("./commands/dump.js")).registerDump,
};

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const HELP = `
Start here:
  lockctx check                    the kernel tree that you stand in
  lockctx check fs/super.c         one file of it
  lockctx check --help             all options, with examples
  lockctx explain put_super        why a function is atomic and why it may sleep
  lockctx fix fs/super.c           ways to repair what is found there, as checked patches
  lockctx rule sleep-in-atomic     what a rule finds and how to repair it
`;

async function createProgram(context: CommandContext, argument: string | undefined): Promise<Command> {
  const program = new Command("lockctx")
    .description(
      "Finds sleep-in-atomic-context bugs in Linux kernel C and shows the whole chain. Needs no build.",
    )
    .version(version)
    .exitOverride()
    .showHelpAfterError("(lockctx --help, lockctx check --help)")
    .addHelpText("after", HELP);
  // All of them for the list of commands, and for whoever mistypes one.
  const named =
    argument !== undefined && Object.hasOwn(COMMANDS, argument) ? [argument] : Object.keys(COMMANDS);
  for (const name of named) (await COMMANDS[name]())(program, context);
  return program;
}

/** Ctrl+C asks once for a clean end; a second time ends at once. */
function cancelOnInterrupt(): AbortSignal {
  const controller = new AbortController();
  process.on("SIGINT", () => {
    if (controller.signal.aborted) process.exit(ExitCode.Cancelled);
    controller.abort(new CancelledError());
  });
  return controller.signal;
}

/** What to say about an error and how to exit. */
function outcome(error: unknown, signal: AbortSignal): { code: number; message: string | null } {
  if (error instanceof CommanderError) {
    // commander has written its message; its own codes are 0 for --help and --version and 1 for mistakes.
    return { code: error.exitCode === 0 ? ExitCode.Clean : ExitCode.Usage, message: null };
  }
  if (signal.aborted) return { code: ExitCode.Cancelled, message: "lockctx: cancelled" };
  if (error instanceof UsageError) return { code: ExitCode.Usage, message: `lockctx: ${error.message}` };
  const what = error instanceof Error ? error.message.split("\n")[0] : String(error);
  const stack = process.env.LOCKCTX_DEBUG && error instanceof Error ? `\n${error.stack}` : "";
  return {
    code: ExitCode.Internal,
    message: `lockctx: internal error: ${what}\nThis is a bug in lockctx ${version}, not in your code. Please report it with what LOCKCTX_DEBUG=1 adds to this message.${stack}`,
  };
}

// Whoever reads us may stop reading (`lockctx check | head`): that is not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  throw error;
});

const signal = cancelOnInterrupt();
const fail = (error: unknown): void => {
  const { code, message } = outcome(error, signal);
  process.exitCode = code;
  if (message !== null) process.stderr.write(`${message}\n`);
};
process.on("uncaughtException", (error) => {
  fail(error);
  process.exit();
});

try {
  const context: CommandContext = {
    cwd: process.cwd(),
    signal,
    setExitCode: (code) => {
      process.exitCode = code;
    },
  };
  const program = await createProgram(context, process.argv[2]);
  await program.parseAsync();
} catch (error) {
  fail(error);
}
