// Functions that only look as if they slept do not.
static DEFINE_SPINLOCK(lock);

void f(struct dev *d)
{
	spin_lock(&lock);
	if (mutex_trylock(&d->m))
		mutex_unlock(&d->m);
	if (!down_trylock(&d->sem))
		up(&d->sem);
	complete(&d->done);
	wake_up(&d->wait);
	schedule_work(&d->work);
	queue_delayed_work(system_wq, &d->dwork, 1);
	mod_timer(&d->timer, jiffies + 1);
	udelay(20);
	kfree(d->buffer);
	kfree_rcu(d, rcu);
	fput(d->file);
	dev_kfree_skb_any(d->skb);
	clk_disable(d->clk);
	printk("still here\n");
	WARN_ON(d->broken);
	spin_unlock(&lock);
}
