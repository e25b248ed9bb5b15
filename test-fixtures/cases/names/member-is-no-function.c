// Calling a member is not calling the global function of its name.
static DEFINE_SPINLOCK(lock);

struct handler {
	void (*notify_all)(struct handler *h);
};

void notify_all(struct handler *h)
{
	msleep(1);
}

void f(struct handler *h)
{
	spin_lock(&lock);
	h->notify_all(h);
	spin_unlock(&lock);
}
