/** `textDocument/codeAction`: proved fixes of the findings under the cursor, and their chains as text. */
import {
  type CancellationToken,
  type CodeAction,
  CodeActionKind,
  type CodeActionParams,
  Command,
} from "vscode-languageserver";
import { extentOf, signalOf } from "../fromProto.js";
import type { Session } from "../session.js";
import { type DiagnosticData, toCodeAction } from "../toProto.js";
import { COPY_CHAIN, type FindingRef, SHOW_CHAIN } from "./executeCommand.js";

export async function codeAction(
  session: Session,
  params: CodeActionParams,
  token: CancellationToken,
): Promise<(CodeAction | Command)[] | null> {
  const { only } = params.context;
  if (
    only &&
    !only.some((kind) => kind === "" || CodeActionKind.QuickFix === kind || kind.startsWith("quickfix."))
  ) {
    return null;
  }
  const found = await session.find(params.textDocument.uri);
  if (!found) return null;
  const { tree, file, document } = found;
  const { positions } = document;
  const extent = extentOf(positions, params.range);
  const client = session.capabilities.textDocument?.codeAction;
  const options = {
    documentChanges: session.capabilities.workspace?.workspaceEdit?.documentChanges === true,
    snippets: session.capabilities.workspace?.workspaceEdit?.snippetEditSupport === true,
  };
  const actions: (CodeAction | Command)[] = [];
  const signal = signalOf(token);
  for (const finding of session.shownFindings(tree, file)) {
    if (finding.endOffset < extent.start || finding.offset > extent.end) continue;
    const diagnostic =
      params.context.diagnostics?.find(
        (d) =>
          d.source === "lockctx" &&
          (d.data as DiagnosticData | undefined)?.fingerprint === finding.fingerprint,
      ) ?? session.toDiagnostic(tree, finding);
    const fixes = await tree.fixesFor(finding, signal);
    // The edits are of the text that was asked about; for a newer one the client asks again.
    if (token.isCancellationRequested || document.positions !== positions) return null;
    for (const fix of fixes)
      if (fix.applicability !== "sketch" || client?.disabledSupport)
        actions.push(toCodeAction(session.place(tree), fix, diagnostic, options));
    const ref: FindingRef = { uri: document.uri, fingerprint: finding.fingerprint };
    const commands = [
      Command.create("Copy the chain as commit message text", COPY_CHAIN, ref),
      Command.create("Show the chain", SHOW_CHAIN, ref),
    ];
    for (const command of commands) {
      if (!client?.codeActionLiteralSupport) actions.push(command);
      else
        actions.push({
          title: command.title,
          kind: CodeActionKind.QuickFix,
          diagnostics: [diagnostic],
          command,
        });
    }
  }
  return client?.codeActionLiteralSupport ? actions : actions.filter((action) => Command.is(action));
}
