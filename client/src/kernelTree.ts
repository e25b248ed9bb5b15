/** Tells kernel trees from other workspaces: Kconfig and MAINTAINERS side by side, in the folder or above it. */
import * as vscode from "vscode";

const MARKERS = ["Kconfig", "MAINTAINERS"];

export async function workspaceIsKernelTree(): Promise<boolean> {
  for (const folder of vscode.workspace.workspaceFolders ?? []) {
    if (folder.uri.scheme === "file" && (await isInKernelTree(folder.uri))) return true;
  }
  return false;
}

export async function isInKernelTree(start: vscode.Uri): Promise<boolean> {
  let directory = start;
  for (;;) {
    const found = await Promise.all(MARKERS.map((name) => exists(vscode.Uri.joinPath(directory, name))));
    if (found.every(Boolean)) return true;
    const parent = vscode.Uri.joinPath(directory, "..");
    if (parent.path === directory.path) return false;
    directory = parent;
  }
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(uri);
    return true;
  } catch {
    return false;
  }
}
