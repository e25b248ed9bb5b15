// GFP_ATOMIC where a failure is handled, never in a loop, never for what cannot be atomic.
struct item { struct list_head node; int key; };
struct table { spinlock_t lock; struct list_head items; };

static int table_add(struct table *t, int key)
{
	struct item *it;

	spin_lock(&t->lock);
	if (table_find(t, key)) {
		spin_unlock(&t->lock);
		return -EEXIST;
	}
	it = kmalloc(sizeof(*it), GFP_KERNEL);
	if (!it) {
		spin_unlock(&t->lock);
		return -ENOMEM;
	}
	it->key = key;
	list_add(&it->node, &t->items);
	spin_unlock(&t->lock);
	return 0;
}

static void table_fill(struct table *t, int n)
{
	struct item *it;

	spin_lock(&t->lock);
	while (n-- > 0) {
		it = kmalloc(sizeof(*it), GFP_KERNEL);
		if (!it)
			break;
		list_add(&it->node, &t->items);
	}
	spin_unlock(&t->lock);
}
