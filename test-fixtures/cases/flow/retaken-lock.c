// A caller's lock that is dropped and retaken is held from there on, whoever calls.
void resume(struct dev *d, unsigned long *flags)
{
	d->active = 1;
	spin_unlock_irqrestore(&d->lock, *flags);
	msleep(1);
	spin_lock_irqsave(&d->lock, *flags);
	if (d->slot)
		msleep(2);
//              ^^^^^^ sleep-in-atomic[high] under spinlock d->lock: resume > msleep
}

void balanced(struct dev *d)
{
	spin_unlock(&d->lock);
	msleep(1);
	spin_lock(&d->lock);
	spin_unlock(&d->lock);
	msleep(2);
	spin_lock(&d->lock);
}

void found_by_call(struct hcd *h, unsigned long *flags)
{
	struct xhci *x = to_xhci(h);

	spin_unlock_irqrestore(&x->lock, *flags);
	msleep(1);
	spin_lock_irqsave(&x->lock, *flags);
	msleep(2);
//      ^^^^^^ sleep-in-atomic[high] under spinlock x->lock: found_by_call > msleep
}

// The lock of the next element stands for the dropped one: the caller gets it, and until then it is held.
struct port *next_port(struct port *p)
{
	struct group *g = p->group;

	spin_unlock_bh(&g->lock);
	list_for_each_entry_continue(g, &all_groups, node) {
		spin_lock_bh(&g->lock);
		msleep(3);
//              ^^^^^^ sleep-in-atomic[high] under spinlock g->lock: next_port > msleep
		p = first_port(g);
		if (p)
			return p;
		spin_unlock_bh(&g->lock);
		msleep(4);
	}
	return NULL;
}
