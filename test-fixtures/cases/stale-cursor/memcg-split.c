// One long mutex section over all lists, split into one for each list: the naive split is found, the one with a cursor is not.
struct lru_list {
	struct list_head registered;
	struct lru_table *table;
};

struct lru_cursor {
	struct list_head anchor;
	struct lru_list *at;
};

static LIST_HEAD(all_lists);
static LIST_HEAD(cursors);
static DEFINE_MUTEX(all_lists_mutex);

static void list_enrol(struct lru_list *lru)
{
	mutex_lock(&all_lists_mutex);
	list_add(&lru->registered, &all_lists);
	mutex_unlock(&all_lists_mutex);
}

static void list_retire(struct lru_list *lru)
{
	struct lru_cursor *c;

	mutex_lock(&all_lists_mutex);
	list_for_each_entry(c, &cursors, anchor)
		if (c->at == lru)
			c->at = list_next_entry(lru, registered);
	list_del(&lru->registered);
	mutex_unlock(&all_lists_mutex);
}

static int grow_one(struct lru_list *lru, int size);

/* As it was: nothing can go away meanwhile. */
int grow_all(int size)
{
	struct lru_list *lru;
	int ret = 0;

	mutex_lock(&all_lists_mutex);
	list_for_each_entry(lru, &all_lists, registered) {
		ret = grow_one(lru, size);
		if (ret)
			break;
	}
	mutex_unlock(&all_lists_mutex);
	return ret;
}

int grow_all_naively(int size)
{
	struct lru_list *lru;
	int ret = 0;

	mutex_lock(&all_lists_mutex);
	list_for_each_entry(lru, &all_lists, registered) {
//      ^^^^^^^^^^^^^^^^^^^ stale-cursor[high] under other all_lists_mutex: grow_all_naively > list_retire > grow_all_naively > grow_all_naively > list_for_each_entry
		mutex_unlock(&all_lists_mutex);
		ret = grow_one(lru, size);
		mutex_lock(&all_lists_mutex);
		if (ret)
			break;
	}
	mutex_unlock(&all_lists_mutex);
	return ret;
}

int grow_all_safely_so_called(int size)
{
	struct lru_list *lru, *next;
	int ret = 0;

	mutex_lock(&all_lists_mutex);
	list_for_each_entry_safe(lru, next, &all_lists, registered) {
//      ^^^^^^^^^^^^^^^^^^^^^^^^ stale-cursor[high] under other all_lists_mutex: grow_all_safely_so_called > list_retire > grow_all_safely_so_called > grow_all_safely_so_called > list_for_each_entry_safe
		mutex_unlock(&all_lists_mutex);
		ret = grow_one(lru, size);
		mutex_lock(&all_lists_mutex);
	}
	mutex_unlock(&all_lists_mutex);
	return ret;
}

/* Removal moves the cursor on. */
int grow_all_with_cursor(int size)
{
	struct lru_cursor c;
	struct lru_list *lru;
	int ret = 0;

	mutex_lock(&all_lists_mutex);
	list_add(&c.anchor, &cursors);
	for (lru = list_first_entry(&all_lists, struct lru_list, registered);
	     &lru->registered != &all_lists && !ret; lru = c.at) {
		c.at = list_next_entry(lru, registered);
		mutex_unlock(&all_lists_mutex);
		ret = grow_one(lru, size);
		mutex_lock(&all_lists_mutex);
	}
	list_del(&c.anchor);
	mutex_unlock(&all_lists_mutex);
	return ret;
}
