/** `lockctx lock`: who takes a lock, what they touch while they hold it, and who relies on it. */
import { type Command, Option } from "commander";
import type { InspectingEngine } from "../../engine.js";
import type { LockIdentity } from "../../findings/lockUsers.js";
import { renderJson } from "../../report/located.js";
import { renderLockUsers } from "../../report/lockText.js";
import { ExitCode, UsageError } from "../errors.js";
import type { CommandContext } from "../main.js";
import { writeChunk } from "../outputs.js";
import { ask, type QuestionFlags, questionOptions, showsColors } from "../question.js";

interface LockFlags extends QuestionFlags {
  format: "text" | "json";
}

/** Locks listed when a name means several. */
const MOST_LISTED = 20;

const HELP = `
Examples:
  lockctx lock mm/list_lru.c:list_lrus_mutex    a file-level lock
  lockctx lock "struct inode.i_lock"            a lock in a struct (also: inode.i_lock)
  lockctx lock sb_lock                          a bare name, if there is only one lock of it
  lockctx lock rtnl_lock                        a lock without a name of its own: what takes it
  lockctx lock --root ~/linux sb_lock --format json
  lockctx lock --scope files foo_mutex drivers/foo

What it says:
  critical sections     each place that takes the lock, where it is given back, under which other locks, which
                        fields and file-level variables are written and read meanwhile, what is called
  rely on it            functions that assert it, are annotated so, or are never called without it as far as
                        their callers by name tell

Spinlocks, mutexes, rw semaphores and all other kinds. A lock in a struct is one class for all of its objects.

Exit codes:
  0  printed              2  wrong use, no such lock, or several of that name
  3  internal error     130  stopped by Ctrl+C
`;

export function registerLock(program: Command, context: CommandContext): void {
  const command = program
    .command("lock")
    .summary("list all critical sections of a lock and who relies on it")
    .description(
      "Lists every critical section of a lock over the whole tree with what is read and written in it, and the functions " +
        "that rely on the lock being held.",
    )
    .argument("<LOCK>", "FILE:NAME, struct NAME.FIELD, a bare name, or the primitive of a nameless lock")
    .argument("[PATH...]", "with --scope files: files and folders to look at");
  questionOptions(command)
    .addOption(new Option("--format <FORMAT>", "text or JSON").choices(["text", "json"]).default("text"))
    .addHelpText("after", HELP)
    .action(async (typed: string, paths: string[], flags: LockFlags) => {
      const text = await ask({ typed }, paths, flags, context, async (q) => {
        const users = await q.engine.lockUsers(chosen(q.engine, typed), q.signal);
        return flags.format === "json"
          ? renderJson(users, q.positions)
          : renderLockUsers(users, q.positions, { colors: showsColors(flags) });
      });
      await writeChunk(text);
      context.setExitCode(ExitCode.Clean);
    });
}

/** The one lock that is meant; an error says what to choose from. */
function chosen(engine: InspectingEngine, typed: string): LockIdentity {
  const { locks, similar } = engine.findLocks(typed);
  if (locks.length === 1) return locks[0];
  if (locks.length === 0) {
    const hint =
      similar.length > 0
        ? `; similar: ${similar.join(", ")}`
        : "; is it declared in the files that were read? (--root, --scope)";
    throw new UsageError(`${typed}: no lock of this name is declared here${hint}`);
  }
  const lines = locks.slice(0, MOST_LISTED).map((l) => `  ${l.cls}  (${l.type}, ${l.file})`);
  if (locks.length > MOST_LISTED) lines.push(`  and ${locks.length - MOST_LISTED} more`);
  throw new UsageError(
    `${typed}: there are ${locks.length} locks of this name; say which one, such as "${locks[0].cls}"\n${lines.join("\n")}`,
  );
}
