// A high-resolution timer's function is installed by assignment and runs in hard interrupt context.
static enum hrtimer_restart tick(struct hrtimer *t)
{
	msleep(1);
//      ^^^^^^ sleep-in-atomic-callback[medium]: tick > msleep
	return HRTIMER_NORESTART;
}

void start(struct dev *d)
{
	hrtimer_init(&d->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	d->timer.function = tick;
}
