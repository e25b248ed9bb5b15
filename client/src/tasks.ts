/** Tasks that run the linter of the extension on the terminal; the problem matcher reads its text output. */
import * as vscode from "vscode";
import { bundledServer } from "./server";

interface LockctxTask extends vscode.TaskDefinition {
  type: "lockctx";
  /** Paths to check; none: the whole tree. */
  paths?: string[];
  /** More arguments of `lockctx check`. */
  args?: string[];
}

export function registerTasks(context: vscode.ExtensionContext): void {
  const make = (
    definition: LockctxTask,
    folder: vscode.WorkspaceFolder | vscode.TaskScope,
    name: string,
  ): vscode.Task => {
    // In a desktop VS Code the executable is Electron, which is Node only when told so.
    const execution = new vscode.ProcessExecution(
      process.execPath,
      [
        bundledServer(context),
        "check",
        "--no-color",
        ...(definition.args ?? []),
        ...(definition.paths ?? []),
      ],
      { env: { ELECTRON_RUN_AS_NODE: "1" } },
    );
    const task = new vscode.Task(definition, folder, name, "lockctx", execution, [
      "$lockctx-high",
      "$lockctx-medium",
      "$lockctx-low",
    ]);
    task.presentationOptions = { clear: true };
    return task;
  };
  const provider: vscode.TaskProvider = {
    provideTasks: () =>
      (vscode.workspace.workspaceFolders ?? []).flatMap((folder) => [
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the editor replaces it
        make({ type: "lockctx", paths: ["${file}"] }, folder, "check current file"),
        make({ type: "lockctx" }, folder, "check whole tree"),
      ]),
    resolveTask: (task) => {
      const definition = task.definition as LockctxTask;
      return make(definition, task.scope as vscode.WorkspaceFolder, task.name);
    },
  };
  context.subscriptions.push(vscode.tasks.registerTaskProvider("lockctx", provider));
}
