/** The language status item: the server's health, and what it is doing, in the status bar of C files. */
import * as vscode from "vscode";

/** Parameters of `lockctx/status`; the server's `status.ts` has the same. */
export interface Status {
  health: "indexing" | "ready" | "degraded";
  message: string;
  shown: number;
  hidden: number;
}

export class StatusItem implements vscode.Disposable {
  private readonly item = vscode.languages.createLanguageStatusItem("lockctx.status", [{ language: "c" }]);
  health: string | undefined;

  constructor() {
    this.item.name = "lockctx";
    this.item.command = { command: "lockctx.showOutput", title: "Show Log" };
    this.stopped();
  }

  update({ health, message, shown, hidden }: Status): void {
    this.health = health;
    const findings = shown === 1 ? "1 finding" : `${shown} findings`;
    this.item.busy = health === "indexing";
    this.item.severity =
      health === "degraded"
        ? vscode.LanguageStatusSeverity.Warning
        : vscode.LanguageStatusSeverity.Information;
    this.item.text = health === "ready" ? `lockctx: ${findings}` : `lockctx: ${health}`;
    this.item.detail = hidden > 0 ? `${message}; ${hidden} below the minimum confidence` : message;
  }

  stopped(message = "not started"): void {
    this.health = undefined;
    this.item.busy = false;
    this.item.severity = vscode.LanguageStatusSeverity.Information;
    this.item.text = "lockctx: off";
    this.item.detail = message;
  }

  dispose(): void {
    this.item.dispose();
  }
}
