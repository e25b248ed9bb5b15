// A preparation moves to before the lock with its failure path; earlier ways out give back what they do not use.
struct item { int key; };
struct table { spinlock_t lock; struct item *head; struct clk *clk; int on; };

static int table_add(struct table *t, int key)
{
	struct item *it;

	spin_lock(&t->lock);
	if (t->on < 0) {
		spin_unlock(&t->lock);
		return -EBUSY;
	}
	it = kmalloc(sizeof(*it), GFP_KERNEL);
	if (!it) {
		spin_unlock(&t->lock);
		return -ENOMEM;
	}
	it->key = key;
	t->head = it;
	spin_unlock(&t->lock);
	return 0;
}

static int table_start(struct table *t)
{
	int ret;

	spin_lock(&t->lock);
	ret = clk_prepare_enable(t->clk);
	if (ret)
		goto out;
	t->on = 1;
out:
	spin_unlock(&t->lock);
	return ret;
}
