/** `lockctx lsp`: the language server for editors. */
import type { Command } from "commander";
import { UsageError } from "../errors.js";

export function registerLsp(program: Command): void {
  program
    .command("lsp")
    .summary("serve an editor over the language server protocol")
    .description(
      "Serves an editor over the language server protocol. Editors start this; docs/editors.md says how.",
    )
    .option("--stdio", "talk over standard input and output (the only transport)")
    .option("--clientProcessId <PID>", "process of the editor, which some editors add")
    .action(async ({ stdio }: { stdio?: boolean }) => {
      if (!stdio && process.stdin.isTTY) {
        throw new UsageError(
          "lsp talks to an editor, not to a terminal; editors start it as `lockctx lsp --stdio`",
        );
      }
      // Loaded only now: `check` has no use for the protocol.
      const { serveStdio } = await import("../../lsp/main.js");
      serveStdio(program.version() ?? "unknown");
      await new Promise(() => {}); // the server ends the process
    });
}
