/** Who uses a lock: sections with what they touch, who relies on it, how a lock is named. */
import { describe, expect, it } from "vitest";
import type { LockUsers } from "../../src/findings/lockUsers.js";
import { type Opened, open } from "./inspect.js";

/** A registry of lists as in mm/list_lru.c, in our words. */
const registry = {
  "include/registry.h": `struct entry {
	struct list_head link;
	int size;
};
struct shelf {
	struct mutex mutex;
	struct rw_semaphore sem;
	int count;
	int total;
};
`,
  "mm/registry.c": `#include "registry.h"
static LIST_HEAD(entries);
static DEFINE_MUTEX(entries_mutex);
static int largest;

void entry_register(struct entry *e)
{
	mutex_lock(&entries_mutex);
	list_add(&e->link, &entries);
	mutex_unlock(&entries_mutex);
}

void entry_unregister(struct entry *e)
{
	mutex_lock(&entries_mutex);
	list_del(&e->link);
	mutex_unlock(&entries_mutex);
}

static int entry_grow(struct entry *e, int size)
{
	if (size > largest)
		largest = size;
	e->size = size;
	return 0;
}

int update_all(int size)
{
	struct entry *e;
	int ret = 0;

	mutex_lock(&entries_mutex);
	list_for_each_entry(e, &entries, link) {
		ret = entry_grow(e, size);
		if (ret)
			goto out;
	}
out:
	mutex_unlock(&entries_mutex);
	return ret;
}

static void entry_check(struct entry *e)
{
	lockdep_assert_held(&entries_mutex);
	WARN_ON(e->size > largest);
}

void unrelated(struct entry *e)
{
	e->size = 1;
}
`,
  "fs/shelf.c": `#include "registry.h"
static void shelf_lock(struct shelf *s)
{
	mutex_lock(&s->mutex);
}
static void shelf_unlock(struct shelf *s)
{
	mutex_unlock(&s->mutex);
}
void shelf_add(struct shelf *s, int n)
{
	shelf_lock(s);
	s->count++;
	s->total += n;
	shelf_unlock(s);
}
int shelf_try(struct shelf *s)
{
	if (!mutex_trylock(&s->mutex))
		return 0;
	s->count--;
	mutex_unlock(&s->mutex);
	return 1;
}
int shelf_read(struct shelf *s)
{
	int n;

	down_read(&s->sem);
	n = s->total;
	up_read(&s->sem);
	return n;
}
void shelf_guarded(struct shelf *s)
{
	guard(mutex)(&s->mutex);
	s->count = 0;
}
void __must_hold(&s->mutex) shelf_annotated(struct shelf *s);
`,
};

async function usersOf(opened: Opened, typed: string): Promise<LockUsers> {
  const { locks } = opened.engine.findLocks(typed);
  expect(locks.map((l) => l.cls)).toHaveLength(1);
  return opened.engine.lockUsers(locks[0]);
}

const names = (list: readonly { name: string }[]): string[] => list.map((a) => a.name);
const taking = (users: LockUsers): string[] => users.functions.map((f) => f.function.name);

describe("the users of a file-level mutex", () => {
  it("are all functions that take it, with what they touch", async () => {
    const users = await usersOf(await open(registry), "entries_mutex");
    expect(users.lock).toEqual({
      cls: "mm/registry.c:entries_mutex",
      type: "mutex",
      file: "mm/registry.c",
    });
    expect(taking(users)).toEqual(["entry_register", "entry_unregister", "update_all"]);
    const [register, unregister, update] = users.functions.map((f) => f.sections[0]);
    expect(names(register.writes)).toEqual(["entries", "entry.link"]);
    expect(names(unregister.writes)).toEqual(["entry.link"]);
    expect(names(update.calls)).toEqual(["entry_grow"]);
    expect(names(update.reads)).toEqual(["entries"]);
    expect(users.functions.map((f) => f.sections.length)).toEqual([1, 1, 1]);
  });

  it("say where it is given back", async () => {
    const opened = await open(registry);
    const users = await usersOf(opened, "entries_mutex");
    const lines = opened.positions.of("mm/registry.c");
    expect(users.functions[2].sections[0].releases.map((r) => lines.line(r.site.offset))).toEqual([40]);
    expect(users.functions[2].sections[0].leaks).toBe(false);
  });

  it("have those beside them who rely on it: by assertion, or by all of their callers", async () => {
    const users = await usersOf(await open(registry), "entries_mutex");
    expect(users.relying.map((r) => [r.function.name, r.why, names(r.writes)])).toEqual([
      ["entry_grow", "callers", ["entry.size", "largest"]],
      ["entry_check", "assertion", []],
    ]);
  });

  it("do not rely on it who are called without it too", async () => {
    const opened = await open({
      ...registry,
      "mm/registry.c": `${registry["mm/registry.c"]}
void grow_unlocked(struct entry *e)
{
	entry_grow(e, 1);
}
`,
    });
    const users = await usersOf(opened, "entries_mutex");
    expect(users.relying.map((r) => r.function.name)).toEqual(["entry_check"]);
    expect(users.alsoCalled.map((a) => a.function)).toEqual(["entry_grow"]);
  });
});

describe("the users of a lock in a struct", () => {
  it("are found through wrappers, trylocks and guards", async () => {
    const users = await usersOf(await open(registry), "struct shelf.mutex");
    expect(taking(users)).toEqual(["shelf_lock", "shelf_add", "shelf_try", "shelf_guarded"]);
    const [, add, attempt, guarded] = users.functions.map((f) => f.sections[0]);
    expect(names(add.writes)).toEqual(["shelf.count", "shelf.total"]);
    expect(add.through.map((s) => s.function)).toEqual(["shelf_lock"]);
    expect(names(attempt.writes)).toEqual(["shelf.count"]);
    expect(guarded.releases.map((r) => r.how)).toEqual(["end of scope"]);
  });

  it("of a rw semaphore are told apart by reading", async () => {
    const users = await usersOf(await open(registry), "shelf.sem");
    expect(users.functions.map((f) => [f.function.name, f.sections[0].shared])).toEqual([
      ["shelf_read", true],
    ]);
    expect(names(users.functions[0].sections[0].reads)).toEqual(["shelf.total"]);
  });

  it("follow an edit", async () => {
    const opened = await open(registry);
    await usersOf(opened, "shelf.sem");
    await opened.change(
      "fs/shelf.c",
      registry["fs/shelf.c"].replace("down_read(&s->sem);", "").replace("up_read(&s->sem);", ""),
    );
    expect(taking(await usersOf(opened, "shelf.sem"))).toEqual([]);
  });
});

describe("a lock's name", () => {
  it("may be a class, a path, an expression or a bare name", async () => {
    const { engine } = await open(registry);
    const found = (typed: string): string[] => engine.findLocks(typed).locks.map((l) => l.cls);
    expect(found("mm/registry.c:entries_mutex")).toEqual(["mm/registry.c:entries_mutex"]);
    expect(found("registry.c:entries_mutex")).toEqual(["mm/registry.c:entries_mutex"]);
    expect(found("shelf->mutex")).toEqual(["struct shelf.mutex"]);
    expect(found("mutex")).toEqual(["struct shelf.mutex"]);
  });

  it("that is no lock's has those that are like it beside it", async () => {
    const { engine } = await open(registry);
    expect(engine.findLocks("entry_mutex")).toEqual({
      locks: [],
      similar: ["mm/registry.c:entries_mutex"],
    });
    expect(engine.findLocks("largest").locks).toEqual([]);
  });

  it("is found at a place: in a call, a guard, a declaration", async () => {
    const { engine, texts } = await open(registry);
    const at = async (file: string, text: string): Promise<string[]> =>
      (await engine.lockAt(file, texts[file].indexOf(text) + text.length - 1)).locks.map((l) => l.cls);
    expect(await at("mm/registry.c", "mutex_lock(&entr")).toEqual(["mm/registry.c:entries_mutex"]);
    expect(await at("fs/shelf.c", "mutex_trylock(&s->mu")).toEqual(["struct shelf.mutex"]);
    expect(await at("fs/shelf.c", "shelf_unlo")).toEqual([]);
    expect(await at("fs/shelf.c", "\tshelf_lo")).toEqual(["struct shelf.mutex"]);
    expect(await at("include/registry.h", "rw_semaphore se")).toEqual(["struct shelf.sem"]);
    expect(await at("mm/registry.c", "static int larg")).toEqual([]);
  });
});
