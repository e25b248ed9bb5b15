// A macro around a lock function is what it wraps, whatever its name says.
#define TABLE_LOCK(t)		spin_lock(&(t)->lock)
#define TABLE_UNLOCK(t)		spin_unlock(&(t)->lock)
#define SPIN_TABLE_LOCK(t)	mutex_lock(&(t)->m)
#define SPIN_TABLE_UNLOCK(t)	mutex_unlock(&(t)->m)

struct table {
	spinlock_t lock;
	struct mutex m;
};

void spinning(struct table *t)
{
	TABLE_LOCK(t);
	msleep(1);
//      ^^^^^^ sleep-in-atomic[high]: spinning > msleep
	TABLE_UNLOCK(t);
	msleep(2);
}

void sleeping(struct table *t)
{
	SPIN_TABLE_LOCK(t);
	msleep(1);
	SPIN_TABLE_UNLOCK(t);
}
