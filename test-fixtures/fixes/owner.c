// Sketches with what was found: who works on the objects under the sleeping lock, which field can say dead, what a split loses.
struct lru {
	struct list_head list;
	int size;
	int state;
};

static LIST_HEAD(lrus);
static DEFINE_MUTEX(lrus_mutex);
static DEFINE_SPINLOCK(owners_lock);

static void lru_destroy(struct lru *lru)
{
	mutex_lock(&lrus_mutex);
	list_del(&lru->list);
	mutex_unlock(&lrus_mutex);
}

static void lru_resize(struct lru *lru, int size)
{
	lru->size = size;
	lru_grow(lru);
}

void lrus_resize(int size)
{
	struct lru *lru;

	mutex_lock(&lrus_mutex);
	list_for_each_entry(lru, &lrus, list)
		lru_resize(lru, size);
	mutex_unlock(&lrus_mutex);
}

static void owner_free(struct lru *lru)
{
	lru_destroy(lru);
	kfree(lru);
}

void owner_put(struct lru *lru, int *users)
{
	spin_lock(&owners_lock);
	if (!--*users)
		owner_free(lru);
	spin_unlock(&owners_lock);
}

int owner_users(int *users)
{
	int n;

	spin_lock(&owners_lock);
	n = *users;
	spin_unlock(&owners_lock);
	return n;
}

void naive_split(int size)
{
	struct lru *lru;

	mutex_lock(&lrus_mutex);
	list_for_each_entry(lru, &lrus, list) {
		mutex_unlock(&lrus_mutex);
		lru_resize(lru, size);
		mutex_lock(&lrus_mutex);
	}
	mutex_unlock(&lrus_mutex);
}
