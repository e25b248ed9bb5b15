// Under a list walk the sketch of dropping the lock names the cursor trap.
struct job { struct list_head node; struct mutex busy; int done; };
struct queue { spinlock_t lock; struct list_head jobs; int left; };

static void queue_run(struct queue *q)
{
	struct job *j;

	spin_lock(&q->lock);
	list_for_each_entry(j, &q->jobs, node) {
		mutex_lock(&j->busy);
		j->done = 1;
		mutex_unlock(&j->busy);
		q->left--;
	}
	spin_unlock(&q->lock);
}
