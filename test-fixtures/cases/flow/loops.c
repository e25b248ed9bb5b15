// A lock may be taken and given back in each round; what is held at the end of a round is held at the start of the next.
static DEFINE_SPINLOCK(lock);

void each_round(struct item *i, int n)
{
	while (n--) {
		spin_lock(&lock);
		use(i);
		spin_unlock(&lock);
		msleep(1);
	}
}

void around_sleep(struct item *i)
{
	spin_lock(&lock);
	while (busy(i)) {
		spin_unlock(&lock);
		msleep(1);
		spin_lock(&lock);
	}
	spin_unlock(&lock);
}

void inside(struct item *i)
{
	spin_lock(&lock);
	list_for_each_entry(i, &items, node) {
		if (i->old)
			continue;
		msleep(1);
//              ^^^^^^ sleep-in-atomic[high] under spinlock lock: inside > msleep
	}
	spin_unlock(&lock);
}

void carried_over(struct item *i, int n)
{
	for (; n; n--) {
		msleep(1);
//              ^^^^^^ sleep-in-atomic[medium, maybe-held] under spinlock lock: carried_over > msleep
		spin_lock(&lock);
		if (i->skip)
			continue;
		spin_unlock(&lock);
	}
}
