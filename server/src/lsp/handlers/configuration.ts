/** Settings: pulled from the client where it answers, else taken as pushed; applied to what is open. */
import { DidChangeConfigurationNotification, MessageType } from "vscode-languageserver";
import { parseConfig } from "../config.js";
import { errorText } from "../exclusive.js";
import type { Session } from "../session.js";

export function watchConfiguration(session: Session): void {
  const { workspace } = session.capabilities;
  if (!workspace?.didChangeConfiguration?.dynamicRegistration) return;
  session.connection.client
    .register(DidChangeConfigurationNotification.type, { section: "lockctx" })
    .catch((error) => session.trace(`settings are not watched: ${errorText(error)}`));
}

/** A client that does not answer must not keep the server from starting. */
const ANSWER_MS = 3000;

async function answerWithin<T>(ms: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks the client for the settings; `pushed` is what it sent along, for those that cannot be asked. */
export async function loadConfiguration(
  session: Session,
  { pushed }: { pushed?: unknown } = {},
): Promise<void> {
  let raw = (pushed as { lockctx?: unknown } | null | undefined)?.lockctx;
  if (session.capabilities.workspace?.configuration) {
    try {
      raw = await answerWithin(ANSWER_MS, session.connection.workspace.getConfiguration("lockctx"));
    } catch (error) {
      session.connection.console.warn(`The client did not give its settings: ${errorText(error)}`);
    }
  }
  if (raw === undefined || raw === null) return;
  const { config, problems } = parseConfig(raw);
  if (problems.length > 0) {
    session.show(MessageType.Warning, `settings: ${problems.join("; ")} (default used)`);
  }
  const before = session.config;
  session.config = config;
  const treesDiffer =
    before.root !== config.root ||
    JSON.stringify(before.contextRoots) !== JSON.stringify(config.contextRoots);
  if (treesDiffer) await session.reopenTrees();
  else session.publishAll();
}
