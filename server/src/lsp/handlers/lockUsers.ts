/** Who uses a lock, for editors: a command that answers with everything, and references for what every editor has. */
import type { CancellationToken, Location, ReferenceParams } from "vscode-languageserver";
import type { LockUsers, Touches } from "../../findings/lockUsers.js";
import type { Site } from "../../findings/types.js";
import { offsetOf, signalOf } from "../fromProto.js";
import { fromBytes } from "../positions.js";
import type { Session } from "../session.js";
import { type Place, toLocation } from "../toProto.js";
import { wordAt } from "./hover.js";

/** Names a lock: by class or name, or by a place in a document that is about it. */
export interface LockRef {
  uri: string;
  /** `mm/list_lru.c:list_lrus_mutex`, `struct inode.i_lock`, `sb_lock`. */
  lock?: string;
  line?: number;
  character?: number;
}

/** A place of the answer: a section, or a function that relies on the lock. */
export interface LockPlace {
  function: string;
  file: string;
  kind: "section" | "relies";
  /** Where the lock is taken, or where the function says that it is held. */
  location: Location;
  /** What happens there, in words. */
  text: string;
  releases: Location[];
}

export interface LockAnswer {
  lock: string;
  /** When several locks are meant: what to choose from; else empty. */
  choices: string[];
  places: LockPlace[];
}

const NAMES = 6;

export async function lockUsersAnswer(
  session: Session,
  ref: LockRef,
  token: CancellationToken,
): Promise<LockAnswer | null> {
  const found = await session.find(ref.uri);
  if (!found) return null;
  const { tree, file, document } = found;
  const of =
    ref.lock !== undefined
      ? { name: ref.lock }
      : {
          file,
          offset: offsetOf(document.positions, { line: ref.line ?? 0, character: ref.character ?? 0 }),
        };
  const answer = await tree.lockUsers(of, signalOf(token));
  if (!answer) return null;
  if (!("functions" in answer))
    return { lock: ref.lock ?? "", choices: answer.locks.map((l) => fromBytes(l.cls)), places: [] };
  return { lock: fromBytes(answer.lock.cls), choices: [], places: placesOf(session.place(tree), answer) };
}

function placesOf(place: Place, users: LockUsers): LockPlace[] {
  const at = (site: Site): Location => toLocation(place, site);
  const out: LockPlace[] = [];
  for (const { function: fn, sections } of users.functions) {
    for (const s of sections) {
      out.push({
        function: fromBytes(fn.name),
        file: fn.file,
        kind: "section",
        location: at(s.acquire),
        text: fromBytes(`${fn.name}() ${s.how}${touched(s)}`),
        releases: s.releases.map((r) => at(r.site)),
      });
    }
  }
  for (const r of users.relying) {
    const site = r.why === "callers" ? r.function.site : r.sites[0];
    out.push({
      function: fromBytes(r.function.name),
      file: r.function.file,
      kind: "relies",
      location: at(site),
      text: fromBytes(`${r.function.name}() relies on it being held${touched(r)}`),
      releases: [],
    });
  }
  return out;
}

function touched({ writes, reads }: Touches): string {
  const list = (word: string, names: readonly { name: string }[]): string =>
    names.length === 0
      ? ""
      : `; ${word} ${names
          .slice(0, NAMES)
          .map((n) => n.name)
          .join(", ")}${names.length > NAMES ? " …" : ""}`;
  return list("writes", writes) + list("reads", reads);
}

/**
 * Of a lock: where it is taken, given back and asserted. Of anything else nothing is said: other servers know better.
 */
export async function references(
  session: Session,
  params: ReferenceParams,
  token: CancellationToken,
): Promise<Location[] | null> {
  const found = await session.find(params.textDocument.uri);
  if (!found) return null;
  const { tree, file, document } = found;
  const offset = offsetOf(document.positions, params.position);
  if (!wordAt(document.positions.bytes, offset)) return null;
  const answer = await tree.lockUsers({ file, offset }, signalOf(token));
  if (!answer || !("functions" in answer)) return null;
  return placesOf(session.place(tree), answer).flatMap((p) => [p.location, ...p.releases]);
}
