/** The rule stale-cursor: a list walk that goes on from an element which may be gone. */
import { configurationOf } from "./common.js";
import type { Rule } from "./rule.js";

const before = `struct client {
	struct list_head list;
	struct kref ref;
};

static LIST_HEAD(clients);
static DEFINE_MUTEX(clients_mutex);

void client_remove(struct client *c)
{
	mutex_lock(&clients_mutex);
	list_del(&c->list);
	mutex_unlock(&clients_mutex);
	kref_put(&c->ref, client_release);
}

void clients_flush(void)
{
	struct client *c;

	mutex_lock(&clients_mutex);
	list_for_each_entry(c, &clients, list) {
		mutex_unlock(&clients_mutex);
		client_flush(c);
		mutex_lock(&clients_mutex);
	}
	mutex_unlock(&clients_mutex);
}
`;

export const staleCursor: Rule = {
  id: "stale-cursor",
  title: "a list walk that drops its lock and goes on from the old element",
  severity: "error",
  what: [
    "Reports a walk over a list (`list_for_each_entry` and its kind for every sort of list, macros of the tree that expand to " +
      "one, loops written with `->next` or `list_entry`) in which the lock that is held when a round begins is dropped and taken " +
      "again, by the function itself or by one that it calls, and which then goes on from an element that nothing kept.",
    "The `_safe` variants do not help: they hold the next element beforehand, and that one is as unprotected as the other.",
    "Not reported: a reference or a lock taken on the element before the drop, a walk that ends or begins anew afterwards, an " +
      "element that is looked up again, a cursor that those who remove elements can see, another lock held throughout that " +
      "all of them hold too, an RCU reader that stays one. Who removes elements is looked for by the list member in the " +
      "walk's directory and shown as a step; without any the finding is of low confidence.",
  ],
  whyBad: [
    "While the lock is not held, somebody else takes the element off the list and frees it. The walk then reads its `next` " +
      "pointer from freed memory, or finds the poison that `list_del()` left, or follows the element to another list and never " +
      "sees the end of this one. It needs two tasks at the right moment, so tests pass.",
  ],
  example: {
    code: before,
    finding: {
      line: 22,
      column: 2,
      confidence: "high",
      message:
        "clients_flush() drops mutex clients_mutex in the walk and goes on from c, which client_remove() may have removed meanwhile",
    },
    repaired: before
      .replace(
        "\t\tmutex_unlock(&clients_mutex);\n\t\tclient_flush",
        "\t\tkref_get(&c->ref);\n\t\tmutex_unlock(&clients_mutex);\n\t\tclient_flush",
      )
      .replace(
        "\t\tmutex_lock(&clients_mutex);\n\t}",
        "\t\tmutex_lock(&clients_mutex);\n\t\tkref_put(&c->ref, client_release);\n\t}",
      ),
  },
  repair: [
    "Hold a reference on the element from before the unlock until after the step to the next one. Where elements are unlinked " +
      "before the last reference goes, the element must also still be on the list when the lock is taken again: check it.",
    "Begin anew after the lock was taken again (and mark what has been done, so that the walk ends).",
    "Take the first element off the list each time, until it is empty; or move all to a private list that nobody else reaches.",
    "Put a cursor element of your own into the list, or keep a cursor that removal moves on.",
    "Keep the lock: collect under it what is needed, and do the work afterwards.",
  ],
  limits: [
    "What takes a reference is told by its name (`get`, `hold`, `inc` …): one under another name is not seen, and a name that " +
      "only looks like one hides the walk.",
    "A reference keeps the element's memory. Whether it also stays on the list is not known.",
    "Only lists are walked: trees, radix trees and hash tables with iterators of their own are not.",
    "Who removes elements is searched for in the directory of the walk, by the struct's type and the member's name. A list whose " +
      "elements are taken off by assigning pointers has no removal that is seen.",
    "One round is followed: a lock that is dropped in one round and taken in the next is not seen.",
  ],
  configuration: configurationOf("stale-cursor"),
};
