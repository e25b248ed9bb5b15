/** The health that the server tells its client in `lockctx/status`: one word, one sentence, and the trees behind it. */
import { NotificationType } from "vscode-languageserver";
import type { Health, Tree } from "./tree.js";

export interface StatusParams {
  health: Health;
  /** One sentence for people. */
  message: string;
  /** Findings in open files that are shown, and those below the minimum confidence. */
  shown: number;
  hidden: number;
  trees: { root: string; health: Health; message: string }[];
}

export const statusNotification = new NotificationType<StatusParams>("lockctx/status");

const RANK: Record<Health, number> = { indexing: 2, degraded: 1, ready: 0 };

/** The worst of the trees speaks for all; indexing first, for it will pass. */
export function statusOf(trees: Iterable<Tree>, counts: { shown: number; hidden: number }): StatusParams {
  const all = [...trees].map(({ root, health, message }) => ({ root, health, message }));
  let worst = all[0];
  for (const tree of all) if (worst && RANK[tree.health] > RANK[worst.health]) worst = tree;
  return {
    health: worst?.health ?? "ready",
    message: worst ? `${worst.message} (${worst.root})` : "No kernel tree is open",
    ...counts,
    trees: all,
  };
}
