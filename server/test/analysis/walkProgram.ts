/** A small program of list walks: who walks, who removes, who holds which lock around them, in files near and far. */
const HEADER = `#ifndef BOX_H
#define BOX_H
struct box {
	struct list_head link;
	struct list_head other;
	struct box *next;
	spinlock_t guard;
	int count;
};
struct shelf {
	struct list_head boxes;
	struct mutex lock;
	spinlock_t spin;
};
struct shelf_ops {
	void (*visit)(struct shelf *s);
	void (*drop)(struct shelf *s, struct box *b);
};
extern struct shelf all_shelves;
#define for_each_box(b, s) list_for_each_entry(b, &(s)->boxes, link)
#define for_each_box_named(b, s) \\
	for_each_box(b, s)
#define for_each_box_chain(b) for (b = first_box; b; b = b->next)
static inline void shelf_lock(struct shelf *s)
{
	mutex_lock(&s->lock);
}
static inline void shelf_unlock(struct shelf *s)
{
	mutex_unlock(&s->lock);
}
static inline void box_keep(struct box *b)
{
	b->count++;
}
#endif
`;

const PRIVATE = `#include <linux/box.h>
static inline void shelf_relax(struct shelf *s)
{
	shelf_unlock(s);
	shelf_lock(s);
}
static inline void shelf_visit_one(struct shelf *s, struct box *b)
{
	box_keep(b);
	shelf_relax(s);
}
void shelf_must(struct shelf *s);
`;

const WALK = `#include "box.h"
static int box_work(struct box *b)
{
	b->count++;
	return 0;
}
void shelf_check(struct shelf *s)
{
	lockdep_assert_held(&s->lock);
}
void shelf_walk(struct shelf *s)
{
	struct box *b;

	mutex_lock(&s->lock);
	list_for_each_entry(b, &s->boxes, link) {
		mutex_unlock(&s->lock);
		box_work(b);
		mutex_lock(&s->lock);
	}
	mutex_unlock(&s->lock);
}
void shelf_walk_spin(struct shelf *s)
{
	struct box *b, *n;

	spin_lock(&s->spin);
	list_for_each_entry_safe(b, n, &s->boxes, link) {
		spin_unlock(&s->spin);
		box_work(b);
		spin_lock(&s->spin);
	}
	spin_unlock(&s->spin);
}
void shelf_walk_held(struct shelf *s)
{
	struct box *b;

	spin_lock(&s->spin);
	for_each_box(b, s) {
		spin_unlock(&s->spin);
		shelf_check(s);
		spin_lock(&s->spin);
	}
	spin_unlock(&s->spin);
}
void shelf_walk_relaxed(struct shelf *s)
{
	struct box *b;

	shelf_lock(s);
	for_each_box_named(b, s) {
		shelf_visit_one(s, b);
	}
	shelf_unlock(s);
}
static void shelf_inner(struct shelf *s)
{
	struct box *b;

	spin_lock(&s->spin);
	for_each_box_chain(b) {
		spin_unlock(&s->spin);
		box_work(b);
		spin_lock(&s->spin);
	}
	spin_unlock(&s->spin);
}
void shelf_outer(struct shelf *s)
{
	shelf_lock(s);
	shelf_inner(s);
	shelf_unlock(s);
}
void shelf_walk_each(struct shelf *s)
{
	struct box *b;

	mutex_lock(&s->lock);
	for_each_box(b, s) {
		shelf_far_relax(s);
	}
	mutex_unlock(&s->lock);
}
void shelf_walk_named(struct shelf *s)
{
	struct box *b;

	spin_lock(&s->spin);
	for_each_box_named(b, s) {
		shelf_turn_1(s);
	}
	spin_unlock(&s->spin);
}
void shelf_walk_asserting(struct shelf *s)
{
	struct box *b;

	lockdep_assert_held(&s->lock);
	spin_lock(&s->spin);
	for_each_box(b, s) {
		spin_unlock(&s->spin);
		shelf_must_hold(s);
		spin_lock(&s->spin);
	}
	spin_unlock(&s->spin);
}
void shelf_many(struct shelf *s)
{
	struct box *b;

	spin_lock(&s->spin);
	list_for_each_entry(b, &s->others, other) {
		spin_unlock(&s->spin);
		box_work(b);
		spin_lock(&s->spin);
	}
	spin_unlock(&s->spin);
}
`;

/** One caller more than are asked. */
const MANY = `#include <linux/box.h>
${Array.from({ length: 25 }, (_, i) => `void many_${i}(struct shelf *s)\n{\n\tmutex_lock(&s->lock);\n\tshelf_many(s);\n\tmutex_unlock(&s->lock);\n}\n`).join("")}`;

/** Wrappers of wrappers of wrappers, and assertions, each in a file of its own. */
const TURN_1 = `#include <linux/box.h>
void shelf_turn_1(struct shelf *s)
{
	shelf_turn_2(s);
}
void shelf_must_hold(struct shelf *s)
{
	lockdep_assert_held(&s->lock);
}
`;
const TURN_2 = `#include <linux/box.h>
void shelf_turn_2(struct shelf *s)
{
	shelf_turn_3(s);
}
void shelf_far_relax(struct shelf *s)
{
	mutex_unlock(&s->lock);
	cond_resched();
	mutex_lock(&s->lock);
}
`;
const TURN_3 = `#include <linux/box.h>
void shelf_turn_3(struct shelf *s)
{
	struct shelf *t = s;

	spin_unlock(&t->spin);
	spin_lock(&t->spin);
}
`;

export const REMOVE = `#include "box.h"
static void box_unlink(struct box *b)
{
	list_del(&b->link);
}
void box_remove(struct shelf *s, struct box *b)
{
	shelf_lock(s);
	box_unlink(b);
	shelf_unlock(s);
}
void box_remove_spin(struct shelf *s, struct box *b)
{
	spin_lock(&s->spin);
	list_del_init(&b->link);
	spin_unlock(&s->spin);
}
void box_remove_other(struct shelf *s, struct box *b)
{
	mutex_lock(&s->lock);
	list_del(&b->other);
	mutex_unlock(&s->lock);
}
static struct shelf_ops ops = {
	.drop = box_remove_spin,
};
`;

const DEEP = `#include <linux/box.h>
void shelf_deep(struct shelf *s)
{
	shelf_outer(s);
}
void shelf_deeper(struct shelf *s)
{
	mutex_lock(&all_shelves.lock);
	shelf_deep(s);
	shelf_walk_held(s);
	mutex_unlock(&all_shelves.lock);
}
void box_lose(struct box *b)
{
	list_move(&b->link, &all_shelves.boxes);
}
`;

const FAR = `#include <linux/box.h>
struct shelf all_shelves;
void shelf_pause(struct shelf *s)
{
	shelf_step_off(s);
	shelf_step_on(s);
}
void shelf_step_off(struct shelf *s)
{
	spin_unlock(&s->spin);
}
void shelf_step_on(struct shelf *s)
{
	spin_lock(&s->spin);
}
void far_walk(struct shelf *s)
{
	struct box *b;

	shelf_step_on(s);
	list_for_each_entry(b, &s->boxes, link) {
		box_keep(b);
		shelf_pause(s);
	}
	shelf_step_off(s);
}
void far_remove(struct box *b)
{
	list_del(&b->link);
}
static void spin_lock(spinlock_t *l)
{
	far_take(l);
}
void far_take(spinlock_t *l)
{
	raw_spin_lock(l);
}
`;

export function walkProgram(): Map<string, string> {
  return new Map([
    ["include/linux/box.h", HEADER],
    ["drivers/box/core/box.h", PRIVATE],
    ["drivers/box/core/walk.c", WALK],
    ["drivers/box/core/remove.c", REMOVE],
    ["drivers/box/core/deep/deep.c", DEEP],
    ["drivers/box/core/many.c", MANY],
    ["lib/far.c", FAR],
    ["lib/turn_1.c", TURN_1],
    ["lib/turn_2.c", TURN_2],
    ["lib/turn_3.c", TURN_3],
  ]);
}
