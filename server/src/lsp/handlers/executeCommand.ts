/** `workspace/executeCommand`: commands answer with text; what is done with it is the client's business. */
import type { CancellationToken, ExecuteCommandParams } from "vscode-languageserver";
import { ResponseError } from "vscode-languageserver";
import { commitMessageText, stepsOf } from "../../findings/steps.js";
import type { Finding, Site } from "../../findings/types.js";
import { fromBytes } from "../positions.js";
import type { Session } from "../session.js";
import { toLocation } from "../toProto.js";
import type { Tree } from "../tree.js";
import { type LockRef, lockUsersAnswer } from "./lockUsers.js";

/** Answers the chain as commit message text. */
export const COPY_CHAIN = "lockctx.copyChain";
/** Answers the steps of the chain with their locations. */
export const SHOW_CHAIN = "lockctx.showChain";
/** Indexes all trees anew. */
export const REINDEX = "lockctx.reindex";

/** Answers all critical sections of a lock and who relies on it (`handlers/lockUsers.ts`). */
export const LOCK_USERS = "lockctx.lockUsers";

export const COMMANDS = [COPY_CHAIN, SHOW_CHAIN, REINDEX, LOCK_USERS] as const;

/** Names a finding in an open document; without a fingerprint, the one at the line. */
export interface FindingRef {
  uri: string;
  fingerprint?: string;
  line?: number;
}

const INVALID_PARAMS = -32602;

export async function executeCommand(
  session: Session,
  { command, arguments: args }: ExecuteCommandParams,
  token: CancellationToken,
) {
  switch (command) {
    case COPY_CHAIN: {
      const { tree, finding } = await findFinding(session, args?.[0]);
      const lineOf = (site: Site): number => (tree.positionsOf(site.file)?.lineAt(site.offset) ?? 0) + 1;
      return fromBytes(commitMessageText(finding, lineOf));
    }
    case SHOW_CHAIN: {
      const { tree, finding } = await findFinding(session, args?.[0]);
      const place = session.place(tree);
      return {
        message: fromBytes(finding.message),
        rule: finding.rule,
        paths: finding.paths.map((path) => ({
          condition: path.condition,
          steps: stepsOf(finding, path).map((step) => ({
            text: fromBytes(step.text),
            file: step.site.file,
            location: toLocation(place, step.site),
          })),
        })),
      };
    }
    case LOCK_USERS: {
      const ref = args?.[0] as Partial<LockRef> | undefined;
      if (typeof ref?.uri !== "string" || (ref.lock === undefined && ref.line === undefined))
        throw new ResponseError(
          INVALID_PARAMS,
          "Name a lock or a place: {uri, lock} or {uri, line, character}",
        );
      const answer = await lockUsersAnswer(session, ref as LockRef, token);
      if (!answer) throw new ResponseError(INVALID_PARAMS, "The tree of this document is not read yet");
      if (answer.places.length === 0 && answer.choices.length === 0)
        throw new ResponseError(INVALID_PARAMS, "There is no lock here");
      return answer;
    }
    case REINDEX:
      await session.reopenTrees();
      return null;
    default:
      throw new ResponseError(INVALID_PARAMS, `Unknown command ${command}`);
  }
}

async function findFinding(session: Session, arg: unknown): Promise<{ tree: Tree; finding: Finding }> {
  const ref = arg as Partial<FindingRef> | undefined;
  const found = typeof ref?.uri === "string" ? await session.find(ref.uri) : null;
  if (!found)
    throw new ResponseError(INVALID_PARAMS, "Name an open document: {uri, fingerprint} or {uri, line}");
  const findings = session.shownFindings(found.tree, found.file);
  const finding =
    ref?.fingerprint !== undefined
      ? findings.find((f) => f.fingerprint === ref.fingerprint)
      : findings.find(
          (f) => ref?.line === undefined || found.document.positions.lineAt(f.offset) === ref.line,
        );
  if (!finding) throw new ResponseError(INVALID_PARAMS, "There is no finding here");
  return { tree: found.tree, finding };
}
