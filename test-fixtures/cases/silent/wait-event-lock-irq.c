// wait_event_lock_irq() drops the lock that it is given, and no other.
struct queue {
	spinlock_t lock;
	wait_queue_head_t wait;
	int empty;
};

void legal(struct queue *q)
{
	spin_lock_irq(&q->lock);
	wait_event_lock_irq(q->wait, !q->empty, q->lock);
	spin_unlock_irq(&q->lock);
}

void second_lock(struct queue *q, struct queue *r)
{
	spin_lock(&r->lock);
	spin_lock_irq(&q->lock);
	wait_event_lock_irq(q->wait, !q->empty, q->lock);
//      ^^^^^^^^^^^^^^^^^^^ sleep-in-atomic[high] under spinlock r->lock: second_lock > wait_event_lock_irq
	spin_unlock_irq(&q->lock);
	spin_unlock(&r->lock);
}
