// What keeps a walk whole: a reference, a restart, a fresh look, an end, another lock, an RCU reader, a cursor that is known.
struct item {
	struct list_head node;
	struct kref ref;
	struct mutex lock;
	int users;
	int state;
};

struct box {
	spinlock_t lock;
	struct mutex all;
	struct list_head items;
	struct item *cursor;
};

static struct item *walking;

static void item_gone(struct box *b, struct item *i)
{
	spin_lock(&b->lock);
	list_del(&i->node);
	spin_unlock(&b->lock);
	kfree(i);
}

void reference(struct box *b)
{
	struct item *i;

	spin_lock(&b->lock);
	list_for_each_entry(i, &b->items, node) {
		kref_get(&i->ref);
		spin_unlock(&b->lock);
		work(i);
		spin_lock(&b->lock);
		kref_put(&i->ref, item_release);
	}
	spin_unlock(&b->lock);
}

void counted(struct box *b)
{
	struct item *i;

	spin_lock(&b->lock);
	list_for_each_entry(i, &b->items, node) {
		i->users++;
		spin_unlock(&b->lock);
		work(i);
		spin_lock(&b->lock);
		i->users--;
	}
	spin_unlock(&b->lock);
}

void restart(struct box *b)
{
	struct item *i;

again:
	spin_lock(&b->lock);
	list_for_each_entry(i, &b->items, node) {
		if (i->state)
			continue;
		i->state = 1;
		spin_unlock(&b->lock);
		work(i);
		goto again;
	}
	spin_unlock(&b->lock);
}

void first_each_time(struct box *b)
{
	struct item *i;

	spin_lock(&b->lock);
	while (!list_empty(&b->items)) {
		i = list_first_entry(&b->items, struct item, node);
		list_del(&i->node);
		spin_unlock(&b->lock);
		kfree(i);
		spin_lock(&b->lock);
	}
	spin_unlock(&b->lock);
}

int found(struct box *b, int state)
{
	struct item *i;
	int ret = 0;

	spin_lock(&b->lock);
	list_for_each_entry(i, &b->items, node) {
		if (i->state != state)
			continue;
		spin_unlock(&b->lock);
		ret = work(i);
		spin_lock(&b->lock);
		break;
	}
	spin_unlock(&b->lock);
	return ret;
}

void lock_of_the_element(struct box *b)
{
	struct item *i;

	spin_lock(&b->lock);
	list_for_each_entry(i, &b->items, node) {
		if (!mutex_trylock(&i->lock))
			continue;
		spin_unlock(&b->lock);
		work(i);
		spin_lock(&b->lock);
		mutex_unlock(&i->lock);
	}
	spin_unlock(&b->lock);
}

void resched(struct box *b)
{
	struct item *i, *n;

restart:
	list_for_each_entry_safe(i, n, &b->items, node) {
		touch(i);
		if (cond_resched_lock(&b->lock))
			goto restart;
	}
}

/* Whoever takes elements off waits for this one. */
void known_cursor(struct box *b)
{
	spin_lock(&b->lock);
	list_for_each_entry(walking, &b->items, node) {
		spin_unlock(&b->lock);
		work(walking);
		spin_lock(&b->lock);
	}
	walking = NULL;
	spin_unlock(&b->lock);
}

void lock_taken_inside(struct box *b)
{
	struct item *i;

	list_for_each_entry(i, &b->items, node) {
		spin_lock(&b->lock);
		touch(i);
		spin_unlock(&b->lock);
	}
}
//- drivers/example/outer.c
struct part {
	struct list_head node;
};

struct whole {
	struct mutex mutex;
	spinlock_t lock;
	struct list_head parts;
};

static void part_gone(struct whole *w, struct part *p)
{
	mutex_lock(&w->mutex);
	spin_lock(&w->lock);
	list_del(&p->node);
	spin_unlock(&w->lock);
	mutex_unlock(&w->mutex);
}

/* The mutex is held throughout, and who takes a part off the list holds it too. */
void outer(struct whole *w)
{
	struct part *p;

	mutex_lock(&w->mutex);
	spin_lock(&w->lock);
	list_for_each_entry(p, &w->parts, node) {
		spin_unlock(&w->lock);
		work(p);
		spin_lock(&w->lock);
	}
	spin_unlock(&w->lock);
	mutex_unlock(&w->mutex);
}

static void outer_of_the_caller(struct whole *w)
{
	struct part *p;

	spin_lock(&w->lock);
	list_for_each_entry(p, &w->parts, node) {
		spin_unlock(&w->lock);
		work(p);
		spin_lock(&w->lock);
	}
	spin_unlock(&w->lock);
}

void caller(struct whole *w)
{
	mutex_lock(&w->mutex);
	outer_of_the_caller(w);
	mutex_unlock(&w->mutex);
}
//- drivers/example/rcu.c
struct peer {
	struct list_head node;
	struct rcu_head rcu;
};

static LIST_HEAD(peers);
static DEFINE_SPINLOCK(peers_lock);

static void peer_gone(struct peer *p)
{
	spin_lock(&peers_lock);
	list_del_rcu(&p->node);
	spin_unlock(&peers_lock);
	kfree_rcu(p, rcu);
}

void reader(void)
{
	struct peer *p;

	rcu_read_lock();
	spin_lock(&peers_lock);
	list_for_each_entry_rcu(p, &peers, node) {
		spin_unlock(&peers_lock);
		touch(p);
		spin_lock(&peers_lock);
	}
	spin_unlock(&peers_lock);
	rcu_read_unlock();
}

void reader_that_leaves(void)
{
	struct peer *p;

	rcu_read_lock();
	list_for_each_entry_rcu(p, &peers, node) {
//      ^^^^^^^^^^^^^^^^^^^^^^^ stale-cursor[high] under rcu: reader_that_leaves > peer_gone > reader_that_leaves > reader_that_leaves > list_for_each_entry_rcu
		rcu_read_unlock();
		work(p);
		rcu_read_lock();
	}
	rcu_read_unlock();
}
