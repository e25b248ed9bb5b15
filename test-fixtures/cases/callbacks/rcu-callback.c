// An RCU callback runs with bottom halves off.
static void release(struct rcu_head *head)
{
	struct item *i = container_of(head, struct item, rcu);

	mutex_lock(&i->m);
//      ^^^^^^^^^^ sleep-in-atomic-callback[medium, registered-callback]: release > mutex_lock
	mutex_unlock(&i->m);
	kfree(i);
}

void drop(struct item *i)
{
	call_rcu(&i->rcu, release);
}
