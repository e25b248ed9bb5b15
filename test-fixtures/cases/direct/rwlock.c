// Both sides of a reader-writer spinlock make code atomic.
struct table {
	rwlock_t lock;
	int entries;
};

int reader(struct table *t)
{
	int n;

	read_lock(&t->lock);
	usleep_range(10, 20);
//      ^^^^^^^^^^^^ sleep-in-atomic[high] under rwlock t->lock: reader > usleep_range
	n = t->entries;
	read_unlock(&t->lock);
	return n;
}

void writer(struct table *t)
{
	write_lock_bh(&t->lock);
	wait_for_completion(&done);
//      ^^^^^^^^^^^^^^^^^^^ sleep-in-atomic[high] under rwlock t->lock: writer > wait_for_completion
	write_unlock_bh(&t->lock);
}
