// An array that an object points to, freed with its own call on the way to the sleep: the sketch of one allocation.
struct slot {
	int users;
};

struct table {
	struct list_head list;
	struct slot *slots;
	int nr;
};

static DEFINE_MUTEX(tables_mutex);
static DEFINE_SPINLOCK(owners_lock);

int table_init(struct table *t, int nr)
{
	t->slots = kcalloc(nr, sizeof(*t->slots), GFP_KERNEL);
	t->nr = nr;
	return t->slots ? 0 : -ENOMEM;
}

int table_users(struct table *t, int i)
{
	return t->slots[i].users;
}

static void table_destroy(struct table *t)
{
	mutex_lock(&tables_mutex);
	list_del(&t->list);
	mutex_unlock(&tables_mutex);
	kfree(t->slots);
	t->slots = NULL;
}

void owner_put(struct table *t, int *users)
{
	spin_lock(&owners_lock);
	if (!--*users)
		table_destroy(t);
	spin_unlock(&owners_lock);
}
