// What makes a walk less likely to be wrong is said, at low confidence.
//- min-confidence: low
struct item {
	struct list_head node;
	int busy;
	int seq;
};

struct box {
	spinlock_t lock;
	struct list_head items;
	struct list_head never;
	int seq;
};

static void item_gone(struct box *b, struct item *i)
{
	spin_lock(&b->lock);
	list_del(&i->node);
	spin_unlock(&b->lock);
	kfree(i);
}

void marked(struct box *b)
{
	struct item *i;

	spin_lock(&b->lock);
	list_for_each_entry(i, &b->items, node) {
//      ^^^^^^^^^^^^^^^^^^^ stale-cursor[low, element-marked] under spinlock b->lock: marked > item_gone > marked > marked > list_for_each_entry
		i->busy = 1;
		spin_unlock(&b->lock);
		work(i);
		spin_lock(&b->lock);
		i->busy = 0;
	}
	spin_unlock(&b->lock);
}

void looked_again(struct box *b)
{
	struct item *i;
	int seq;

again:
	spin_lock(&b->lock);
	seq = b->seq;
	list_for_each_entry(i, &b->items, node) {
//      ^^^^^^^^^^^^^^^^^^^ stale-cursor[low, checked-again] under spinlock b->lock: looked_again > item_gone > looked_again > looked_again > list_for_each_entry
		spin_unlock(&b->lock);
		work(i);
		spin_lock(&b->lock);
		if (b->seq != seq) {
			spin_unlock(&b->lock);
			goto again;
		}
	}
	spin_unlock(&b->lock);
}

void private_list(struct box *b)
{
	LIST_HEAD(victims);
	struct item *i, *n;

	spin_lock(&b->lock);
	list_splice_init(&b->items, &victims);
	list_for_each_entry_safe(i, n, &victims, node) {
//      ^^^^^^^^^^^^^^^^^^^^^^^^ stale-cursor[low, private-list] under spinlock b->lock: private_list > item_gone > private_list > private_list > list_for_each_entry_safe
		spin_unlock(&b->lock);
		work(i);
		spin_lock(&b->lock);
	}
	spin_unlock(&b->lock);
}

struct fixed {
	struct list_head link;
};

static LIST_HEAD(all_fixed);
static DEFINE_MUTEX(fixed_mutex);

void nothing_is_ever_removed(void)
{
	struct fixed *f;

	mutex_lock(&fixed_mutex);
	list_for_each_entry(f, &all_fixed, link) {
//      ^^^^^^^^^^^^^^^^^^^ stale-cursor[low, no-removal-seen] under other fixed_mutex: nothing_is_ever_removed > nothing_is_ever_removed > nothing_is_ever_removed > list_for_each_entry
		mutex_unlock(&fixed_mutex);
		work(f);
		mutex_lock(&fixed_mutex);
	}
	mutex_unlock(&fixed_mutex);
}
