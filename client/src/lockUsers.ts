/** "Find all critical sections": asks the server who uses the lock at the cursor and shows the places in a peek view. */
import * as vscode from "vscode";

export const LOCK_USERS = "lockctx.lockUsers";

interface ProtocolLocation {
  uri: string;
  range: { start: { line: number; character: number }; end: { line: number; character: number } };
}

/** Answer to `lockctx.lockUsers`. */
interface LockAnswer {
  lock: string;
  choices: string[];
  places: { kind: "section" | "relies"; location: ProtocolLocation; releases: ProtocolLocation[] }[];
}

const toLocation = ({ uri, range: { start, end } }: ProtocolLocation): vscode.Location =>
  new vscode.Location(
    vscode.Uri.parse(uri),
    new vscode.Range(start.line, start.character, end.line, end.character),
  );

/** From the palette there are no arguments: the lock at the cursor is meant, or else one that the user names. */
export async function showLockUsers(
  args: unknown[],
  ask: (args: unknown[]) => PromiseLike<unknown>,
): Promise<unknown> {
  const editor = vscode.window.activeTextEditor;
  if (!editor) return undefined;
  const uri = editor.document.uri.toString();
  const { line, character } = editor.selection.active;
  const typed = args[0] as { lock?: string } | undefined;
  let answer: LockAnswer | null = null;
  try {
    answer = (await ask([typed?.lock ? { uri, lock: typed.lock } : { uri, line, character }])) as LockAnswer;
  } catch {
    const lock = await vscode.window.showInputBox({
      title: "lockctx: find all critical sections",
      prompt: "FILE:NAME, struct NAME.FIELD or a bare name",
    });
    if (!lock) return undefined;
    try {
      answer = (await ask([{ uri, lock }])) as LockAnswer;
    } catch (error) {
      void vscode.window.showInformationMessage(`lockctx: ${error instanceof Error ? error.message : error}`);
      return undefined;
    }
  }
  if (answer.choices.length > 0) {
    const lock = await vscode.window.showQuickPick(answer.choices, { title: "Which lock?" });
    return lock ? showLockUsers([{ lock }], ask) : undefined;
  }
  const locations = answer.places.flatMap((p) => [toLocation(p.location), ...p.releases.map(toLocation)]);
  await vscode.commands.executeCommand(
    "editor.action.peekLocations",
    editor.document.uri,
    editor.selection.active,
    locations,
    "peek",
  );
  const sections = answer.places.filter((p) => p.kind === "section").length;
  vscode.window.setStatusBarMessage(
    `lockctx: ${answer.lock}: ${sections} critical sections, ${answer.places.length - sections} functions rely on it`,
    5000,
  );
  return answer;
}
