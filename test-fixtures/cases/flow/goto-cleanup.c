// Labels are reached with what each goto holds.
static DEFINE_SPINLOCK(lock);

int unlocked_at_label(struct item *i)
{
	int err = -ENODEV;

	if (!i)
		goto out;
	spin_lock(&lock);
	err = take(i);
	if (err)
		goto out_unlock;
	finish(i);
out_unlock:
	spin_unlock(&lock);
out:
	msleep(1);
	return err;
}

int locked_at_label(struct item *i)
{
	int err = 0;

	spin_lock(&lock);
	if (i->broken) {
		err = -EIO;
		goto out;
	}
	use(i);
out:
	msleep(1);
//      ^^^^^^ sleep-in-atomic[high] under spinlock lock: locked_at_label > msleep
	spin_unlock(&lock);
	return err;
}
