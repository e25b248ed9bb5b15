/** The server's commands that answer with a chain: it goes to the clipboard, or to a list to walk through. */
import * as vscode from "vscode";
import type { ExecuteCommandSignature } from "vscode-languageclient/node";
import { LOCK_USERS, showLockUsers } from "./lockUsers";

const COPY_CHAIN = "lockctx.copyChain";
const SHOW_CHAIN = "lockctx.showChain";

/** Answer to `lockctx.showChain`. */
interface Chain {
  message: string;
  paths: {
    condition?: string;
    steps: { text: string; file: string; location: { uri: string; range: ProtocolRange } }[];
  }[];
}
interface ProtocolRange {
  start: { line: number; character: number };
  end: { line: number; character: number };
}

/** Runs a command of the server and does with the answer what the user wanted from it. */
export async function executeCommand(
  command: string,
  args: unknown[],
  next: ExecuteCommandSignature,
): Promise<unknown> {
  if (command === LOCK_USERS) return showLockUsers(args, (a) => next(command, a));
  if (command !== COPY_CHAIN && command !== SHOW_CHAIN) return next(command, args);
  // From the palette there are no arguments: the finding at the cursor is meant.
  const editor = vscode.window.activeTextEditor;
  if (args.length === 0 && editor) {
    args = [{ uri: editor.document.uri.toString(), line: editor.selection.active.line }];
  }
  let answer: unknown;
  try {
    answer = await next(command, args);
  } catch (error) {
    void vscode.window.showInformationMessage(`lockctx: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
  if (command === COPY_CHAIN) {
    await vscode.env.clipboard.writeText(String(answer));
    vscode.window.setStatusBarMessage("lockctx: chain copied", 3000);
  } else if (answer) {
    showChain(answer as Chain);
  }
  return answer;
}

interface StepItem extends vscode.QuickPickItem {
  location?: vscode.Location;
}

/** The steps as a list; moving through it shows each place, Enter goes there, Escape comes back. */
function showChain(chain: Chain): void {
  const pick = vscode.window.createQuickPick<StepItem>();
  const origin = vscode.window.activeTextEditor;
  const from = origin?.selection;
  pick.title = chain.message;
  pick.placeholder = "Steps from the atomic context to the call that may sleep";
  pick.matchOnDescription = true;
  pick.items = chain.paths.flatMap((path, p) => [
    ...(chain.paths.length > 1
      ? [
          {
            label: `path ${p + 1}${path.condition ? ` (${path.condition})` : ""}`,
            kind: vscode.QuickPickItemKind.Separator,
          },
        ]
      : []),
    ...path.steps.map(({ text, file, location: { uri, range } }, i): StepItem => {
      const place = new vscode.Range(
        range.start.line,
        range.start.character,
        range.end.line,
        range.end.character,
      );
      return {
        label: `${i + 1}/${path.steps.length} ${text}`,
        description: `${file}:${range.start.line + 1}`,
        location: new vscode.Location(vscode.Uri.parse(uri), place),
      };
    }),
  ]);
  let accepted = false;
  const show = async (item: StepItem | undefined, preserveFocus: boolean): Promise<void> => {
    if (!item?.location) return;
    const { uri, range } = item.location;
    await vscode.window.showTextDocument(uri, { selection: range, preview: true, preserveFocus });
  };
  pick.onDidChangeActive(([item]) => void show(item, true));
  pick.onDidAccept(() => {
    accepted = true;
    void show(pick.activeItems[0], false);
    pick.hide();
  });
  pick.onDidHide(() => {
    if (!accepted && origin && from) {
      void vscode.window.showTextDocument(origin.document, { selection: from, preview: false });
    }
    pick.dispose();
  });
  pick.show();
}
