/** The index's progress in the client's own interface; indexing never waits for the client to answer. */
import type { Connection } from "vscode-languageserver";
import type { IndexProgress } from "./tree.js";

export function indexProgress(connection: Connection, supported: boolean, title: string): IndexProgress {
  const cancelled = new AbortController();
  if (!supported) return { report: () => {}, signal: cancelled.signal, done: () => {} };
  let finished = false;
  let show: ((percent: number, message: string) => void) | null = null;
  let close: (() => void) | null = null;
  let latest: [number, string] = [0, ""];
  connection.window.createWorkDoneProgress().then(
    (progress) => {
      progress.begin(title, 0, latest[1], true);
      progress.token.onCancellationRequested(() => cancelled.abort());
      show = (percent, message) => progress.report(percent, message);
      close = () => progress.done();
      if (finished) close();
      else show(...latest);
    },
    () => {}, // the client does not want to show it
  );
  return {
    signal: cancelled.signal,
    report(percent, message) {
      latest = [percent, message];
      show?.(percent, message);
    },
    done() {
      finished = true;
      close?.();
    },
  };
}
