/** Kernel-style C in our own words for the tests of the language server. */

/** Calls a helper of another file under a lock. */
export const SUPER_C = `static DEFINE_SPINLOCK(sb_lock);

static void __put_super(struct super_block *s)
{
	if (!--s->s_count) {
		list_lru_destroy(&s->s_dentry_lru);
		kfree(s);
	}
}

static void put_super(struct super_block *sb)
{
	spin_lock(&sb_lock);
	__put_super(sb);
	spin_unlock(&sb_lock);
}
`;

/** The helper: it takes a mutex. */
export const LRU_C = `static DEFINE_MUTEX(list_lrus_mutex);

static void list_lru_unregister(struct list_lru *lru)
{
	mutex_lock(&list_lrus_mutex);
	list_del(&lru->list);
	mutex_unlock(&list_lrus_mutex);
}

void list_lru_destroy(struct list_lru *lru)
{
	list_lru_unregister(lru);
}
`;

export const TREE = { "fs/super.c": SUPER_C, "mm/list_lru.c": LRU_C };

/** An allocation under a lock whose result is checked. */
export const ALLOC_C = `int add_entry(struct table *t)
{
	struct entry *e;

	spin_lock(&t->lock);
	e = kmalloc(sizeof(*e), GFP_KERNEL);
	if (!e) {
		spin_unlock(&t->lock);
		return -ENOMEM;
	}
	list_add(&e->list, &t->entries);
	spin_unlock(&t->lock);
	return 0;
}
`;
