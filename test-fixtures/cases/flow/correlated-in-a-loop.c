// A walk that holds the lock of the element it stands at, and none behind the last one.
struct item {
	spinlock_t lock;
	struct item *next;
};

void walk(struct list *l)
{
	struct item *i, *last;

	i = l->first;
	if (i)
		spin_lock(&i->lock);
	while (i) {
		last = i;
		i = i->next;
		spin_unlock(&last->lock);
		if (i)
			spin_lock(&i->lock);
	}
	msleep(1);
}
