// A timer's function runs in softirq context.
static void expired(struct timer_list *t)
{
	flush_work(&w);
//      ^^^^^^^^^^ sleep-in-atomic-callback[medium, registered-callback] under softirq: expired > flush_work
}

void start(struct dev *d)
{
	timer_setup(&d->timer, expired, 0);
}
