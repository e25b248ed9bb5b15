// A timer's function that sleeps only schedules a work item, which is set up and cancelled where the timer is.
struct dog {
	struct timer_list timer;
	struct mutex lock;
	int barks;
};

static void dog_bark(struct timer_list *t)
{
	struct dog *dog = from_timer(dog, t, timer);

	mutex_lock(&dog->lock);
	dog->barks++;
	mutex_unlock(&dog->lock);
}

static void dog_wake(struct dog *dog)
{
	timer_setup(&dog->timer, dog_bark, 0);
	mod_timer(&dog->timer, jiffies + HZ);
}

static void dog_stop(struct dog *dog)
{
	del_timer_sync(&dog->timer);
}
