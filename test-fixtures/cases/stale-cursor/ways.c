// Ways to lose the element: behind a callee, through a macro of the tree, in a written loop, by cond_resched_lock.
struct item {
	struct list_head node;
	struct item *next;
	struct hlist_node hash;
};

struct box {
	spinlock_t lock;
	struct list_head items;
	struct hlist_head *table;
};

#define for_each_item(b, i) \
	list_for_each_entry(i, &(b)->items, node)

static void item_gone(struct box *b, struct item *i)
{
	spin_lock(&b->lock);
	list_del(&i->node);
	hlist_del(&i->hash);
	spin_unlock(&b->lock);
	kfree(i);
}

static void item_work(struct box *b, struct item *i)
{
	spin_unlock(&b->lock);
	work(i);
	spin_lock(&b->lock);
}

void behind_a_callee(struct box *b)
{
	struct item *i;

	spin_lock(&b->lock);
	list_for_each_entry(i, &b->items, node)
//      ^^^^^^^^^^^^^^^^^^^ stale-cursor[medium, dropped-by-callee] under spinlock b->lock: behind_a_callee > item_work > item_gone > behind_a_callee > item_work > behind_a_callee > list_for_each_entry
		item_work(b, i);
	spin_unlock(&b->lock);
}

void through_a_macro(struct box *b)
{
	struct item *i;

	spin_lock(&b->lock);
	for_each_item(b, i) {
//      ^^^^^^^^^^^^^ stale-cursor[high] under spinlock b->lock: through_a_macro > item_gone > through_a_macro > through_a_macro > for_each_item
		spin_unlock(&b->lock);
		work(i);
		spin_lock(&b->lock);
	}
	spin_unlock(&b->lock);
}

void unlinked_but_the_next_one(struct box *b)
{
	struct item *i, *n;

	spin_lock(&b->lock);
	list_for_each_entry_safe(i, n, &b->items, node) {
//      ^^^^^^^^^^^^^^^^^^^^^^^^ stale-cursor[high] under spinlock b->lock: unlinked_but_the_next_one > item_gone > unlinked_but_the_next_one > unlinked_but_the_next_one > list_for_each_entry_safe
		list_del(&i->node);
		spin_unlock(&b->lock);
		kfree(i);
		spin_lock(&b->lock);
	}
	spin_unlock(&b->lock);
}

void node_by_node(struct box *b)
{
	struct list_head *p;

	spin_lock(&b->lock);
	for (p = b->items.next; p != &b->items; p = p->next) {
//                                              ^ stale-cursor[high] under spinlock b->lock: node_by_node > item_gone > node_by_node > node_by_node > p->next
		struct item *i = list_entry(p, struct item, node);

		spin_unlock(&b->lock);
		work(i);
		spin_lock(&b->lock);
	}
	spin_unlock(&b->lock);
}

void resched_and_on(struct box *b)
{
	struct item *i;

	spin_lock(&b->lock);
	list_for_each_entry(i, &b->items, node) {
//      ^^^^^^^^^^^^^^^^^^^ stale-cursor[high] under spinlock b->lock: resched_and_on > item_gone > resched_and_on > resched_and_on > list_for_each_entry
		touch(i);
		cond_resched_lock(&b->lock);
	}
	spin_unlock(&b->lock);
}

void hashed(struct box *b)
{
	struct item *i;

	spin_lock(&b->lock);
	hlist_for_each_entry(i, &b->table[0], hash) {
//      ^^^^^^^^^^^^^^^^^^^^ stale-cursor[high] under spinlock b->lock: hashed > item_gone > hashed > hashed > hlist_for_each_entry
		spin_unlock(&b->lock);
		work(i);
		spin_lock(&b->lock);
	}
	spin_unlock(&b->lock);
}

void put_too_early(struct box *b)
{
	struct item *i;

	spin_lock(&b->lock);
	list_for_each_entry(i, &b->items, node) {
//      ^^^^^^^^^^^^^^^^^^^ stale-cursor[high] under spinlock b->lock: put_too_early > item_gone > put_too_early > put_too_early > list_for_each_entry
		item_get(i);
		spin_unlock(&b->lock);
		work(i);
		item_put(i);
		spin_lock(&b->lock);
	}
	spin_unlock(&b->lock);
}
