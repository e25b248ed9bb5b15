// A tasklet runs in softirq context; work runs where sleeping is allowed.
static void tasklet(struct tasklet_struct *t)
{
	msleep(1);
//      ^^^^^^ sleep-in-atomic-callback[medium, registered-callback] under softirq: tasklet > msleep
}

static void work(struct work_struct *w)
{
	msleep(1);
}

void start(struct dev *d)
{
	tasklet_setup(&d->tasklet, tasklet);
	INIT_WORK(&d->work, work);
}
