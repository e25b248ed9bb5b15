// A callee that takes and gives back its lock on ways that do not add up is not believed to release its caller's.
struct head {
	spinlock_t state_lock;
};

static int access(struct head *h, int credits)
{
	int error = 0;

repeat:
	spin_lock(&h->state_lock);
	if (h->transaction == 3)
		goto done;
	if (h->frozen) {
		spin_unlock(&h->state_lock);
		error = wait_frozen(h);
		if (lookup(h))
			goto repeat;
		if (error)
			goto out;
	}
	h->next = credits;
done:
	spin_unlock(&h->state_lock);
out:
	return error;
}

void f(struct head *h)
{
	access(h, 1);
	spin_lock(&h->state_lock);
	msleep(1);
//      ^^^^^^ sleep-in-atomic[high] under spinlock h->state_lock: f > msleep
	spin_unlock(&h->state_lock);
}
