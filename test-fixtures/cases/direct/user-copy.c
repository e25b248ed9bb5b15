// Copying from user space may fault and sleep, but not with page faults disabled.
static DEFINE_SPINLOCK(lock);

int copy(void *to, const void __user *from)
{
	int left;

	spin_lock(&lock);
	left = copy_from_user(to, from, 8);
//             ^^^^^^^^^^^^^^ sleep-in-atomic[high] under spinlock lock: copy > copy_from_user
	spin_unlock(&lock);
	return left;
}

int try_copy(void *to, const void __user *from)
{
	int left;

	spin_lock(&lock);
	pagefault_disable();
	left = copy_from_user(to, from, 8);
	pagefault_enable();
	spin_unlock(&lock);
	return left;
}
