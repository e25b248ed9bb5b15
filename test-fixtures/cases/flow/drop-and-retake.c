// A function may drop its caller's lock around a sleep and take it again.
static DEFINE_SPINLOCK(lock);

static void wait_unlocked(struct item *i) __releases(&lock) __acquires(&lock)
{
	spin_unlock(&lock);
	msleep(1);
	spin_lock(&lock);
}

static void wait_plain(struct item *i)
{
	spin_unlock(&lock);
	msleep(1);
	spin_lock(&lock);
}

void legal(struct item *i)
{
	spin_lock(&lock);
	wait_unlocked(i);
	wait_plain(i);
	spin_unlock(&lock);
}

void held_afterwards(struct item *i)
{
	spin_lock(&lock);
	wait_plain(i);
	msleep(2);
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: held_afterwards > msleep
	spin_unlock(&lock);
}

void under_another(struct item *i)
{
	rcu_read_lock();
	spin_lock(&lock);
	wait_plain(i);
//      ^^^^^^^^^^ sleep-in-atomic[high] under rcu: under_another > wait_plain > msleep
	spin_unlock(&lock);
	rcu_read_unlock();
}
